"""The stored Hugging Face accounts of members and servers; their tokens are sealed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import sqlalchemy as sa

from spacebot.engine.store.part import StorePart
from spacebot.engine.store.tables import BATCH_ROWS, accounts, as_row


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """One account: `key` is `models.Account.key`, `sealed` its token as sealed by `TokenVault`.

    `name` is the user name on Hugging Face, `role` the kind of token, `maker` the Discord id of the
    person who set it, and `created` when they did, in epoch seconds.
    """

    key: str
    name: str
    role: str
    maker: str
    sealed: str = field(repr=False)
    created: float = field(default_factory=time.time)


class AccountStore(StorePart):
    """The accounts in the store."""

    async def get(self, key: str) -> AccountRecord | None:
        """The account with this key."""
        found = await self._rows(sa.select(accounts).where(accounts.c.key == key))
        return AccountRecord(**found[0]._mapping) if found else None

    async def put(self, record: AccountRecord) -> None:
        """Store an account, replacing any with the same key."""
        await self._put(accounts, as_row(record))

    async def reseal(self, record: AccountRecord, sealed: str) -> None:
        """Replace a sealed token with the same token sealed again, unless it has
        changed meanwhile."""
        same = sa.and_(accounts.c.key == record.key, accounts.c.sealed == record.sealed)
        await self._execute(accounts.update().where(same).values(sealed=sealed))

    async def delete(self, key: str) -> None:
        """Delete an account."""
        await self._execute(accounts.delete().where(accounts.c.key == key))

    async def after(self, key: str) -> list[AccountRecord]:
        """The next `BATCH_ROWS` accounts, ordered by key."""
        chosen = sa.select(accounts).where(accounts.c.key > key).order_by(accounts.c.key)
        found = await self._rows(chosen.limit(BATCH_ROWS))
        return [AccountRecord(**row._mapping) for row in found]
