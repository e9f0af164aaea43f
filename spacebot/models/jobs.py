"""Jobs as data: who asked for what, the progress, and the result."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spacebot.models.message_ref import DEFAULT_FILE_LIMIT, MessageRef
from spacebot.models.spaces import Endpoint


@dataclass(frozen=True, slots=True)
class File:
    """A file that a person attached, or that a Space returned.

    `path` is None if the file could not be downloaded (`problem` tells the user
    why); `url` is its address on the Space. `folder` is set only on a file that
    this program saved for a job, to the folder it created for the file: no other
    file is ever uploaded.
    """

    name: str
    path: Path | None = None
    size: int | None = None
    mime: str | None = None
    url: str | None = None
    problem: str | None = None
    folder: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """The file as the store keeps it."""
        paths = {"path": self.path, "folder": self.folder}
        return {**asdict(self), **{key: path and str(path) for key, path in paths.items()}}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> File:
        """The file as it was before it was stored."""
        path = Path(kept["path"]) if kept["path"] else None
        # Rows of earlier versions have no folder: each file had its own.
        folder = kept.get("folder") or (path and path.parent)
        return cls(**{**kept, "path": path, "folder": Path(folder) if folder else None})


@dataclass(frozen=True, slots=True)
class Upload:
    """The right to upload one file: made only of a file that this program saved for a job.

    A Space's values are JSON, which can hold no such object, whatever it looks like.
    `folder` has to contain the file, once symlinks are resolved.
    """

    path: Path
    folder: Path
    name: str


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file to post: `description` is its alt text (at most 1,024 characters)."""

    path: Path
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One message: at most 2,000 characters of Discord markdown and 10 files."""

    text: str = ""
    files: tuple[OutgoingFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asked: the keys of sessions and of fair turns.

    `user` is opaque and never logged. `mention` is how Discord writes the person
    ("<@1234>"), or the name that the try-out shows. `share` names whose share of a
    Space the job takes, where that is not the user's own. `roles` are the ids of the
    roles that they have in the server, which are not stored.
    """

    user: str
    mention: str
    share: str = ""
    roles: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def turns(self) -> str:
        """Whose share of the turns the jobs use."""
        return self.share or self.user


@dataclass(frozen=True, slots=True)
class AutocompleteRequest:
    """A person is typing `text` for an option, with `arguments` filled in so far."""

    endpoint: Endpoint
    option: str
    text: str
    arguments: Mapping[str, Any]
    requester: Requester


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """A question in a conversation, and the answer to it.

    `name` is its author's name; `answer_files` are the names of the answer's files.
    """

    name: str
    text: str = field(repr=False)
    files: Sequence[File] = ()
    answer: str = field(default="", repr=False)
    answer_files: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The turn as the store keeps it."""
        return {**asdict(self), "files": [file.to_json() for file in self.files]}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> ChatTurn:
        """The turn as it was before it was stored."""
        return cls(**{**kept, "files": [File.from_json(file) for file in kept["files"]]})


@dataclass(frozen=True, slots=True)
class FollowUpChain:
    """How a job follows from another job's result: by which follow-ups, with which values.

    `parent` is that job's id, `root` the API name of the first command and `command`
    its name ("/demo paint"); `path` the labels of the follow-ups since; `taken` the
    values by parameter, as the Space returned them. `account` is that of the session
    in which it continues; None if it needs nothing that a session remembers.
    """

    parent: str
    root: str
    command: str
    path: tuple[str, ...]
    taken: Mapping[str, Any] = field(default_factory=dict, repr=False)
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One run of an endpoint: who asked, and the values by option name.

    A value is a str, int, float, bool or `File`. `conversation` names the session on the Space if
    it is not the requester's own. `command` is what was typed ("/demo paint"). `message_ref` is the
    message in Discord that answers it, if any. A `stored` job outlives a restart. `chain` says what
    it follows. `account` is the key of the Hugging Face account that it runs with, "" for none;
    None until that is chosen. A question of the conversation `chat` has a `turn`: its arguments
    come from that, and are not stored.
    """

    id: str
    endpoint: Endpoint
    requester: Requester
    arguments: Mapping[str, Any]
    conversation: str | None = None
    command: str = ""
    message_ref: MessageRef | None = None
    stored: bool = False
    chain: FollowUpChain | None = None
    account: str | None = None
    chat: str | None = None
    turn: ChatTurn | None = None

    @property
    def server(self) -> int | None:
        """The id of the server where it was asked; None in direct messages."""
        return self.message_ref.guild if self.message_ref else None

    @property
    def file_limit(self) -> int:
        """The size limit of one file where the answer goes, in bytes."""
        return self.message_ref.file_limit if self.message_ref else DEFAULT_FILE_LIMIT


class JobStage(enum.StrEnum):
    """The stages of a job, in order.

    WAKING: the bot connects to the Space. WAITING: in the bot's queue, behind other
    jobs for the Space. SENDING: files are uploaded to the Space. QUEUED: in the Space's
    own queue. RUNNING: the Space works on it. FETCHING: its files are downloaded.
    """

    WAKING = "waking"
    WAITING = "waiting"
    SENDING = "sending"
    QUEUED = "queued"
    RUNNING = "running"
    FETCHING = "fetching"


class JobEnding(enum.StrEnum):
    """How a job ended; `jobs.ending_of` decides it, and all counts use it.

    DONE: its result was posted. FAILED: the Space, Discord or the bot failed. CANCELLED: a person
    stopped it. REJECTED: an invalid value or a limit of the bot stopped it before it reached the
    Space. LOST: a restart interrupted it.
    """

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a job. `rank` counts from 1; `eta` is seconds; `fraction` is 0–1.

    While WAKING, `step` counts the attempts from the second on. `note` is the Space's
    own text (a progress description, a gr.Info); `partial` the text and files of a
    streaming endpoint so far.
    """

    stage: JobStage
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
    """A job's result: the messages to post, in order, and the seconds it took.

    `page_ran` are the labels of the events that the Space's page ran before it.
    """

    replies: tuple[Reply, ...]
    wait_seconds: float = 0.0
    run_seconds: float = 0.0
    outputs: tuple[Any, ...] = field(default=(), repr=False)
    page_ran: tuple[str, ...] = ()
