"""The Hugging Face accounts that members and servers lend to their jobs."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence

from cachetools import LRUCache

from spacebot.engine.accounts.vault import TokenVault, Unsealable
from spacebot.engine.store import AccountRecord, AccountStore
from spacebot.errors import HubTokenRefused, StoreError
from spacebot.models import NO_ACCOUNT, Account, HubUser, Job, guild_key, guild_of, user_key
from spacebot.spaces.client import HubClient

log = logging.getLogger(__name__)

# Looked up for each job; members without an account are cached too.
MAX_REMEMBERED = 10_000
TOKEN = re.compile(r"hf_[A-Za-z0-9]{10,190}")
ROLES = {"read": "read", "fineGrained": "fine-grained"}
TOKENS_PAGE = "https://huggingface.co/settings/tokens"
NO_SECRET_KEY = (
    "Tokens are stored encrypted, which requires SECRET_KEY. Ask the bot's owner to set it, "
    "then try again."
)
NO_TOKEN = (
    "That is not a Hugging Face token: one begins with `hf_`. Make one of the type **Read** at "
    f"<{TOKENS_PAGE}> and copy it whole."
)
WRITE_TOKEN = (
    "This token has write access to Hugging Face, which I do not need. Make one of the "
    f"type **Read** at <{TOKENS_PAGE}>, use that, and delete this one if you made it for me."
)
OTHER_TOKEN = (
    "Only access tokens of the types **Read** and **Fine-grained** are accepted. Make one at "
    f"<{TOKENS_PAGE}>."
)
MAY_WRITE = (
    f"This token can do more than read: {{}}. Remove that permission, or make one of the type "
    f"**Read**, at <{TOKENS_PAGE}>."
)
UNREADABLE = (
    "Your Hugging Face token can no longer be read, because the bot's owner has changed "
    "SECRET_KEY. Set it again with `/token set`, or use `/token delete` to continue without one."
)
ANOTHER_S = (
    "This session runs with the Hugging Face account of <@{}>, so only they can continue it. "
    "Start your own: use the command, or press **Fork** in a conversation."
)
# How many of a token's permissions are named.
MAX_NAMED = 5


class Accounts:
    """The accounts in the store. A token leaves it only in an `Account`."""

    def __init__(self, store: AccountStore, vault: TokenVault, hub: HubClient) -> None:
        self._store = store
        self._vault = vault
        self._hub = hub
        self._known = LRUCache[str, AccountRecord | None](MAX_REMEMBERED)
        self._resealing: asyncio.Task[None] | None = None

    def forget_known(self) -> None:
        """Look every account up again: another process may have changed it."""
        self._known.clear()

    async def __aenter__(self) -> Accounts:
        """Reseal, in the background, what an earlier SECRET_KEY sealed."""
        if self._vault.is_open:
            self._resealing = asyncio.create_task(self._reseal(), name="reseal tokens")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._resealing is not None:
            self._resealing.cancel()
            await asyncio.gather(self._resealing, return_exceptions=True)

    def check_open(self) -> None:
        """Raise `HubTokenRefused` if tokens cannot be stored."""
        if not self._vault.is_open:
            raise HubTokenRefused(NO_SECRET_KEY)

    async def set(self, key: str, token: str, maker: str) -> AccountRecord:
        """Check a token with the Hub and store it; raises `SpacebotError` in words."""
        self.check_open()
        token = token.strip()
        if not TOKEN.fullmatch(token):
            raise HubTokenRefused(NO_TOKEN)
        user = await self._hub.whoami(token)
        _check_harmless(user)
        sealed = self._vault.seal(key, token)
        record = AccountRecord(key, user.name, user.role, maker, sealed)
        await self._store.put(record)
        self._known[key] = record
        return record

    async def delete(self, key: str) -> bool:
        """Delete an account; returns whether there was one."""
        known = await self.find(key)
        await self._store.delete(key)
        self._known[key] = None
        return known is not None

    async def delete_servers(self, has_left: Callable[[int], bool]) -> int:
        """Delete the accounts of the servers for which `has_left`; returns how many there were."""
        last, deleted = guild_key(""), 0
        while page := await self._store.after(last):
            for record in page:
                guild = guild_of(record.key)
                if guild is None:
                    return deleted
                if has_left(guild):
                    deleted += await self.delete(record.key)
            last = page[-1].key
        return deleted

    async def find(self, key: str) -> AccountRecord | None:
        """The stored account with this key; raises `StoreError`."""
        if key not in self._known:
            found = await self._store.get(key)
            # It may have been set meanwhile.
            self._known.setdefault(key, found)
        return self._known[key]

    def is_readable(self, record: AccountRecord) -> bool:
        """Whether the token can be read with the current SECRET_KEY."""
        try:
            self._vault.unseal(record.key, record.sealed)
        except Unsealable:
            return False
        return True

    async def choose(self, user: str, guild: int | str | None) -> Account:
        """The account for a member's jobs in a server: their own, otherwise the server's.

        Raises `HubTokenRefused` if their own can no longer be read, which they can fix. What only a
        moderator can fix does not affect members.
        """
        if user and (own := await self._own(user)):
            return own
        return await self.get(guild_key(guild)) if guild else NO_ACCOUNT

    async def _own(self, user: str) -> Account:
        own = await self.get(user_key(user))
        # It was just looked up, so this does not query the database.
        if not own and self._known.get(user_key(user)):
            raise HubTokenRefused(UNREADABLE)
        return own

    async def of_job(self, job: Job) -> Account:
        """The account that a job runs with; raises `HubTokenRefused`.

        A job in an existing session uses the account of that session; a job of an automation
        uses the server's, even if a member triggered it. The page has no account.
        """
        ref = job.message_ref
        if ref is None:
            return NO_ACCOUNT
        user = "" if ref.automation else job.requester.user
        if job.account is None:
            return await self.choose(user, ref.guild)
        own, server = user_key(user), guild_key(ref.guild or "")
        if job.account not in ("", own, server):
            raise HubTokenRefused(ANOTHER_S.format(job.account.partition(":")[2]))
        return await self._own(user) if job.account == own else await self.get(job.account)

    async def get(self, key: str) -> Account:
        """The account with this key; `NO_ACCOUNT` if none is stored, or it cannot be read."""
        try:
            record = await self.find(key) if key else None
            return Account(key, self._vault.unseal(key, record.sealed)) if record else NO_ACCOUNT
        except StoreError:
            # The store reports it; jobs that need no token continue.
            return NO_ACCOUNT
        except Unsealable:
            log.warning("a stored token cannot be read with this SECRET_KEY")
            return NO_ACCOUNT

    async def _reseal(self) -> None:
        """Reseal with the first key what another key sealed, so that the other can be removed."""
        last, changed, unreadable = "", 0, 0
        try:
            while page := await self._store.after(last):
                for record in page:
                    done = await self._reseal_one(record)
                    changed += done is True
                    unreadable += done is None
                last = page[-1].key
        except StoreError as error:
            log.warning("tokens could not be encrypted with the new SECRET_KEY: %s", error)
        if changed:
            log.info("%d tokens are now encrypted with the first SECRET_KEY", changed)
        if unreadable:
            log.warning(
                "%d stored tokens cannot be read with SECRET_KEY; their owners are asked for "
                "them again. If you changed it, add the old one after it, separated by a comma.",
                unreadable,
            )

    async def _reseal_one(self, record: AccountRecord) -> bool | None:
        """Whether a token was resealed; None if it cannot be read."""
        if self._vault.is_current(record.sealed):
            return False
        try:
            token = self._vault.unseal(record.key, record.sealed)
        except Unsealable:
            return None
        sealed = self._vault.seal(record.key, token)
        await self._store.reseal(record, sealed)
        self._known.pop(record.key, None)
        return True


def _check_harmless(user: HubUser) -> None:
    """Raise `HubTokenRefused` for a token that may do more than read."""
    if user.role == "write":
        raise HubTokenRefused(WRITE_TOKEN)
    if user.role not in ROLES:
        raise HubTokenRefused(OTHER_TOKEN)
    beyond = sorted(scope for scope in user.scopes if not scope.endswith(".read"))
    if beyond:
        raise HubTokenRefused(MAY_WRITE.format(_named(beyond)))


def _named(scopes: Sequence[str]) -> str:
    shown = ", ".join(f"`{scope.replace('`', '')}`" for scope in scopes[:MAX_NAMED])
    more = len(scopes) - MAX_NAMED
    return f"{shown} and {more} more" if more > 0 else shown
