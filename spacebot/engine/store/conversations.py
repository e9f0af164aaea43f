"""Conversations, and the chat that each channel has chosen."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from cachetools import LRUCache

from spacebot.engine.store.batches import in_batches
from spacebot.engine.store.part import Database, StorePart
from spacebot.engine.store.tables import (
    as_row,
    chosen_chats,
    conversations,
    going_on,
)
from spacebot.errors import StoreError

# So many conversations are in memory: those that were used last.
MAX_RECENT = 500


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation with an endpoint, in one channel (a thread, or direct messages).

    `user` owns it; in an `open` one, others may speak too. An `addressed` one answers only messages
    that mention the bot. `session` is its name on the Space, and `process` the Space's process that
    answered last, since only that process remembers the session. `arguments` are the values of its
    settings by option name. `history` is what the Space's chatbot held last, and `before` what it
    held one turn earlier. `answer` holds the ids of the last answer's messages. `account` is the
    key of the Hugging Face account that its session began with, "" for none. Ids are Discord's, as
    text.
    """

    id: str
    space: str
    api_name: str
    command: str
    user: str
    mention: str
    channel: str
    session: str = field(repr=False)
    guild: str | None = None
    addressed: bool = False
    open: bool = False
    process: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    history: Any = field(default=None, repr=False)
    before: Any = field(default=None, repr=False)
    answer: Sequence[str] = ()
    created: float = field(default_factory=time.time)
    used: float = field(default_factory=time.time)
    ended: float | None = None
    account: str | None = None


class ConversationStore(StorePart):
    """The conversations in the store.

    The most recently used are in memory too, so they continue while the database fails.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._row = database.row
        self._write = database.write
        self._recent = LRUCache[str, Conversation](MAX_RECENT)

    async def add(self, conversation: Conversation) -> None:
        """Add a conversation. If that raises `StoreError`, it continues in memory."""
        self._recent[conversation.id] = conversation
        await self._write(conversations, conversation.id, as_row(conversation), new=True)

    async def get(self, conversation: str) -> Conversation | None:
        """A conversation, or None if there is none; raises `StoreError`."""
        if conversation not in self._recent:
            found = await self._row(conversations, conversation)
            if found is None:
                return None
            # Another read may have finished first, and its result changed since.
            self._recent.setdefault(conversation, Conversation(**found))
        return self._recent[conversation]

    async def fresh(self, conversation: str) -> Conversation | None:
        """A conversation that another process may have changed; as last known while the database
        fails."""
        known = self._recent.pop(conversation, None)
        try:
            return await self.get(conversation)
        except StoreError:
            if known is None:
                raise
            return self._recent.setdefault(conversation, known)

    def forget_recent(self) -> None:
        """Read them from the database again: another process may have changed them."""
        self._recent.clear()

    async def places(self) -> list[tuple[str, str, str, bool]]:
        """The id, channel, owner and `addressed` of every conversation, oldest first."""
        table = conversations.c
        chosen = sa.select(table.id, table.channel, table.user, table.addressed)
        found = await self._rows(chosen.order_by(table.used))
        return [(row.id, row.channel, row.user, row.addressed) for row in found]

    async def change(self, conversation: str, **values: Any) -> None:
        """Change columns of a conversation. If that raises `StoreError`, the change stays in
        memory."""
        with contextlib.suppress(StoreError):
            if known := await self.get(conversation):
                self._recent[conversation] = replace(known, **values)
        await self._write(conversations, conversation, values)
        # It may have been read again before it was written.
        if known := self._recent.get(conversation):
            self._recent[conversation] = replace(known, **values)

    async def choose(self, channel: str, chat: tuple[str, str] | None) -> None:
        """Set the Space and API name of a channel's chat; None removes the choice."""
        if chat is None:
            await self._execute(chosen_chats.delete().where(chosen_chats.c.channel == channel))
        else:
            row = {"channel": channel, "space": chat[0], "api_name": chat[1]}
            await self._put(chosen_chats, row)

    async def chosen(self) -> dict[str, tuple[str, str]]:
        """The Space and API name that each channel has chosen."""
        found = await self._rows(sa.select(chosen_chats))
        return {row.channel: (row.space, row.api_name) for row in found}

    async def trim(self, *, older: float) -> list[str]:
        """End the conversations unused since `older`; returns the ids that name their files.

        Ended rows stay, so that a member who returns is told. `Store.trim` deletes their questions.
        """
        old = sa.select(conversations.c.id).where(conversations.c.used < older, going_on)

        async def find(rows: int) -> list[str]:
            return [row.id for row in await self._rows(old.limit(rows))]

        forgotten: list[str] = []
        async for ids in in_batches(find, self._end):
            forgotten += ids
        return forgotten

    async def _end(self, ids: Sequence[str]) -> None:
        mine = conversations.update().where(conversations.c.id.in_(ids))
        nothing = {"history": None, "before": None, "arguments": {}}
        await self._execute(mine.values(**nothing, ended=time.time()))
        for one in ids:
            self._recent.pop(one, None)
