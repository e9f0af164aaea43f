"""A page's wiring makes buttons: an endpoint that takes another's output is under its result."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from PIL import Image

from spacebot.engine import follow_ups
from spacebot.models import FollowUp
from tests.support.asking import ask, is_final, shown
from tests.support.conversations import lab


async def test_one_of_several_pictures_is_made_larger_by_its_button(served, tmp_path: Path):
    async with lab(tmp_path, it=served("deepfloyd")) as home:
        (space,) = home.home.catalogue.spaces
        assert [one.api_name for one in space.endpoints] == ["/generate64"]
        reasons = {one.api_name: one.reason for one in space.excluded}
        assert reasons["/upscale256"] == "it is a button under the result of /generate64"
        arguments = {"prompt": "a cat", "number_of_images": 2}
        first = await ask(home.ada, "it", arguments, channel=home.channel)
        # As many as there are pictures.
        assert [label for label in first.buttons() if "256" in label] == [
            "Upscale to 256 1",
            "Upscale to 256 2",
        ]
        seen = await home.ada.click(first, "Upscale to 256 2")
        await seen.wait(is_final, 30)
        (larger,) = shown(seen).attachments
        assert Image.open(io.BytesIO(larger.data)).width == 256


def test_a_value_that_came_as_an_update_is_taken_without_it():
    wanted = FollowUp("Go on", "/go", take={"path": 1})
    outputs = [[1, 2, 3], {"__type__": "update", "value": "there", "visible": True}]
    assert follow_ups.taken_values(wanted, 0, outputs, {}) == {"path": "there"}
    numbered = replace(wanted, index="which", each=4, of=0)
    assert len(list(follow_ups.follow_up_buttons([numbered], outputs))) == 3
