"""A Space's names for its endpoints and version reach nobody as live Markdown."""

from __future__ import annotations

import pytest

from spacebot.discord_bot.run_space.offer import _nothing_usable
from spacebot.engine.job_text import exclusion
from spacebot.errors import EndpointGone, SpaceUnavailable
from spacebot.models import Endpoint, ExcludedEndpoint, Parameter, Source, Space
from spacebot.spaces.client.legacy.describe import present_config
from spacebot.spaces.client.steps import check_unchanged

LINK = "[free Nitro](https://evil.example)"
IN_CODE = f"`/{LINK}`"


def test_an_endpoint_that_is_left_out_is_named_in_code():
    left_out = ExcludedEndpoint(f"/{LINK}", f"its input {LINK} cannot be asked for")
    said = exclusion(left_out)
    assert said.startswith(f"{IN_CODE}: its input \\[free Nitro](<")
    assert LINK not in said.removeprefix(IN_CODE)
    space = Space(Source("owner/name"), "name", "Name", excluded=(left_out,))
    assert _nothing_usable(space).endswith(said)


def test_an_input_that_is_gone_is_named_in_code():
    endpoint = Endpoint("owner/name", "/run", "run", "", (Parameter(f"`{LINK}", "a", "textbox"),))
    with pytest.raises(EndpointGone) as caught:
        check_unchanged(endpoint, (), ())
    assert f"`` `{LINK} ``" in str(caught.value)


@pytest.mark.parametrize(("version", "named"), [(f"2.0 {LINK}", "2.0"), (LINK, "2"), (None, "2")])
def test_a_version_that_is_too_old_is_told_by_its_numbers(version: str | None, named: str):
    with pytest.raises(SpaceUnavailable, match=f"runs Gradio {named}, which is too old"):
        present_config({"version": version, "input_components": []})
