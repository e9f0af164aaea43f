"""The stored Hugging Face accounts of members and servers; their tokens are sealed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import sqlalchemy as sa

from spacebot.engine.store.part import StorePart
from spacebot.engine.store.tables import BATCH_ROWS, accounts, as_row


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """One account: `key` is `models.Account.key`, `sealed` its token as `TokenVault` seals it.

    `name` is the user name on Hugging Face, `role` what kind of token it is; `maker` is the
    Discord id of whoever set it, `created` when, in epoch seconds.
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
        """The account of this key."""
        found = await self._rows(sa.select(accounts).where(accounts.c.key == key))
        return AccountRecord(**found[0]._mapping) if found else None

    async def put(self, record: AccountRecord) -> None:
        """Store an account in the place of the one there was."""
        await self._put(accounts, as_row(record))

    async def reseal(self, record: AccountRecord, sealed: str) -> None:
        """Replace a sealed token by the same one sealed anew, unless it has changed meanwhile."""
        same = sa.and_(accounts.c.key == record.key, accounts.c.sealed == record.sealed)
        await self._execute(accounts.update().where(same).values(sealed=sealed))

    async def delete(self, key: str) -> None:
        """Forget an account."""
        await self._execute(accounts.delete().where(accounts.c.key == key))

    async def after(self, key: str) -> list[AccountRecord]:
        """The next `BATCH_ROWS` accounts by key."""
        chosen = sa.select(accounts).where(accounts.c.key > key).order_by(accounts.c.key)
        found = await self._rows(chosen.limit(BATCH_ROWS))
        return [AccountRecord(**row._mapping) for row in found]
