"""For the tests of automations: a Discord with a moderator and members, and the bot in it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from spacebot.models import Source
from tests.support.bot_in_loop import Home, at_home
from tests.support.loopback import (
    Attachment,
    Channel,
    DiscordServer,
    Guild,
    Interaction,
    Message,
    User,
)
from tests.support.loopback import messages as sending

PRIVILEGED = ("message_content", "members")
IS_VOICE_MESSAGE = 1 << 13


@dataclass
class Lab:
    """A server: `mod` manages it, `ada` and `ben` are members; `home` has the bot."""

    server: DiscordServer
    guild: Guild
    channel: Channel
    mod: User
    ada: User
    ben: User
    home: Home

    async def automation(self, name: str, **arguments: Any) -> str:
        """Use `/automation name` as the moderator; returns the answer's text."""
        seen = await self.mod.command(f"automation {name}", arguments, channel=self.channel)
        await seen.wait(lambda one: one.message and not one.message.loading, 20)
        return said(seen)

    async def listed(self, automation: str) -> str:
        """The line of `/automation list` about one automation."""
        seen = await self.mod.command("automation list", channel=self.channel)
        await seen.wait(lambda one: f"`{automation}`" in said(one), 20)
        return said(seen).split(f"`{automation}`")[1].split("\n`")[0]

    async def add(self, when: str, run: str, **arguments: Any) -> str:
        """Add an automation; returns its id."""
        text = await self.automation("add", when=when, run=run, **arguments)
        assert text.startswith("✅"), text
        return text.split("`")[1]

    async def answer_to(self, message: Message, seconds: float = 30) -> Message:
        """The final reply to a message."""
        await message.channel.wait(lambda _: self._answers(message), seconds)
        (answer,) = self._answers(message)
        return answer

    def _answers(self, message: Message) -> list[Message]:
        return [one for one in message.channel.messages if one.reference is message and final(one)]


def said(seen: Interaction) -> str:
    """All answers to an interaction."""
    return "\n".join(one.content for one in [seen.message, *seen.followups] if one)


def final(message: Message) -> bool:
    """Whether a message of the bot is final."""
    mine = message.author is message.server.bot
    return mine and "Cancel" not in message.buttons() and "Starting" not in message.content


def runs(channel: Channel) -> list[Message]:
    """What the bot wrote in a channel."""
    return [one for one in channel.messages if one.author is one.server.bot]


@asynccontextmanager
async def lab(
    folder: Path, *sources: Source, privileged: tuple[str, ...] = PRIVILEGED, **more: Any
) -> AsyncIterator[Lab]:
    """Run the bot in a server of its own."""
    with pytest.MonkeyPatch.context() as patch:
        # It reconnects to receive the events that an automation needs: here it may do so at once.
        patch.setattr("spacebot.engine.cluster.cluster.IDENTIFY_INTERVAL", 0.0)
        async with DiscordServer(privileged=privileged) as server:
            server.limits.enforced = False
            # A crowd's bot, Discord and Spaces share one process here, which may be slow.
            server.limits.acknowledge_within = 60.0
            mod, ada, ben = (server.add_user(name) for name in ("mod", "ada", "ben"))
            guild = server.add_guild("Lab", ada, ben)
            guild.add_member(mod, "manage_guild")
            channel = guild.add_text_channel("art")
            async with at_home(server, *sources, folder=folder, **more) as home:
                yield Lab(server, guild, channel, mod, ada, ben, home)


def picture(colour: str, size: tuple[int, int] = (64, 48)) -> bytes:
    """A PNG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "png")
    return out.getvalue()


def opus(hertz: float, seconds: float) -> bytes:
    """A tone as Discord's voice messages are: Opus in Ogg."""
    out, rate = io.BytesIO(), 48_000
    time = np.arange(int(seconds * rate)) / rate
    tone = (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
    with av.open(out, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone[None, :], "flt", "mono")
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


class VoiceRecording(Attachment):
    """The file of a voice message, with its special fields."""

    def to_json(self) -> dict[str, Any]:
        """Discord's attachment object."""
        return super().to_json() | {"duration_secs": 1.0, "waveform": "AAAA"}


def speak(user: User, channel: Channel, sound: bytes) -> Message:
    """Send a voice message."""
    message = Message(channel, user)
    plain = sending.upload(channel, "voice-message.ogg", sound)
    file = VoiceRecording(plain.id, plain.filename, plain.data, plain.url, "audio/ogg")
    message.server.cdn[file.id] = file
    message.attachments.append(file)
    message.flags = IS_VOICE_MESSAGE
    sending.announce(message)
    return message
