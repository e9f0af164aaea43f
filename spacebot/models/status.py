"""The status of everything, as the page shows it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from spacebot.models.cluster import ClusterStatus
from spacebot.models.jobs import JobStage
from spacebot.models.spaces import ExcludedEndpoint


class BotPhase(enum.StrEnum):
    """The state of the Discord client.

    OFF: no token is set. CONNECTING: the first connection is under way.
    CONNECTED: commands are answered. RETRYING: a temporary failure (the network,
    Discord down); it reconnects by itself. FAILED: a permanent failure (a rejected
    token, a bug); `reason` says what to do.
    """

    OFF = "off"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RETRYING = "retrying"
    FAILED = "failed"


class BotProblem(enum.StrEnum):
    """What keeps the bot from Discord, as the setup guide points at it.

    TOKEN: refused, or of the wrong kind. INTENT: not switched on in the Developer
    Portal. NETWORK: Discord cannot be reached from here. DISCORD: it is reached,
    and refuses or fails. STORE: the bot's own database or disk fails. BUG: a
    mistake of this program.
    """

    TOKEN = "token"
    INTENT = "intent"
    NETWORK = "network"
    DISCORD = "discord"
    STORE = "store"
    BUG = "bug"


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """One connection to Discord's gateway; its latency in seconds, None until it is measured."""

    id: int
    is_ready: bool
    latency: float | None
    servers: int


@dataclass(frozen=True, slots=True)
class BotStatus:
    """The Discord side. `latency` is the gateway's, in seconds; `invite` an address.

    `trouble` is the kind of `reason`, if that keeps the bot off Discord; `advice`
    says what would work better, if nothing is wrong; `commands` is how many are
    registered there; `until` (epoch seconds) is set while Discord accepts no
    requests from here.
    """

    phase: BotPhase
    reason: str = ""
    name: str | None = None
    servers: int = 0
    latency: float | None = None
    invite: str | None = None
    trouble: BotProblem | None = None
    shards: int = 0
    commands: int = 0
    advice: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Reachability:
    """Whether Discord can be reached from here, seen at `at` (epoch seconds).

    `api` and `gateway` say what went wrong on the way there; they are empty where
    it was reached. `proxy` is the setting that names the proxy in use.
    """

    api: str
    gateway: str
    at: float
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class JobFailure:
    """A failed job, in words, without what was asked or by whom. `at` is epoch seconds."""

    at: float
    command: str
    space: str
    said: str


@dataclass(frozen=True, slots=True)
class HistorySpan:
    """What ended within a span of time from `at` (epoch seconds).

    `median` and `p95` are the seconds that jobs ran on their Space, `latency`
    the gateway's; None if nothing was measured.
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
    from its last known description. `median` and `p95` are the seconds that its
    recent jobs ran; `done` and `failed` count since the start. `page_events` are the events
    of its page that run before commands, `page_excluded` those that do not, and why.
    """

    name: str
    source: str
    url: str | None = None
    answers: bool | None = None
    since: float | None = None
    reason: str = ""
    commands: tuple[CommandStatus, ...] = ()
    excluded: tuple[ExcludedEndpoint, ...] = ()
    page_events: tuple[str, ...] = ()
    page_excluded: tuple[ExcludedEndpoint, ...] = ()
    running: int = 0
    waiting: int = 0
    median: float | None = None
    p95: float | None = None
    done: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class ServerSpaceTotals:
    """How many Spaces servers added: in how many servers, how many of them cannot be read,
    and how many are paused."""

    spaces: int = 0
    servers: int = 0
    unreadable: int = 0
    paused: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """All that the page shows: no prompt, no user, no secret. `started` is epoch seconds.

    `done` to `lost` count the jobs since the start, by how they ended. `answered`
    says whether a command in Discord has ever been answered. `history` are the latest
    spans of `span` seconds each, oldest first; `failures` the latest, newest first;
    `paused` the commands that accept no jobs for now; `trouble` says what is wrong
    with the bot's database or disk; `server_spaces` sums up the Spaces that servers
    added, None if they cannot add any. `cluster` is this process among those that share
    its database, None until it has opened that.
    """

    bot: BotStatus
    spaces: tuple[SpaceStatus, ...] = ()
    running: int = 0
    waiting: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    rejected: int = 0
    lost: int = 0
    started: float = 0.0
    version: str = ""
    answered: bool = False
    reach: Reachability | None = None
    history: tuple[HistorySpan, ...] = ()
    span: float = 60.0
    failures: tuple[JobFailure, ...] = ()
    paused: tuple[str, ...] = ()
    trouble: str = ""
    server_spaces: ServerSpaceTotals | None = None
    cluster: ClusterStatus | None = None


@dataclass(frozen=True, slots=True)
class JobStatus:
    """An unfinished job, without prompt and user. `since` is epoch seconds."""

    id: str
    command: str
    space: str
    stage: JobStage
    since: float


@dataclass(frozen=True, slots=True)
class AddedSpaceStatus:
    """One Space that a server added, by its command there; `problem` is a sentence."""

    command: str
    space: str
    paused: bool = False
    problem: str = ""

    @property
    def author(self) -> str:
        """The Space's author on Hugging Face."""
        return self.space.partition("/")[0]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What one server added."""

    name: str
    spaces: tuple[AddedSpaceStatus, ...]


@dataclass(frozen=True, slots=True)
class OwnerStatus:
    """What only the owner sees: every unfinished job, and the failures' own texts.

    `servers` are those that added Spaces, as far as the newest of these are shown; `blocked` are
    the Spaces ("owner/name") and authors ("owner") that members may not use.
    """

    jobs: tuple[JobStatus, ...] = ()
    failures: tuple[tuple[JobFailure, str], ...] = ()
    servers: tuple[ServerStatus, ...] = ()
    blocked: tuple[str, ...] = ()
