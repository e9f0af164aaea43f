"""The forms of /limits: the channels of conversations, the blocked words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import discord
from discord import ui

from spacebot.discord_bot.button_base import BotModal, ComponentHandler
from spacebot.discord_bot.delivery import NO_PINGS, check_manages
from spacebot.discord_bot.limits.texts import summary
from spacebot.engine.admission import Admission
from spacebot.engine.store import ServerLimits
from spacebot.errors import InputError

CHATS_ID = "limits:chats"
MAX_CHANNELS = 25
MAX_WORDS, MAX_WORD_LENGTH, MAX_WORDS_TEXT = 200, 100, 4000
CHATS_QUESTION = (
    "Where do conversations and mentions work? Choose the channels; with none chosen they work "
    "everywhere. Threads follow their channel."
)
CHAT_CHANNELS = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
]


def admission_of(interaction: discord.Interaction) -> Admission:
    """The admission rules of the bot that received the interaction."""
    return cast(Any, interaction.client).jobs.admission


def chats_view(chosen: Sequence[str]) -> ui.View:
    """The menu of channels, with the current choice."""
    view = ui.View(timeout=None)
    kind = discord.SelectDefaultValueType.channel
    view.add_item(
        ui.ChannelSelect(
            custom_id=CHATS_ID,
            channel_types=CHAT_CHANNELS,
            placeholder="Everywhere",
            min_values=0,
            max_values=MAX_CHANNELS,
            default_values=[discord.SelectDefaultValue(id=int(one), type=kind) for one in chosen],
        )
    )
    view.stop()
    return view


class ChooseChatChannels(ComponentHandler, template=CHATS_ID):
    """Sets the channels in which conversations work."""

    async def press(self, interaction: discord.Interaction) -> None:
        """Set the limits, and show all of them."""
        guild = check_manages(interaction)
        chosen = tuple(cast(Any, interaction.data)["values"])
        limits = await admission_of(interaction).change(
            guild, lambda now: replace(now, chat_channels=chosen)
        )
        await interaction.response.edit_message(
            content=f"✅ Saved.\n{summary(limits)}", view=None, allowed_mentions=NO_PINGS
        )


class WordsForm(BotModal):
    """Asks for the words that no prompt may contain."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__("words", title="Blocked words", timeout=3600)
        self.words: ui.TextInput[Any] = ui.TextInput(
            custom_id="words",
            style=discord.TextStyle.long,
            default="\n".join(words) or None,
            required=False,
            max_length=MAX_WORDS_TEXT,
        )
        self.add_item(
            ui.Label(
                text="One word or phrase per line",
                description="A job whose text contains one as a whole word is refused",
                component=self.words,
            )
        )

    async def submitted(self, interaction: discord.Interaction) -> None:
        """Set the words."""
        guild, words = check_manages(interaction), read_words(self.words.value)

        def change(now: ServerLimits) -> ServerLimits:
            return replace(now, blocked_words=words)

        limits = await admission_of(interaction).change(guild, change)
        await interaction.response.send_message(
            f"✅ Saved.\n{summary(limits)}", ephemeral=True, allowed_mentions=NO_PINGS
        )


def read_words(text: str) -> tuple[str, ...]:
    """The words that were typed, one a line; raises `InputError`."""
    words = tuple(dict.fromkeys(" ".join(line.split()) for line in text.splitlines()))
    words = tuple(filter(None, words))
    if len(words) > MAX_WORDS:
        raise InputError(f"That is {len(words)} words; at most {MAX_WORDS} can be blocked.")
    if any(len(word) > MAX_WORD_LENGTH for word in words):
        raise InputError(f"A word or phrase may have at most {MAX_WORD_LENGTH} characters.")
    return words


LIMITS_PANELS: tuple[type[ComponentHandler], ...] = (ChooseChatChannels,)
