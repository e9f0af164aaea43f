"""Descriptions of Spaces that no setting names, and the names that the owner has blocked."""

from __future__ import annotations

import time
from dataclasses import dataclass

import sqlalchemy as sa

from spacebot.engine.store.part import StorePart
from spacebot.engine.store.tables import (
    BATCH_ROWS,
    blocked_spaces,
    server_spaces,
    space_descriptions,
)

# The total size limit, in bytes, of the descriptions of Spaces that no server has added.
MAX_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class StoredDescription:
    """A Space's compressed description, and when it was read, in epoch seconds."""

    packed: bytes
    read: float


class DescriptionStore(StorePart):
    """Descriptions by Space and account.

    The account is "" for what everyone may see, otherwise the key of the account that read it.
    """

    async def get(self, space: str, account: str) -> StoredDescription | None:
        """The last known description, or None."""
        table = space_descriptions.c
        chosen = sa.select(table.packed, table.read).where(*_is(space, account))
        found = await self._rows(chosen)
        return StoredDescription(found[0].packed, found[0].read) if found else None

    async def put(self, space: str, account: str, description: StoredDescription) -> None:
        """Store a description, replacing the previous one."""
        row = {"packed": description.packed, "read": description.read, "used": time.time()}
        await self._put(space_descriptions, {"space": space, "account": account, **row})

    async def delete(self, space: str, account: str) -> None:
        """Delete a description."""
        await self._execute(space_descriptions.delete().where(*_is(space, account)))

    async def touch(self, space: str, account: str) -> None:
        """Record that a description was used just now."""
        changed = space_descriptions.update().where(*_is(space, account))
        await self._execute(changed.values(used=time.time()))

    async def trim(self, *, older: float, max_bytes: int = MAX_BYTES) -> None:
        """Delete descriptions last used before `older`, then the least recently used beyond
        `max_bytes`.

        Those of servers' commands stay and do not count.
        """
        table = space_descriptions.c
        added = sa.exists().where(server_spaces.c.space == table.space)
        newest_first = (table.used.desc(), table.space, table.account)
        total = sa.func.sum(sa.func.length(table.packed)).over(order_by=newest_first)
        each = sa.select(table.space, table.account, table.used, total.label("total"))
        ranked = each.where(~added).subquery().c
        old = (ranked.used < older) | (ranked.total > max_bytes)
        chosen = sa.select(ranked.space, ranked.account).where(old)
        while found := await self._rows(chosen.limit(BATCH_ROWS)):
            for row in found:
                await self.delete(row.space, row.account)


class BlockedSpaceStore(StorePart):
    """The blocked Spaces and authors."""

    async def all(self) -> dict[str, str]:
        """Every blocked name, and the Hub's id of that Space ("" while unknown)."""
        return {row.name: row.hub_id or "" for row in await self._rows(sa.select(blocked_spaces))}

    async def add(self, name: str, hub_id: str) -> None:
        """Block a name, with the Hub's id of that Space."""
        await self._put(blocked_spaces, {"name": name, "hub_id": hub_id})

    async def identify(self, name: str, hub_id: str) -> None:
        """Add the Hub's id to a block, unless the name was unblocked."""
        mine = blocked_spaces.c.name == name
        await self._execute(blocked_spaces.update().where(mine).values(hub_id=hub_id))

    async def delete(self, name: str) -> None:
        """Unblock a name."""
        await self._execute(blocked_spaces.delete().where(blocked_spaces.c.name == name))


def _is(space: str, account: str) -> tuple[sa.ColumnElement[bool], ...]:
    table = space_descriptions.c
    return table.space == space, table.account == account
