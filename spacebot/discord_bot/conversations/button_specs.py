"""The buttons under an answer, as data."""

from __future__ import annotations

import re

import discord

from spacebot.discord_bot.button_base import PRIMARY, ButtonSpec, Presser, custom_ids, to_view
from spacebot.engine.store import Conversation

ENTER = ButtonSpec("chat-enter", "Enter", style=PRIMARY, allowed=Presser.SPEAKER)
STOP = ButtonSpec("chat-stop", "Stop", allowed=Presser.SPEAKER | Presser.MODERATOR)
REGENERATE = ButtonSpec("chat-again", "Regenerate", allowed=Presser.SPEAKER)
FORK = ButtonSpec("chat-fork", "Fork")
EXPORT = ButtonSpec("chat-export", "Export")
SHARE = ButtonSpec("chat-share", "Open to all", allowed=Presser.OWNER | Presser.MODERATOR)
# What Share shows while everybody may speak.
CLOSE_LABEL = "Only me"


def stop_view(conversation: str) -> discord.ui.View:
    """The button under an unfinished answer."""
    return to_view([[STOP.on(conversation)]])


def answer_view(conversation: Conversation, *, asks: bool = False) -> discord.ui.View:
    """The buttons under the last answer; the first one `asks` for the member's secrets."""
    mine = conversation.id
    row = [(ENTER if asks else REGENERATE).on(mine)]
    if conversation.guild:
        row.append(FORK.on(mine))
    row.append(EXPORT.on(mine))
    if conversation.guild and not conversation.addressed:
        row.append(SHARE.on(mine, label=CLOSE_LABEL if conversation.open else ""))
    return to_view([row])


def is_answering(message: discord.Message) -> bool:
    """Whether a message still shows an unfinished answer."""
    return any(re.fullmatch(STOP.template, one) for one in custom_ids(message))
