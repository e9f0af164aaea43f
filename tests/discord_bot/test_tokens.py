"""/token: what is accepted, how it is stored, who sees it, and when it is deleted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import discord
import pytest

from spacebot import log as logs
from spacebot.discord_bot.discord_internals import ShardedClient
from spacebot.discord_bot.tokens import LeftServers, left_servers
from spacebot.engine.accounts import Accounts
from spacebot.engine.store import AccountRecord, Preset
from spacebot.errors import HubTokenRefused, StoreError
from spacebot.models import NO_ACCOUNT, Endpoint, Job, MessageRef, Requester, guild_key, user_key
from tests.support.asking import shown
from tests.support.bot_in_loop import Home, at_home
from tests.support.loopback import (
    Channel,
    DiscordServer,
    Guild,
    Interaction,
    NotSendable,
    User,
)
from tests.support.spaces_hub import Hub, HubAccount, hub

KEY, OLD_KEY = "k" * 40, "o" * 40
READ = "hf_readreadreadreadread"
SERVERS = "hf_serverserverserver"


@dataclass(frozen=True)
class Lab:
    """A server with a moderator and a member, the bot in it, and a Hub."""

    hub: Hub
    server: DiscordServer
    guild: Guild
    channel: Channel
    mod: User
    ada: User
    home: Home

    async def set(self, user: User, token: str, command: str = "token set") -> str:
        """Type a token into the form; returns the answer."""
        form = await user.command(command, channel=self.channel)
        assert form.modal is not None, form.describe()
        return await told(await user.submit(form, {"Token": token}))

    async def use(self, user: User, command: str) -> str:
        """Use a command; returns the answer."""
        return await told(await user.command(command, channel=self.channel))


async def told(seen: Interaction) -> str:
    await seen.wait(lambda one: said(one), 15)
    assert all(one.ephemeral for one in [shown(seen), *seen.followups])
    return said(seen)


def stored(folder: Path) -> bytes:
    """Everything that the database wrote."""
    return b"".join(path.read_bytes() for path in folder.glob("spacebot.db*"))


def said(seen: Interaction) -> str:
    messages = [seen.message, *seen.followups]
    return "\n".join(one.content for one in messages if one and not one.loading)


@asynccontextmanager
async def lab(folder: Path, *keys: str) -> AsyncIterator[Lab]:
    async with hub() as served, DiscordServer() as server:
        served.accounts[READ] = HubAccount("ada-on-hf")
        served.accounts[SERVERS] = HubAccount("lab-on-hf", "fineGrained", ["repo.content.read"])
        server.limits.enforced = False
        # Not tested here, and too short on a busy machine.
        server.limits.acknowledge_within = 60.0
        mod, ada = server.add_user("mod"), server.add_user("ada")
        guild = server.add_guild("Lab", ada)
        guild.add_member(mod, "manage_guild")
        channel = guild.add_text_channel("art")
        home = at_home(server, folder=folder, hub=served.api, secret_keys=keys or (KEY,))
        async with home as at:
            yield Lab(served, server, guild, channel, mod, ada, at)


def job(user: User, guild: Guild | None, **more: Any) -> Job:
    ref = MessageRef(guild=guild.id if guild else None, channel=1, **more)
    asker = Requester(str(user.id), user.mention)
    return Job("0" * 12, Endpoint("owner/name", "/x", "x", ""), asker, {}, message_ref=ref)


@pytest.fixture
def written() -> Iterator[list[str]]:
    """Everything that the program logs at DEBUG, before and after its own formatter."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logging.Formatter().format(record))

    root, keeper = logging.getLogger(), Keeper()
    before = root.level, list(root.handlers)
    logs.start_logging("DEBUG", [])
    root.addHandler(keeper)
    yield lines
    root.setLevel(before[0])
    root.handlers[:] = before[1]


async def test_quota_tells_the_gpu_seconds_of_the_token_that_is_used(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        assert "ZeroGPU" not in await it.use(it.ada, "quota")
        left = {"base": 240, "current": 60, "resetsAt": None}
        it.hub.accounts[SERVERS] = HubAccount("lab-on-hf", quota=left)
        await it.set(it.mod, SERVERS, "token server set")
        assert "**ZeroGPU** with the server's: 60 s of 4 min left" in await it.use(it.ada, "quota")
        await it.set(it.ada, READ)
        assert "**ZeroGPU** with your own token: 5 min of 5 min left" in await it.use(
            it.ada, "quota"
        )


async def test_a_token_is_checked_sealed_shown_without_its_value_and_deleted(
    tmp_path: Path, written: list[str]
) -> None:
    async with lab(tmp_path) as it:
        assert "You have not set a token" in await it.use(it.ada, "token status")
        answer = await it.set(it.ada, f"  {READ} ")
        assert "**ada-on-hf** (read token)" in answer
        assert it.hub.asked("/api/whoami-v2") == 1
        answer = await it.use(it.ada, "token status")
        assert "**ada-on-hf** (read token), set <t:" in answer
        accounts = it.home.jobs.accounts
        assert accounts
        account = await accounts.choose(str(it.ada.id), it.guild.id)
        assert (account.key, account.token) == (user_key(it.ada.id), READ)
        record = await it.home.jobs.store.accounts.get(account.key)
        assert record
        shown_anywhere = [repr(account), repr(record), repr(it.home.jobs), *written]
        shown_anywhere += [m.content for m in it.channel.messages]
        assert not [text for text in shown_anywhere if READ in text]
        assert record.sealed not in repr(record)
        assert READ.encode() not in stored(tmp_path)
        assert "deleted" in await it.use(it.ada, "token delete")
        assert "You have not set a token" in await it.use(it.ada, "token delete")
        assert await accounts.choose(str(it.ada.id), it.guild.id) == NO_ACCOUNT
        assert await it.home.jobs.store.accounts.get(account.key) is None


@pytest.mark.parametrize(
    ("token", "account", "told"),
    [
        ("password1", None, "That is not a Hugging Face token"),
        ("hf_oauth_eyJhbGciOiJIUzI1NiJ9.x.y", None, "That is not a Hugging Face token"),
        ("hf_revokedrevokedrevoked", None, "it was revoked, or mistyped"),
        ("hf_writewritewrite", HubAccount("ada", "write"), "This token has write access"),
        ("hf_oauthoauthoauth", HubAccount("ada", ""), "Only access tokens of the types"),
        (
            "hf_finefinefine",
            HubAccount("ada", "fineGrained", ["repo.content.read", "repo.write", "x`.write"]),
            "more than read: `repo.write`, `x.write`.",
        ),
    ],
)
async def test_what_is_no_token_to_read_with_is_refused_in_words(
    tmp_path: Path, written: list[str], token: str, account: HubAccount | None, told: str
) -> None:
    async with lab(tmp_path) as it:
        if account:
            it.hub.accounts[token] = account
        answer = await it.set(it.ada, token)
        assert told in answer
        assert token not in answer
        assert await it.home.jobs.store.accounts.get(user_key(it.ada.id)) is None
    assert not [line for line in written if token in line and token.startswith("hf_")]


async def test_the_hub_out_of_reach_is_told(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        it.hub.refusals["/api/whoami-v2"] = 500
        assert "Hugging Face has a problem right now" in await it.set(it.ada, READ)


async def test_without_secret_key_the_owner_has_to_set_it(tmp_path: Path) -> None:
    async with hub() as served, DiscordServer() as server:
        server.limits.enforced = False
        ada = server.add_user("ada")
        channel = server.add_guild("Lab", ada).add_text_channel("art")
        async with at_home(server, folder=tmp_path, hub=served.api):
            seen = await ada.command("token set", channel=channel)
            assert seen.modal is None
            assert "requires SECRET_KEY" in await told(seen)


async def test_a_server_s_token_is_its_moderators_matter(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        for command in ("set", "status", "delete"):
            answer = await it.use(it.ada, f"token server {command}")
            assert "Only members with the **Manage Server** permission" in answer
        assert "**lab-on-hf** (fine-grained token)" in await it.set(
            it.mod, SERVERS, "token server set"
        )
        answer = await it.use(it.mod, "token server status")
        assert f"by <@{it.mod.id}>" in answer
        form = await it.mod.command("token server set", channel=it.channel)
        # Rights that were lost while the form was open.
        it.guild.members[it.mod.id] = []
        answer = await told(await it.mod.submit(form, {"Token": READ}))
        assert "Only members with the **Manage Server** permission" in answer
        record = await it.home.jobs.store.accounts.get(guild_key(it.guild.id))
        assert record
        assert record.name == "lab-on-hf"


async def test_a_server_that_removes_the_bot_takes_its_token_along(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        await it.set(it.mod, SERVERS, "token server set")
        await it.set(it.ada, READ)
        accounts = it.home.jobs.accounts
        assert accounts
        it.guild.remove_bot()
        key = guild_key(it.guild.id)
        await it.server.wait(lambda _: accounts._known[key] is None, 10)
        assert await it.home.jobs.store.accounts.get(key) is None
        assert (await accounts.choose(str(it.ada.id), None)).token == READ


async def test_a_server_that_removed_the_bot_unheard_takes_its_token_and_presets_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord does not notify a disconnected bot. A server with an outage did not remove it."""
    looks = watched_looks(monkeypatch)
    async with lab(tmp_path) as it:
        await looks.get()  # that of this bot
        gone = [it.server.add_guild("Gone"), it.server.add_guild("Gone later")]
        dark = it.server.add_guild("Dark")
        keys = [guild_key(one.id) for one in (it.guild, *gone, dark)]
        store, now = it.home.jobs.store.accounts, it.home.jobs.accounts
        assert now
        for key in keys:
            await store.put(AccountRecord(key, "lab", "read", "1", now._vault.seal(key, READ)))
            preset = Preset(key, "a", "a", "fast", "/echo", "/fast echo", {}, False, "1")
            await it.home.jobs.store.presets.put(preset)
        await it.home.bot.close()
        gone[0].has_bot, dark.outage = False, True
        async with at_home(
            it.server, folder=tmp_path, hub=it.hub.api, secret_keys=(KEY,), commands=False
        ) as home:
            assert await deletes_one(looks)
            assert await stored_keys(home) == [keys[0], keys[2], keys[3]]
            with_presets = await home.jobs.store.presets.servers()
            assert {guild_key(one) for one in with_presets} == {keys[0], keys[2], keys[3]}
            # Meanwhile in another place: the connection is lost, and cannot be resumed.
            it.guild.begin_outage()
            gone[1].has_bot = False
            it.server.gateway.drop(resumable=False)
            assert await deletes_one(looks)
            assert await stored_keys(home) == [keys[0], keys[3]]


async def test_another_process_s_servers_are_not_taken_for_ones_that_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = watched_looks(monkeypatch)
    async with lab(tmp_path) as it:
        await looks.get()  # that of the lab's own bot, which has every server
        accounts = it.home.jobs.accounts
        assert accounts
        ids = [shard << 22 for shard in (4, 5, 6, 7)]
        for guild in ids:
            await it.home.jobs.store.accounts.put(
                AccountRecord(guild_key(guild), "lab-on-hf", "read", "1", "sealed")
            )
        client = ShardedClient(intents=discord.Intents.none(), shard_count=2)
        client.known_shards.add(0)
        left = LeftServers(client, accounts, it.home.jobs.store.presets)
        await left.start()
        left.look()
        async with asyncio.timeout(60):
            while await looks.get() != 2:
                pass
        await left.close()
        assert await stored_keys(it.home) == [guild_key(ids[1]), guild_key(ids[3])]


async def test_a_server_that_leaves_while_the_store_is_away_loses_its_token_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_servers, "FIRST_RETRY_PAUSE", 0.05)
    looks = watched_looks(monkeypatch)
    async with lab(tmp_path) as it:
        await it.set(it.mod, SERVERS, "token server set")
        store = it.home.jobs.store.accounts
        execute, refused = store._execute, asyncio.Event()

        async def refuse(_: object) -> None:
            refused.set()
            raise StoreError("away")

        monkeypatch.setattr(store, "_execute", refuse)
        it.guild.remove_bot()
        await asyncio.wait_for(refused.wait(), 30)
        monkeypatch.setattr(store, "_execute", execute)
        assert await deletes_one(looks)
        assert await stored_keys(it.home) == []


def watched_looks(patch: pytest.MonkeyPatch) -> asyncio.Queue[int]:
    """How many tokens each check for departed servers deletes, when it ends."""
    looks, look = asyncio.Queue[int](), Accounts.delete_servers

    async def watched(self: Accounts, has_left: Callable[[int], bool]) -> int:
        deleted = await look(self, has_left)
        looks.put_nowait(deleted)
        return deleted

    patch.setattr(Accounts, "delete_servers", watched)
    return looks


async def deletes_one(looks: asyncio.Queue[int]) -> bool:
    """Wait for a check that deletes something; returns whether that is one token."""
    async with asyncio.timeout(60):
        while not (deleted := await looks.get()):
            pass
    return deleted == 1


async def stored_keys(home: Home) -> list[str]:
    return [record.key for record in await home.jobs.store.accounts.after("")]


async def test_a_job_has_the_member_s_account_else_the_server_s_and_an_automation_the_server_s(
    tmp_path: Path,
) -> None:
    async with lab(tmp_path) as it:
        await it.set(it.ada, READ)
        await it.set(it.mod, SERVERS, "token server set")
        of_job = it.home.jobs.accounts.of_job  # type: ignore[union-attr]
        assert (await of_job(job(it.ada, it.guild))).token == READ
        assert (await of_job(job(it.ada, None))).token == READ
        assert (await of_job(job(it.mod, it.guild))).token == SERVERS
        assert await of_job(job(it.mod, None)) == NO_ACCOUNT
        assert (await of_job(job(it.ada, it.guild, automation="a1"))).token == SERVERS
        # The page's visitors choose their own names.
        page = Job("0" * 12, job(it.ada, None).endpoint, Requester(str(it.ada.id), "you"), {})
        assert await of_job(page) == NO_ACCOUNT


async def test_a_changed_secret_key_is_told_and_an_added_one_takes_over(tmp_path: Path) -> None:
    async with lab(tmp_path, OLD_KEY) as it:
        people = {"ada": it.ada.id}
        await it.set(it.ada, READ)
        # Not the server's: the next members differ, and a departed server loses its tokens.
        await it.set(it.mod, SERVERS)
        keys = user_key(it.ada.id), user_key(it.mod.id)
    async with lab(tmp_path, KEY) as it:
        accounts = it.home.jobs.accounts
        assert accounts
        record = await accounts.find(keys[0])
        assert record
        assert not accounts.is_readable(record)
        with pytest.raises(HubTokenRefused, match="Set it again with `/token set`"):
            await accounts.choose(str(people["ada"]), None)
        # A job that does not need the token runs all the same.
        assert await accounts.get(keys[1]) == NO_ACCOUNT
    async with lab(tmp_path, KEY, OLD_KEY) as it:
        accounts = it.home.jobs.accounts
        assert accounts
        assert accounts._resealing
        await accounts._resealing
        assert (await accounts.get(keys[0])).token == READ
    async with lab(tmp_path, KEY) as it:
        accounts = it.home.jobs.accounts
        assert accounts
        assert (await accounts.get(keys[0])).token == READ
        assert (await accounts.get(keys[1])).token == SERVERS


async def test_a_row_put_in_another_s_place_does_not_open(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        await it.set(it.mod, SERVERS)
        store, accounts = it.home.jobs.store.accounts, it.home.jobs.accounts
        record = await store.get(user_key(it.mod.id))
        assert record
        assert accounts
        await store.put(replace(record, key=user_key(it.ada.id)))
        with pytest.raises(HubTokenRefused):
            await accounts.choose(str(it.ada.id), None)


async def test_no_option_takes_a_token(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        with pytest.raises((NotSendable, AssertionError)):
            await it.ada.command("token set", token=READ, channel=it.channel)


def test_the_log_hides_what_looks_like_a_token() -> None:
    formatter = logs.RedactingFormatter([])
    assert READ not in formatter.redact(f"Authorization: Bearer {READ}, and so on")
