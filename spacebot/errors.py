"""What can go wrong, and what the person who is waiting is told.

Every error's text is written for the person who reads it: what happened and what
to do next, without secrets or prompts. Foreign errors are translated once, where
they arrive (`spaces`, `settings`, `bot`), with `from exc` keeping the cause for
the log.

SpacebotError
├── SettingsError           the owner's settings; stops the start
├── DeployError             Hugging Face, or the owner's account there, refuses a deployment
├── InputError              a value that the user entered; nothing was sent
│   ├── SecretNeeded        a password that this member has not entered
│   └── AgeRestricted       a Space for adults, in a place that takes everyone
├── LimitReached            the bot's own limits, or a server's; nothing was sent
├── NotAllowed              a server's moderators forbid it; nothing was sent
├── Cancelled               the person who asked, or a moderator, stopped it
├── Interrupted             the bot is stopping; the job is saved for its next start
├── HubTokenRefused         a Hugging Face token that is rejected, or has the wrong permissions
├── Unanswered              the bot may not write where it should answer
├── StoreError              the database, or the disk under DATA_DIR, fails
│   ├── DiskFull            there is no room for a file or a row
│   ├── NewerDatabase       a later version of Spacebot created it; this one leaves it alone
│   └── UnreadableRecord    what was saved cannot be read
└── SpaceError              the Space, or the way to it
    ├── SpaceNotFound       no such Space, or a private one without a token
    │   └── SpaceRenamed    the Hub has it by another name
    ├── SpaceUnavailable    paused, broken, building, asleep, not answering
    │   ├── LoginNeeded     it no longer accepts the login
    │   └── HubUnavailable  Hugging Face itself is unreachable, or has a problem
    ├── SpaceBusy           its queue is full, or it rate-limits us: try later
    ├── QuotaExceeded       ZeroGPU quota; `reset` is the Space's own words
    ├── SignInNeeded        it needs a member's own sign-in, which Discord cannot provide
    ├── EndpointGone        the Space no longer has this endpoint
    ├── SpaceNotAllowed     the owner of the bot does not let members use this Space
    ├── SpaceStopped        it stopped while the job ran
    ├── SpaceUnreadable     its answer cannot be read: no Gradio, broken, or too large
    ├── SpaceSilent         it did not respond within the deadline
    └── SpaceRaised         the Space's code raised an error, with its text if there is one
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Collection, Iterator
from typing import Self


class SpacebotError(Exception):
    """Base of all our errors: `str(error)` is a sentence for the user.

    `worth_retrying` says whether trying the same again later can help, and `safe_to_retry` whether
    the work cannot have been done yet, so that repeating it does not do it twice.
    """

    worth_retrying = False
    safe_to_retry = False


class SettingsError(SpacebotError):
    """A setting has a wrong value: `VARIABLE=value: what is accepted`."""


class DeployError(SpacebotError):
    """A Space cannot be created or updated: why, and what the owner can do."""


class InputError(SpacebotError):
    """An option's value cannot be used. `option` names it."""

    safe_to_retry = True

    def __init__(self, message: str, *, option: str = "") -> None:
        super().__init__(message)
        self.option = option


class ValuesRejected(InputError):
    """The Space's own validation rejected the values; the text is the Space's."""


class SecretNeeded(InputError):
    """Secret options have no value from this member."""

    def __init__(self, options: Collection[str]) -> None:
        names = ", ".join(f"`{one}`" for one in sorted(options))
        super().__init__(
            f"This chat needs {names}. Passwords belong to the member who entered them and are "
            "never stored. Press **Enter** to give your own."
        )


class AgeRestricted(InputError):
    """A Space for adults was requested where minors may be."""

    def __init__(self, message: str = "") -> None:
        super().__init__(
            message or "This Space is age-restricted. Use it in an age-restricted channel."
        )


class LimitReached(SpacebotError):
    """A limit of the bot: which one, and when to try again."""

    worth_retrying = True
    safe_to_retry = True


class NotAllowed(SpacebotError):
    """The server's moderators forbid this; the text says what, and where it is allowed."""

    safe_to_retry = True


class JobCancelled(SpacebotError):
    """A person stopped the job; the text says what that did."""


class JobInterrupted(SpacebotError):
    """The bot is stopping; the next start resumes the job or says that it is lost."""


class HubTokenRefused(SpacebotError):
    """A Hugging Face token that is not accepted or readable, or may do too much or too little."""


class CannotAnswer(SpacebotError):
    """The bot may not write where it should answer; the text says what a moderator can do."""


class StoreError(SpacebotError):
    """The database or the disk fails; the text says how, and `__cause__` is for the log."""


class ClusterLost(StoreError):
    """This process may no longer answer: others take over its shards and jobs."""


class DiskFull(StoreError):
    """The disk under DATA_DIR is full or read-only."""

    ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})

    def __init__(self) -> None:
        super().__init__(
            "The bot's disk is full. Ask the bot's owner to free some space, then try again."
        )

    @classmethod
    def is_meant_by(cls, error: BaseException) -> bool:
        """Whether the operating system's error means this."""
        return isinstance(error, OSError) and error.errno in cls.ERRNOS

    @classmethod
    @contextlib.contextmanager
    def translate_errors(cls) -> Iterator[None]:
        """Raise the operating system's error for a full disk as this one."""
        try:
            yield
        except OSError as error:
            if not cls.is_meant_by(error):
                raise
            raise cls from error


class NewerDatabase(StoreError):
    """The database belongs to a later version; waiting does not help."""


class UnreadableRecord(StoreError):
    """A stored record cannot be read; trying again does not help."""

    def __init__(self) -> None:
        super().__init__("The bot could not read what it had saved. Its log has the details.")


class SpaceError(SpacebotError):
    """The Space, or the connection to it, failed. `wait` is the pause that it asks
    for, in seconds."""

    wait = 0.0

    def for_good(self) -> Self:
        """The same error, if retrying would only keep people waiting."""
        self.worth_retrying = False
        return self


class SpaceNotFound(SpaceError):
    """No such Space, or a private one and no token that may see it."""

    safe_to_retry = True


class SpaceRenamed(SpaceNotFound):
    """The Hub redirects this name to a Space with another, `name`; nothing was sent there."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


class SpaceUnavailable(SpaceError):
    """The Space cannot take a job now: paused, broken, building, asleep, not answering."""

    worth_retrying = True
    safe_to_retry = True


class LoginNeeded(SpaceUnavailable):
    """The Space asks for a login again: it was restarted, or the login expired."""


class HubUnavailable(SpaceUnavailable):
    """Hugging Face itself is unreachable, or answers with an error."""


class SpaceBusy(SpaceError):
    """The Space has no capacity now: its queue is full (503) or it limits our rate (429)."""

    worth_retrying = True
    safe_to_retry = True


class QuotaExceeded(SpaceError):
    """The ZeroGPU quota is used up; the text says when it resets.

    `{whose}` in the text is a placeholder for the quota's owner. `asked` is how many seconds the
    job needed, if the Space said so.
    """

    worth_retrying = True
    safe_to_retry = True

    def __init__(self, message: str, *, asked: int = 0, whose: str = "The bot's") -> None:
        super().__init__(message.replace("{whose}", whose))
        self._message = message
        self.asked = asked

    def belonging_to(self, whose: str) -> QuotaExceeded:
        """The same error, for another owner's quota."""
        other = QuotaExceeded(self._message, asked=self.asked, whose=whose)
        other.worth_retrying, other.safe_to_retry = self.worth_retrying, self.safe_to_retry
        return other


class SignInNeeded(SpaceError):
    """The function needs the person who runs it to be signed in to Hugging Face."""

    safe_to_retry = True


class EndpointGone(SpaceError):
    """The Space answers, but no longer has this endpoint."""

    safe_to_retry = True


class SpaceNotAllowed(SpaceError):
    """Members may not use this Space, by the owner's settings; nothing was sent."""

    safe_to_retry = True


class SpaceStopped(SpaceError):
    """The Space stopped while the job ran: the work may or may not have been done."""

    worth_retrying = True


class SpaceSilent(SpaceError):
    """The Space did not respond within the deadline."""

    worth_retrying = True


class SpaceUnreadable(SpaceError):
    """The Space's answer cannot be read: not JSON, of the wrong shape, too deep or too large."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or "The Space sent something unreadable. Try again later.")


class SpaceRaised(SpaceError):
    """The Space's own code raised an error, with its text if there is one.

    `empty` names the options that were left empty and may be required.
    """

    empty: tuple[str, ...] = ()


def kind_of(error: BaseException) -> str:
    """The classes of an error and its cause, for the log: their texts may quote a prompt."""
    cause = f" ({type(error.__cause__).__name__})" if error.__cause__ else ""
    return f"{type(error).__name__}{cause}"
