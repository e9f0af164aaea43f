"""A program that follows a script: every state and every kind of result, without a network."""

from __future__ import annotations

import asyncio
import io
import math
import struct
import time
import wave
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from spacebot.errors import InputError, SpaceNotFound, SpaceRaised
from spacebot.models import (
    AnswerPlace,
    AutocompleteRequest,
    BotPhase,
    BotStatus,
    Choice,
    CommandStatus,
    Endpoint,
    ExcludedEndpoint,
    File,
    FollowUp,
    HistorySpan,
    Job,
    JobFailure,
    JobStage,
    JobStatus,
    Outcome,
    OutgoingFile,
    OwnerStatus,
    Parameter,
    Progress,
    Reply,
    Requester,
    Source,
    Space,
    SpaceStatus,
    Status,
)
from spacebot.spaces import inputs

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
INVITE = "https://discord.com/oauth2/authorize?client_id=1&scope=bot+applications.commands"

PROMPT = Parameter(
    "prompt", "Prompt", "textbox", "prompt", "What it is about", required=True, max_length=500
)
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
    replace(
        endpoint("compose", "Compose a tune from a few words.", PROMPT, SEED, LOUD),
        answer=AnswerPlace.THREAD,
    ),
    replace(
        endpoint("paint", "Paint a picture from a few words.", PROMPT, FORM, SEED),
        then=(
            FollowUp("Explain", "/write", take={"prompt": 0}, each=2),
            FollowUp("Say", "/speak"),
        ),
    ),
    endpoint("describe", "Tell a picture's size and colours.", PICTURE),
    replace(
        endpoint("speak", "Say something with one of sixty voices.", PROMPT, VOICE),
        answer=AnswerPlace.PRIVATE,
    ),
    endpoint("write", "Write text in all of Discord's markdown.", replace(PROMPT, lines=4)),
    endpoint("fail", "Raise an error of its own.", PROMPT),
    endpoint("wait", "Work until it is cancelled."),
    endpoint("files", "Give files of every kind."),
    replace(
        endpoint(
            "chat",
            "Talk with the Space.",
            replace(PROMPT, option="message"),
            replace(PICTURE, required=False),
        ),
        chats=True,
    ),
)
DEMO = Space(Source("demo/space"), "demo", "Demo", ENDPOINTS)
OFF = BotStatus(BotPhase.OFF)
FAILURE = JobFailure(
    time.time() - 300, "/demo paint", "demo/space", "The Space's own code raised an error."
)
TEXT = "CUDA out of memory: tried to allocate 2 GiB"
JOB = JobStatus("0123456789ab", "/demo compose", "demo/space", JobStage.RUNNING, time.time() - 12)
LOG = "2026-11-22 10:00:00,000 INFO spacebot: the page is up\n"
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
        median=3.1,
        p95=11.4,
        done=128,
        failed=2,
        excluded=(ExcludedEndpoint("/lambda_3", "It only updates the Space's own page."),),
    )
    return replace(status, **changes)


def status(bot: BotStatus = OFF, *spaces: SpaceStatus) -> Status:
    """The status a few hours after the start."""
    shown = spaces or (space_status(),)
    started = time.time() - 100_000
    return Status(
        bot,
        shown,
        running=1,
        done=128,
        failed=2,
        started=started,
        version="1.0.0",
        answered=bot.phase is BotPhase.CONNECTED,
        history=history(),
        span=900.0,
        failures=(FAILURE,),
    )


def history() -> tuple[HistorySpan, ...]:
    """A day by quarters of an hour, with jobs in some of them."""
    now = time.time() // 900 * 900
    return tuple(
        HistorySpan(
            at=now - (95 - place) * 900,
            done=(place * 7) % 9 if place % 5 else 0,
            failed=int(place % 23 == 4),
            median=2.5 + math.sin(place / 6) if place % 5 else None,
            p95=6.5 + 3 * math.sin(place / 4) if place % 5 else None,
            latency=0.05 + 0.01 * math.sin(place / 3),
        )
        for place in range(96)
    )


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
    """Runs no Space: the results are written here, and `jobs` has every job."""

    folder: Path
    current: Status = field(default_factory=status)
    tryout: bool = True
    any_space: bool = True
    has_token: bool = True
    hosted: bool = False
    acted: list[tuple[str, str]] = field(default_factory=list)
    looked: int = 0
    offered: Sequence[Space] = (DEMO,)
    brought: dict[str, Space] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    suggested: list[tuple[str, str, Mapping[str, Any], Requester]] = field(default_factory=list)
    said: list[tuple[str | None, str]] = field(default_factory=list)
    read: list[bytes] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def status(self) -> Status:
        """What the test set."""
        return self.current

    def spaces(self) -> Sequence[Space]:
        """What the test set."""
        return self.offered

    async def load(self, written: str) -> Space:
        """The Space of that name in `brought`; others are not found."""
        if written not in self.brought:
            raise SpaceNotFound(f"There is no Space called {written}.")
        return self.brought[written]

    async def look(self) -> None:
        """Count the check."""
        self.looked += 1

    async def metrics(self) -> bytes:
        """Nothing is counted."""
        return b""

    async def owner(self) -> OwnerStatus:
        """A job under way, and the text of the failure."""
        return OwnerStatus((JOB,), ((FAILURE, TEXT),))

    async def act(self, action: str, target: str) -> str:
        """Record the action; a pause shows in the status."""
        self.acted.append((action, target))
        if action not in ("reread", "pause", "resume", "cancel"):
            raise InputError(f"There is no action called {action}.")
        paused = set(self.current.paused) - {target} | ({target} if action == "pause" else set())
        self.current = replace(self.current, paused=tuple(paused))
        return f"{target}: {action} is done."

    def log(self) -> str:
        """What the test set."""
        return LOG

    def follow_up(self, space: str, wanted: FollowUp) -> Endpoint:
        """The scripted endpoint of that name."""
        return next(one for one in ENDPOINTS if one.api_name == wanted.endpoint)

    async def suggest(self, asked: AutocompleteRequest) -> list[Choice]:
        """Record the request; the choices are the described ones."""
        self.suggested.append((asked.option, asked.text, asked.arguments, asked.requester))
        return inputs.suggest(asked.endpoint, asked.option, asked.text)

    async def run(self, job: Job) -> AsyncGenerator[Progress | Outcome]:
        """Yield the progress and the outcome of the endpoint with this name."""
        self.jobs.append(job)
        if job.endpoint.name == "wait":
            async for step in self._wait(job):
                yield step
        yield Progress(JobStage.QUEUED, rank=2, size=3, eta=4)
        await asyncio.sleep(0.02)
        yield Progress(JobStage.RUNNING, fraction=0.5, step=5, steps=10, unit="steps")
        if job.endpoint.name == "fail":
            yield Progress(JobStage.RUNNING, partial=Reply("half of it"))
            raise SpaceRaised(f"**no** {HOSTILE}")
        arguments = str(job.arguments.get("prompt", ""))
        yield Outcome(self._replies(job, arguments), outputs=("something",))

    async def _wait(self, job: Job) -> AsyncGenerator[Progress]:
        try:
            yield Progress(JobStage.RUNNING, fraction=0.25, note=f"Thinking {HOSTILE}")
            await asyncio.Event().wait()
        finally:
            self.cancelled.append(job.id)

    def _replies(self, job: Job, arguments: str) -> tuple[Reply, ...]:
        head = (
            f"{job.requester.mention} · prompt: {arguments}" if arguments else job.requester.mention
        )
        match job.endpoint.name:
            case "compose":
                return (Reply(head, (self._file("tune.wav", sound()),)),)
            case "paint":
                return (Reply(head, (self._file("picture.png", self._picture()),)),)
            case "describe":
                picture = job.arguments["picture"]
                assert isinstance(picture, File)
                assert picture.path is not None
                self.read.append(picture.path.read_bytes())
                return (Reply(f"{picture.name}, {picture.size} bytes"),)
            case "chat":
                self.said.append((job.conversation, str(job.arguments["message"])))
                files = [one.name for one in job.arguments.values() if isinstance(one, File)]
                return (Reply(f"You said: {job.arguments['message']} {' '.join(files)}"),)
            case "files":
                pages = {"page.html": b"<script>window.hacked=1</script>", "a b.svg": b"<svg/>"}
                files = tuple(self._file(name, data) for name, data in pages.items())
                return (Reply("Two files", files), Reply("A second message"))
            case _:
                return (Reply(arguments),)

    def _file(self, name: str, data: bytes) -> OutgoingFile:
        path = self.folder / name
        path.write_bytes(data)
        return OutgoingFile(path, name, "What it shows" if name.endswith("png") else "")

    def _picture(self) -> bytes:
        target = io.BytesIO()
        Image.linear_gradient("L").resize((300, 200)).convert("RGB").save(target, "PNG")
        return target.getvalue()
