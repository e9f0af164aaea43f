"""An exception in anything that a member uses is told to them, and logged once with its cause."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.e2e.ask import shown
from tests.loopback import DiscordServer, Interaction
from tests.talking import lab, opened, spoken

pytestmark = pytest.mark.asyncio(loop_scope="session")

SORRY = "The bot made a mistake"


def refuse_the_first_answer(server: DiscordServer) -> None:
    """Have Discord refuse the next answer to an interaction: a bug of the bot's, to Discord."""
    server.limits.fail("POST /interactions/*/callback", 400)


def assert_told_once(seen: Interaction, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever waits is told privately; the log holds one error, with a traceback."""
    assert SORRY in shown(seen).content
    assert shown(seen).ephemeral
    errors = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert len(errors) == 1, [one.getMessage() for one in errors]
    assert errors[0].exc_info
    assert "400 Bad Request" in str(errors[0].exc_info[1])
    caplog.clear()


async def test_the_buttons_of_a_conversation_tell_what_fails(served, tmp_path: Path, caplog):
    async with lab(tmp_path, falcon=served("falcon"), keyed=served("keyed")) as it:
        thread = await opened(it.ada, "falcon", it.channel, message="hello")
        said = spoken(thread)[-1]
        for button in ("Regenerate", "Fork", "Export", "Open to all"):
            refuse_the_first_answer(it.server)
            assert_told_once(await it.ada.click(said, button), caplog)
