"""The try-out's conversations: the content of each visitor's chats, in memory, the
oldest dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache

from spacebot.discord_bot.conversations import transcript
from spacebot.models import Endpoint, File, Outcome

MAX_CONVERSATIONS = 500


@dataclass(slots=True)
class TryOutConversation:
    """One conversation: the settings it began with, and what the Space's chatbot holds.

    `before` is what it held before the last question.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    history: Any = None
    before: Any = None


@dataclass(frozen=True, slots=True)
class TryOutQuestion:
    """A message to a chat: the endpoint with its history, the values, and the message.

    `left_out` names the files that the chat does not take.
    """

    endpoint: Endpoint
    arguments: Mapping[str, Any]
    said: str
    files: tuple[str, ...]
    left_out: tuple[str, ...] = ()


class TryOutConversations:
    """The conversations by their keys."""

    def __init__(self) -> None:
        self._kept = LRUCache[str, TryOutConversation](MAX_CONVERSATIONS)

    def begin(self, key: str, endpoint: Endpoint, arguments: Mapping[str, Any]) -> TryOutQuestion:
        """Start a conversation with the options of its command."""
        text, files, settings = transcript.split_arguments(endpoint, arguments)
        self._kept[key] = TryOutConversation(settings)
        return self.say(key, endpoint, text, files)

    def say(
        self,
        key: str,
        endpoint: Endpoint,
        text: str,
        files: Sequence[File],
        *,
        regenerate: bool = False,
    ) -> TryOutQuestion:
        """The next message of a conversation, which starts over if it is no longer stored.

        With `regenerate`, it repeats the last one, as if it had not been asked before.
        """
        kept = self._kept.setdefault(key, TryOutConversation())
        if regenerate:
            kept.history = kept.before
        kept.before = kept.history
        filled, arguments, left = transcript.build_question(
            endpoint, kept.settings, kept.history, text, files
        )
        names = tuple(file.name for file in files)
        return TryOutQuestion(filled, arguments, text, names, tuple(left))

    def answered(self, key: str, endpoint: Endpoint, outcome: Outcome) -> None:
        """Store what the chatbot holds now."""
        history = transcript.history_of(endpoint, outcome.outputs)
        if history is not None and key in self._kept:
            self._kept[key].history = history
