"""The try-out's conversations: what each visitor's chats hold, in memory, the oldest forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spacebot.conversations import talk
from spacebot.models import Endpoint, File, Outcome

MOST = 500


@dataclass(slots=True)
class Talk:
    """One conversation: the settings it began with, and what the Space's chatbot holds."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    history: Any = None


@dataclass(frozen=True, slots=True)
class Question:
    """A message to a chat: the endpoint with its history, the values, and what was said."""

    endpoint: Endpoint
    given: Mapping[str, Any]
    said: str
    files: tuple[str, ...]


class Talks:
    """The conversations by their keys."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[str, Talk] = OrderedDict()

    def begin(self, key: str, endpoint: Endpoint, given: Mapping[str, Any]) -> Question:
        """Start a conversation with what its command was given."""
        text, files, settings = talk.split(endpoint, given)
        self._kept[key] = Talk(settings)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return self.say(key, endpoint, text, files)

    def say(self, key: str, endpoint: Endpoint, text: str, files: Sequence[File]) -> Question:
        """The next message of a conversation; one that was forgotten begins anew."""
        kept = self._kept.setdefault(key, Talk())
        self._kept.move_to_end(key)
        filled, given, _ = talk.asked(endpoint, kept.settings, kept.history, text, files)
        return Question(filled, given, text, tuple(file.name for file in files))

    def answered(self, key: str, endpoint: Endpoint, outcome: Outcome) -> None:
        """Keep what the chatbot holds now."""
        history = talk.history_of(endpoint, outcome.values)
        if history is not None and key in self._kept:
            self._kept[key].history = history
