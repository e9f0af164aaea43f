"""The rules of a server that need no counting: who, where, and with which words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from spacebot.engine.on_demand import is_one_off
from spacebot.engine.store import NOBODY, ServerLimits
from spacebot.errors import NotAllowed
from spacebot.models import File, Job, Requester

MEMBER_BLOCKED = "The moderators of this server do not let you use this bot here."
WORD_BLOCKED = "This contains a word that this server does not allow. Change it and try again."
RUN_IS_OFF = "The moderators of this server have turned off `/run` and `/find`."
RUN_NEEDS_ROLE = "In this server, only members with <@&{role}> may use `/run` and `/find`."
# How many channels a refusal names at most.
MAX_CHANNELS_NAMED = 10


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for jobs: in which server, and with which text.

    `guild` is empty in direct messages. `places` are the conversation's channel and the
    parent of its thread; empty outside conversations. `jobs` is how many jobs it takes;
    `any_space` says that they run a Space that is no command there.
    """

    guild: str
    requester: Requester
    texts: Sequence[str] = field(default=(), repr=False)
    places: Collection[str] = ()
    jobs: int = 1
    any_space: bool = False

    @classmethod
    def of_job(cls, job: Job, *, jobs: int = 1, places: Collection[str] = ()) -> Ask:
        """The request of a job."""
        given = (job.turn.text, *job.turn.files) if job.turn else job.arguments.values()
        texts = [text for one in given for text in _texts(one)]
        any_space = is_one_off(job.command)
        return cls(str(job.server or ""), job.requester, texts, places, jobs, any_space)


def _texts(value: object) -> list[str]:
    if isinstance(value, File):
        return [value.name]
    return [value] if isinstance(value, str) else []


def check(limits: ServerLimits, ask: Ask) -> None:
    """Raise `NotAllowed` for what a server never allows."""
    if ask.requester.user in limits.blocked_members:
        raise NotAllowed(MEMBER_BLOCKED)
    if ask.any_space:
        check_access(limits, ask.requester)
    allowed = limits.chat_channels
    if ask.places and allowed and not set(ask.places) & set(allowed):
        names = ", ".join(f"<#{one}>" for one in allowed[:MAX_CHANNELS_NAMED])
        raise NotAllowed(f"Conversations do not work in this channel. They do in {names}.")
    if limits.blocked_words and any(
        blocked_word(tuple(limits.blocked_words), text) for text in ask.texts
    ):
        raise NotAllowed(WORD_BLOCKED)


def check_access(limits: ServerLimits, requester: Requester) -> None:
    """Raise `NotAllowed` if this person may not run any Space (`/run`, `/find`) here."""
    if requester.user in limits.blocked_members:
        raise NotAllowed(MEMBER_BLOCKED)
    if limits.run_access == NOBODY:
        raise NotAllowed(RUN_IS_OFF)
    if limits.run_access and limits.run_access not in requester.roles:
        raise NotAllowed(RUN_NEEDS_ROLE.format(role=limits.run_access))


def normalize(text: str) -> str:
    """A text in comparable form: case, width and runs of spaces make no difference."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def blocked_word(words: tuple[str, ...], text: str) -> bool:
    """Whether a text contains one of these words or phrases as a whole."""
    return _pattern(words).search(normalize(text)) is not None


@lru_cache(maxsize=500)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    parts = "|".join(re.escape(normalize(word)) for word in words)
    # Not \b: a word may begin or end with a character that is not a letter.
    return re.compile(rf"(?<!\w)(?:{parts})(?!\w)")
