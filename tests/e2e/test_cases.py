"""The small apps that lie beside the checkout, each used through Discord as it is.

What they ask of dependent choices, load events and typed functions is asserted in tests/spaces
on apps that ask more; here are those whose right answer no other test has.
"""

from __future__ import annotations

import io
import runpy
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from spacebot.engine.jobs import JobDeadlines
from spacebot.models import Source
from tests.e2e.conftest import Place, discord
from tests.support.apps import serve
from tests.support.asking import ask
from tests.support.bot_in_loop import at_home

CASES = Path(__file__).parents[3] / "shared" / "cases"
LOGIN = ("studio", "secret")
APPS = {
    "table": "23_untouched_table.py",
    "quota": "26_somebody_elses_quota.py",
    "rare": "27_rare_heartbeat.py",
}

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(
        not CASES.is_dir(), reason="the apps of ../shared/cases are not beside this checkout"
    ),
]


def app(file: str) -> Any:
    """The Gradio app that a file makes."""
    return runpy.run_path(str(CASES / file))["demo"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """A Discord whose bot offers these apps, and waits one second for a silent Space."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        # One of the apps sets it for its whole process.
        patch.setenv("GRADIO_HEARTBEAT_INTERVAL", "120")
        sources = [
            Source(stack.enter_context(serve(app(file))), name=name) for name, file in APPS.items()
        ]
        locked = stack.enter_context(serve(app("18_behind_a_login.py"), auth=LOGIN))
        sources.append(Source(locked, name="login", auth=LOGIN))
        async with (
            discord() as place,
            at_home(
                place.server,
                *sources,
                folder=tmp_path_factory.mktemp("cases"),
                deadlines=JobDeadlines(silence=1.0),
            ),
        ):
            yield place


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("table", {}, ("13", "31", "mean 22.0")),
        ("table", {"table": "Cy,40,true; Di,50,no"}, ("41", "51", "mean 46.0")),
        ("quota caller", {"prompt": "a cat"}, ("has 56 s left and this needs 60 s", "HF_TOKEN")),
        ("quota downstream", {"prompt": "a cat"}, ("The Space's own GPU quota", "3:10:05")),
        ("quota too_long", {"prompt": "a cat"}, ("asks Hugging Face for 180 s",)),
        # It reports no progress, but it responds when it is asked.
        ("rare", {"seconds": 3}, ("worked 3 s",)),
        # Another Space's quota holds nobody back.
        ("table", {}, ("mean 22.0",)),
    ],
)
async def test_a_case_gives_what_it_says(
    place: Place, command: str, options: dict[str, Any], said: tuple[str, ...]
):
    answer = await ask(place.ada, command, options, channel=place.channel, seconds=60)
    for part in said:
        assert part in answer.content
    assert "<a" not in answer.content


async def test_a_login_brings_the_picture_too(place: Place, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    answer = await ask(place.ada, "login", {"colour": "#ff0000"}, channel=place.channel, seconds=60)
    assert "for studio" in answer.content
    (picture,) = answer.attachments
    assert Image.open(io.BytesIO(picture.data)).size == (64, 64)
    assert "secret" not in f"{caplog.text}{answer.content}"
