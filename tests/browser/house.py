"""A House that follows a script: every state and every kind of result, without a network."""

from __future__ import annotations

import asyncio
import io
import math
import struct
import time
import wave
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from spacebot.errors import SpaceRaised
from spacebot.models import (
    Attached,
    BotPhase,
    BotStatus,
    Choice,
    CommandStatus,
    Endpoint,
    File,
    Job,
    LeftOut,
    Outcome,
    Parameter,
    Progress,
    Reply,
    Source,
    Space,
    SpaceStatus,
    Stage,
    Status,
)

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
INVITE = "https://discord.com/oauth2/authorize?client_id=1&scope=bot+applications.commands"

PROMPT = Parameter("prompt", "Prompt", "textbox", "prompt", "What it is about", required=True)
SEED = Parameter(
    "seed", "Seed", "number", "seed", "Another gives another", default=7, precision=0, minimum=0
)
FORM = Parameter(
    "form",
    "Form",
    "dropdown",
    "form",
    "What kind of picture",
    default="auto",
    choices=(Choice("Let the prompt decide", "auto"), Choice("Flowing lines", "flow")),
)
VOICES = tuple(Choice(f"Voice {number}", f"voice-{number}") for number in range(60))
VOICE = Parameter("voice", "Voice", "dropdown", "voice", "Who speaks", choices=VOICES)
LOUD = Parameter("loud", "Loud", "checkbox", "loud", "Louder than usual", default=False)
PICTURE = Parameter("picture", "Picture", "image", "picture", "What to look at", required=True)


def endpoint(name: str, description: str, *parameters: Parameter) -> Endpoint:
    """An endpoint of the scripted Space."""
    return Endpoint("demo/space", f"/{name}", name, description, parameters)


ENDPOINTS = (
    endpoint("compose", "Compose a tune from a few words.", PROMPT, SEED, LOUD),
    endpoint("paint", "Paint a picture from a few words.", PROMPT, FORM, SEED),
    endpoint("describe", "Tell a picture's size and colours.", PICTURE),
    endpoint("speak", "Say something with one of sixty voices.", PROMPT, VOICE),
    endpoint("write", "Write text in all of Discord's markdown.", replace(PROMPT, lines=4)),
    endpoint("fail", "Raise an error of its own.", PROMPT),
    endpoint("wait", "Work until it is cancelled."),
    endpoint("files", "Give files of every kind."),
)
DEMO = Space(Source("demo/space"), "demo", "Demo", ENDPOINTS)
OFF = BotStatus(BotPhase.OFF)
CONNECTED = BotStatus(BotPhase.CONNECTED, name="Muse", servers=3, latency=0.0482, invite=INVITE)


def space_status(**changes) -> SpaceStatus:
    """A Space that answers, with the scripted commands."""
    commands = tuple(CommandStatus(f"/demo {one.name}", one.description) for one in ENDPOINTS)
    status = SpaceStatus(
        "demo",
        "demo/space",
        "https://huggingface.co/spaces/demo/space",
        answers=True,
        since=time.time() - 8000,
        commands=commands,
        left_out=(LeftOut("/lambda_3", "It only updates the Space's own page."),),
    )
    return replace(status, **changes)


def status(bot: BotStatus = OFF, *spaces: SpaceStatus) -> Status:
    """How everything stands, a few hours after the start."""
    shown = spaces or (space_status(),)
    started = time.time() - 100_000
    return Status(bot, shown, running=1, done=128, failed=2, started=started, version="0.1.0")


def sound(seconds: float = 1.0) -> bytes:
    """A wav file with a tone."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        for place in range(int(8000 * seconds)):
            file.writeframes(struct.pack("<h", int(9000 * math.sin(place / 3))))
    return target.getvalue()


@dataclass
class ScriptedHouse:
    """Runs no Space: what a command gives is written here, and every job is kept in `jobs`."""

    folder: Path
    current: Status = field(default_factory=status)
    tryout: bool = True
    offered: Sequence[Space] = (DEMO,)
    jobs: list[Job] = field(default_factory=list)
    read: list[bytes] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def status(self) -> Status:
        """What the test set."""
        return self.current

    def spaces(self) -> Sequence[Space]:
        """What the test set."""
        return self.offered

    async def run(self, job: Job) -> AsyncIterator[Progress | Outcome]:
        """Yield the progress and the outcome that the endpoint's name stands for."""
        self.jobs.append(job)
        if job.endpoint.name == "wait":
            async for step in self._wait(job):
                yield step
        yield Progress(Stage.QUEUED, rank=2, size=3, eta=4)
        await asyncio.sleep(0.02)
        yield Progress(Stage.RUNNING, fraction=0.5, step=5, steps=10, unit="steps")
        if job.endpoint.name == "fail":
            raise SpaceRaised(f"**no** {HOSTILE}")
        given = str(job.given.get("prompt", ""))
        yield Outcome(self._replies(job, given))

    async def _wait(self, job: Job) -> AsyncIterator[Progress]:
        try:
            yield Progress(Stage.RUNNING, fraction=0.25, note=f"Thinking {HOSTILE}")
            await asyncio.Event().wait()
        finally:
            self.cancelled.append(job.id)

    def _replies(self, job: Job, given: str) -> tuple[Reply, ...]:
        head = f"{job.asker.mention} · prompt: {given}" if given else job.asker.mention
        match job.endpoint.name:
            case "compose":
                return (Reply(head, (self._file("tune.wav", sound()),)),)
            case "paint":
                return (Reply(head, (self._file("picture.png", self._picture()),)),)
            case "describe":
                picture = job.given["picture"]
                assert isinstance(picture, File)
                assert picture.path is not None
                self.read.append(picture.path.read_bytes())
                return (Reply(f"{picture.name}, {picture.size} bytes"),)
            case "files":
                pages = {"page.html": b"<script>window.hacked=1</script>", "a b.svg": b"<svg/>"}
                files = tuple(self._file(name, data) for name, data in pages.items())
                return (Reply("Two files", files), Reply("A second message"))
            case _:
                return (Reply(given),)

    def _file(self, name: str, data: bytes) -> Attached:
        path = self.folder / name
        path.write_bytes(data)
        return Attached(path, name, "What it shows" if name.endswith("png") else "")

    def _picture(self) -> bytes:
        target = io.BytesIO()
        Image.linear_gradient("L").resize((300, 200)).convert("RGB").save(target, "PNG")
        return target.getvalue()
