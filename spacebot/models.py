"""The words of the program: frozen values that every room shares, without I/O.

A `Source` is what the owner wrote; `schema` turns a Space's own description of
it into a `Space` of `Endpoint`s; `inputs` turns an endpoint's `Parameter`s into
the `Option`s a person fills in; a `Job` carries what they gave; while it runs it
yields `Progress`, and at its end an `Outcome` of `Reply`s.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Answer(enum.StrEnum):
    """Where the answer of a command goes."""

    CHANNEL = "channel"
    THREAD = "thread"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A button under a result that calls another endpoint of the same Space.

    `endpoint` is an API name with its slash. `take` says where a parameter's
    value comes from: a number is an output of the result, counted from 0 as the
    API does, hidden ones included; a text is a parameter that the result, or what
    it followed, was made with. With `each` there are so many buttons, and
    `index` names the parameter that gets 0 for the first, 1 for the second …
    """

    label: str
    endpoint: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    take: Mapping[str, int | str] = field(default_factory=dict)
    index: str | None = None
    each: int = 1
    then: tuple[FollowUp, ...] = ()


@dataclass(frozen=True, slots=True)
class Theirs:
    """JSON that a Space returned, to go back to the same Space just as it is.

    Its files are named by the Space's own paths, which must never be read as
    paths of this machine.
    """

    value: Any


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of SPACES or COMMANDS: a Space, and how it is offered.

    `space` is `owner/name` or an http(s) address without a trailing slash;
    `endpoint` an API name with its slash, or None for all of the Space's.
    """

    space: str
    endpoint: str | None = None
    name: str | None = None
    description: str | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    answer: Answer = Answer.CHANNEL
    repeatable: bool = False
    then: tuple[FollowUp, ...] = ()

    @property
    def is_address(self) -> bool:
        """Whether this is an http(s) address rather than a Space on the Hub."""
        return self.space.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to pick: what a person reads, and what the Space is sent."""

    label: str
    value: Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input of an endpoint, as the Space describes it.

    `component` is Gradio's component type in lower case ("slider", "image"); it
    is the key into `inputs.INPUTS`. `required` says that the Space needs a value
    and has none of its own; otherwise `default` (JSON) is sent when none is given.
    """

    name: str
    label: str
    component: str
    option: str = ""
    description: str = ""
    required: bool = False
    default: Any = None
    choices: tuple[Choice, ...] = ()
    custom: bool = False
    multiple: bool = False
    most: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    precision: int | None = None
    max_length: int | None = None
    lines: int = 1
    secret: bool = False
    file_types: tuple[str, ...] = ()
    props: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Output:
    """One value that an endpoint returns. `component` is the key into `outputs.RENDERERS`."""

    label: str
    component: str
    props: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One function of a Space that a person can call.

    `constants` are the parameters that are sent without being asked for. `name`
    is legal for Discord and unique in its Space. `stateful` endpoints keep
    something on the Space by session (gr.State, a chat's history); `streams`
    ones yield partial results. `takes_history` names the chatbot parameter.
    """

    space: str
    api_name: str
    name: str
    description: str
    parameters: tuple[Parameter, ...] = ()
    outputs: tuple[Output, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    streams: bool = False
    stateful: bool = False
    takes_history: str | None = None
    answer: Answer = Answer.CHANNEL
    repeatable: bool = False
    max_file_size: int | None = None
    then: tuple[FollowUp, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An endpoint that gives no command, and why, in words for the owner."""

    api_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Space:
    """A Space as commands see it: one command `name`, with its endpoints.

    One endpoint becomes `/name`, several become `/name endpoint`.
    """

    source: Source
    name: str
    title: str
    endpoints: tuple[Endpoint, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class OptionType(enum.StrEnum):
    """What Discord asks a person for."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ATTACHMENT = "attachment"


@dataclass(frozen=True, slots=True)
class Option:
    """One field that a person fills in: an option of a slash command, or a field of a form.

    Within Discord's limits: `name` 1–32 characters of a legal command name,
    `description` 1–100, at most 25 `choices` of 1–100 characters each. A
    parameter may need several (three files are three attachments); `parameter`
    names the one it belongs to. A choice's `value` here is what Discord returns:
    a string, an int or a float, according to `type`.
    """

    name: str
    description: str
    type: OptionType
    parameter: str
    label: str = ""
    required: bool = False
    default: Any = None
    choices: tuple[Choice, ...] = ()
    autocomplete: bool = False
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    long: bool = False
    secret: bool = False
    file_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A file on its way: one that a person attached, or one that a Space returned.

    `path` is None where the file could not be brought here (`problem` says why,
    in words for the user); `url` is its address on the Space.
    """

    name: str
    path: Path | None = None
    size: int | None = None
    mime: str | None = None
    url: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Attached:
    """A file to post: `description` is its alt text (at most 1,024 characters)."""

    path: Path
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One message: at most 2,000 characters of Discord markdown and 10 files."""

    text: str = ""
    files: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked, and from where: the keys that sessions and fairness go by.

    `user` and `place` are opaque and never logged. `mention` is how Discord
    writes the person ("<@1234>"), or the name that the try-out shows.
    """

    user: str
    mention: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """How a job came from another one's result: by which follow-ups, with what of it.

    `parent` is that job's id, `root` the API name of the command at the start and
    `command` its name ("/demo paint"); `path` the labels of the follow-ups since;
    `taken` the values by parameter, as the Space returned them.
    """

    parent: str
    root: str
    command: str
    path: tuple[str, ...]
    taken: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Job:
    """One run of an endpoint: who asked, and what they gave, by option name.

    A value is a str, int, float, bool or `File`. `file_limit` is the bytes that
    one file may have where the answer goes. `conversation` names the session on
    the Space when it is not the asker's own. `command` is what was typed ("/demo
    paint"). `place` says, in JSON, where its message is, for the Discord side
    alone; a job without one is not kept over a restart. `chain` says what it follows.
    """

    id: str
    endpoint: Endpoint
    asker: Asker
    given: Mapping[str, Any]
    file_limit: int = 10 * 1024 * 1024
    conversation: str | None = None
    command: str = ""
    place: Mapping[str, Any] = field(default_factory=dict)
    chain: Chain | None = None


class Stage(enum.StrEnum):
    """Where a job stands, in the order it goes through them.

    WAKING: the Space is being reached. WAITING: in line here, behind other jobs
    for the Space. SENDING: files go up to the Space. QUEUED: in the Space's own
    queue. RUNNING: the Space works on it. FETCHING: its files come here.
    """

    WAKING = "waking"
    WAITING = "waiting"
    SENDING = "sending"
    QUEUED = "queued"
    RUNNING = "running"
    FETCHING = "fetching"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job stands. `rank` counts from 1; `eta` is seconds; `fraction` is 0–1.

    `note` is the Space's own words (a progress description, a gr.Info); `partial`
    the text and files of a streaming endpoint so far.
    """

    stage: Stage
    rank: int | None = None
    size: int | None = None
    eta: float | None = None
    fraction: float | None = None
    step: float | None = None
    steps: float | None = None
    unit: str = ""
    note: str = ""
    partial: Reply | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job gave: the messages to post, in order, and the seconds it took."""

    replies: tuple[Reply, ...]
    waited: float = 0.0
    ran: float = 0.0
    values: tuple[Any, ...] = field(default=(), repr=False)


class BotPhase(enum.StrEnum):
    """How the Discord client stands.

    OFF: no token is set. CONNECTING: the first connection is under way.
    CONNECTED: commands are answered. RETRYING: lost what can heal (network,
    Discord down); it tries again by itself. FAILED: what cannot heal by itself
    (a refused token, a bug); `reason` says what to do.
    """

    OFF = "off"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RETRYING = "retrying"
    FAILED = "failed"


class Trouble(enum.StrEnum):
    """What keeps the bot from Discord, as the setup guide points at it.

    TOKEN: refused, or of the wrong kind. INTENT: not switched on in the Developer
    Portal. NETWORK: Discord cannot be reached from here. DISCORD: it is reached,
    and refuses or fails. BUG: a mistake of this program.
    """

    TOKEN = "token"
    INTENT = "intent"
    NETWORK = "network"
    DISCORD = "discord"
    BUG = "bug"


@dataclass(frozen=True, slots=True)
class BotStatus:
    """The Discord side. `latency` is the gateway's, in seconds; `invite` an address.

    `trouble` is the kind of what `reason` tells, where it keeps the bot from
    Discord; `commands` is how many are registered there.
    """

    phase: BotPhase
    reason: str = ""
    name: str | None = None
    servers: int = 0
    latency: float | None = None
    invite: str | None = None
    trouble: Trouble | None = None
    shards: int = 0
    commands: int = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether Discord can be reached from here, seen at `at` (epoch seconds).

    `api` and `gateway` say what went wrong on the way there; they are empty where
    it was reached.
    """

    api: str
    gateway: str
    at: float
    proxy: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that failed, in words without what was asked or by whom. `at` is epoch seconds."""

    at: float
    command: str
    space: str
    said: str


@dataclass(frozen=True, slots=True)
class Span:
    """What ended within a span of time from `at` (epoch seconds).

    `median` and `p95` are the seconds that jobs ran on their Space, `latency`
    the gateway's; None where there was none.
    """

    at: float
    done: int = 0
    failed: int = 0
    median: float | None = None
    p95: float | None = None
    latency: float | None = None


@dataclass(frozen=True, slots=True)
class CommandStatus:
    """One command as a person types it ("/demo paint"), and what it does."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class SpaceStatus:
    """One Space. `answers` is None until it was first tried; `since` is epoch seconds.

    `reason` is a sentence: why it does not answer, or that its commands come
    from its last known description.
    """

    name: str
    source: str
    url: str | None = None
    answers: bool | None = None
    since: float | None = None
    reason: str = ""
    commands: tuple[CommandStatus, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    running: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """All that the page shows: no prompt, no user, no secret. `started` is epoch seconds.

    `answered` says that a command in Discord has been answered, ever. `history`
    are the last spans of `span` seconds each, oldest first; `failures` the last
    ones, newest first.
    """

    bot: BotStatus
    spaces: tuple[SpaceStatus, ...] = ()
    running: int = 0
    waiting: int = 0
    done: int = 0
    failed: int = 0
    started: float = 0.0
    version: str = ""
    answered: bool = False
    reach: Reach | None = None
    history: tuple[Span, ...] = ()
    span: float = 60.0
    failures: tuple[Failure, ...] = ()
