"""What discord.py logs of a lost connection."""

from __future__ import annotations

import asyncio
import logging
from typing import NoReturn

import pytest

from spacebot.discord_bot.supervisor import keep_running


async def test_a_lost_connection_is_one_line_in_the_log(caplog) -> None:
    def make() -> NoReturn:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keep_running("token", make, lambda *_: None)
    try:
        raise ConnectionResetError
    except ConnectionResetError:
        # As discord.py does.
        logging.getLogger("discord.client").exception("Attempting a reconnect in %.2fs", 1.0)
    (told,) = caplog.records
    assert told.getMessage() == (
        "Disconnected (ConnectionResetError). Attempting a reconnect in 1.00s"
    )
    assert (told.levelname, told.exc_info) == ("WARNING", None)
