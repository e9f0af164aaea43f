"""Whose Hugging Face account jobs run with: what reaches the Hub and the Spaces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from spacebot.models import FollowUp, Source
from tests.support.asking import is_final, shown
from tests.support.bot_in_loop import Home, at_home
from tests.support.conversations import answer, opened, spoken
from tests.support.gradio_proxy import before
from tests.support.loopback import Channel, DiscordServer, Guild, Message, User
from tests.support.spaces_hub import TOKEN, Hosted, Hub, HubAccount, hub

KEY = "k" * 40
ADAS, SERVERS = "hf_adaadaadaadaada", "hf_serverserverserver"


@dataclass(frozen=True)
class Lab:
    """A server with a moderator and two members, the bot in it, and a Hub."""

    hub: Hub
    server: DiscordServer
    guild: Guild
    channel: Channel
    mod: User
    ada: User
    ben: User
    home: Home

    async def set(self, user: User, token: str, command: str = "token set") -> None:
        form = await user.command(command, channel=self.channel)
        seen = await user.submit(form, {"Token": token})
        await seen.wait(lambda one: "🔑" in shown(one).content, 15)

    async def run(self, user: User, command: str, **given: Any) -> Message:
        seen = await user.command(command, given, channel=self.channel)
        await seen.wait(is_final, 30)
        return shown(seen)


@asynccontextmanager
async def lab(folder: Path, served: Hub, *sources: Source, **more: Any) -> AsyncIterator[Lab]:
    async with people(served) as make, at_lab(make, folder, *sources, **more) as it:
        yield it


@asynccontextmanager
async def people(served: Hub) -> AsyncIterator[Callable[[Home], Lab]]:
    """A Discord with people, and a function that adds a bot to make a lab."""
    served.accounts[ADAS] = HubAccount("ada-on-hf")
    served.accounts[SERVERS] = HubAccount("lab-on-hf")
    async with DiscordServer(privileged=("message_content",)) as server:
        server.limits.enforced = False
        mod, ada, ben = (server.add_user(name) for name in ("mod", "ada", "ben"))
        guild = server.add_guild("Lab", ada, ben)
        guild.add_member(mod, "manage_guild")
        channel = guild.add_text_channel("art")
        yield lambda home: Lab(served, server, guild, channel, mod, ada, ben, home)


@asynccontextmanager
async def at_lab(
    make: Callable[[Any], Lab], folder: Path, *sources: Source, **more: Any
) -> AsyncIterator[Lab]:
    there = make(None)
    more |= {"hub": there.hub.api, "secret_keys": [KEY]}
    async with at_home(there.server, *sources, folder=folder, **more) as home:
        yield make(home)


def joined(proxy: Any) -> list[str | None]:
    """The authorizations of the jobs that reached a Space, in order."""
    headers = [sent for _, path, sent in proxy.requests if path.endswith("/queue/join")]
    return [sent.get("x-hf-authorization") for sent in headers]


async def test_each_job_reaches_the_space_with_its_own_account(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with hub() as there, before(served("fast")) as proxy:
        there.spaces["owner/name"] = Hosted(proxy.url)
        async with lab(tmp_path, there, Source("owner/name", "/echo", "echo"), token=TOKEN) as it:
            await it.set(it.ada, ADAS)
            await it.run(it.ada, "echo", text="1")
            await it.run(it.ben, "echo", text="2")
            await it.set(it.mod, SERVERS, "token server set")
            await it.run(it.ben, "echo", text="3")
            await it.run(it.ada, "token delete")
            last = await it.run(it.ada, "echo", text="4")
            again = await it.ben.click(last, "Again")
            await again.wait(is_final, 20)
        sent = [one and one.removeprefix("Bearer ") for one in joined(proxy)]
        assert sent == [ADAS, TOKEN, SERVERS, SERVERS, SERVERS]


async def test_no_token_goes_to_an_address_of_its_own(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with hub() as there, before(served("fast")) as proxy:
        async with lab(tmp_path, there, Source(proxy.url, "/echo", "echo")) as it:
            await it.set(it.ada, ADAS)
            message = await it.run(it.ada, "echo", text="hi")
            assert "hi" in message.content
        assert joined(proxy) == [None]
        assert proxy.tokens == set()


async def test_the_owner_s_private_space_stays_with_hf_token(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with hub() as there, before(served("fast")) as proxy:
        there.spaces["owner/name"] = Hosted(proxy.url, private=True)
        async with lab(tmp_path, there, Source("owner/name", "/echo", "echo"), token=TOKEN) as it:
            await it.set(it.ada, ADAS)
            message = await it.run(it.ada, "echo", text="hi")
            assert "hi" in message.content
        assert joined(proxy) == [f"Bearer {TOKEN}"]


async def test_a_replaced_and_a_revoked_token(served: Callable[[str], str], tmp_path: Path) -> None:
    async with hub() as there, before(served("fast")) as proxy:
        there.spaces["owner/name"] = Hosted(proxy.url)
        there.accounts["hf_newernewernewer"] = HubAccount("ada-on-hf")
        async with lab(tmp_path, there, Source("owner/name", "/echo", "echo")) as it:
            for token in (ADAS, "hf_newernewernewer"):
                await it.set(it.ada, token)
                await it.run(it.ada, "echo", text=token[-4:])
            assert joined(proxy) == [f"Bearer {ADAS}", "Bearer hf_newernewernewer"]
            await it.set(it.ada, ADAS)
            del there.accounts[ADAS]
        async with lab(tmp_path / "2", there, Source("owner/name", "/echo", "echo")) as it:
            await it.set(it.ada, ADAS)
            del there.accounts[ADAS]
            message = await it.run(it.ada, "echo", text="hi")
            assert "Hugging Face refused the token that was set here" in message.content


async def test_an_unreadable_token_is_told_to_the_member_before_anything_is_sent(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with hub() as there, before(served("fast")) as proxy:
        there.spaces["owner/name"] = Hosted(proxy.url)
        async with lab(tmp_path, there, Source("owner/name", "/echo", "echo")) as it:
            await it.set(it.ada, ADAS)
            store = it.home.jobs.store.accounts
            (record,) = await store.after("")
            accounts = it.home.jobs.accounts
            assert accounts
            await store.reseal(record, "gAAAAA-broken")
            accounts._known.clear()
            message = await it.run(it.ada, "echo", text="hi")
            assert "Set it again with `/token set`" in message.content
            assert joined(proxy) == []
            await it.run(it.ben, "echo", text="hi")
            assert joined(proxy) == [None]


async def test_sessions_on_a_space_never_mix_accounts(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    """The parrot counts the earlier messages of its session."""
    async with hub() as there, before(served("parrot")) as proxy:
        there.spaces["owner/parrot"] = Hosted(proxy.url)
        async with lab(tmp_path, there, Source("owner/parrot", name="parrot")) as it:
            await it.set(it.ada, ADAS)
            thread = await opened(it.ada, "parrot", it.channel, message="one")
            assert "0 before" in spoken(thread)[-1].content
            it.ada.say("two", channel=thread)
            await answer(thread, "1 before")
            await it.ada.click(spoken(thread)[-1], "Open to all")
            # It is unclear whose account and session that would use.
            it.ben.say("three", channel=thread)
            await answer(thread, "so only they can continue it")
            # Without the token, the session is not continued without an account.
            assert set(joined(proxy)) == {f"Bearer {ADAS}"}


async def test_a_follow_up_goes_on_with_the_account_of_its_session(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    then = (FollowUp("More", "/count", {"step": 1}),)
    source = Source("owner/name", "/count", "count", then=then)
    async with hub() as there, before(served("stateful")) as proxy:
        there.spaces["owner/name"] = Hosted(proxy.url)
        async with lab(tmp_path, there, source) as it:
            await it.set(it.ada, ADAS)
            result = await it.run(it.ada, "count", step=1)
            other = await it.ben.click(result, "More")
            await other.wait(is_final, 20)
            assert "so only they can continue it" in shown(other).content
            mine = await it.ada.click(result, "More")
            await mine.wait(is_final, 20)
            assert "2" in shown(mine).content
            assert set(joined(proxy)) == {f"Bearer {ADAS}"}
            # Again under her follow-up does not get around it.
            again = await it.ben.click(shown(mine), "Again")
            await again.wait(is_final, 20)
            assert "so only they can continue it" in shown(again).content


@pytest.mark.parametrize(
    ("left", "pays", "sent"), [(0, False, False), (40, False, True), (0, True, True)]
)
async def test_a_used_up_quota_is_told_before_a_job_is_sent(
    served: Callable[[str], str], tmp_path: Path, left: int, pays: bool, sent: bool
) -> None:
    async with hub() as there, before(served("fast")) as proxy:
        there.spaces["owner/name"] = Hosted(proxy.url, hardware="zero-a10g")
        async with lab(tmp_path, there, Source("owner/name", "/echo", "echo")) as it:
            quota: dict[str, Any] = {"base": 300, "current": left}
            quota["resetsAt"] = "2030-01-01T00:00:00.000Z"
            if pays:
                quota["overquotaUsed"] = 0
            there.accounts[ADAS].quota = quota
            await it.set(it.ada, ADAS)
            message = await it.run(it.ada, "echo", text="hi")
        assert bool(joined(proxy)) is sent
        told = "Your GPU quota on Hugging Face is used up, so this was not sent."
        assert (told in message.content) is not sent
        assert ("It resets <t:1893456000:R>." in message.content) is not sent


async def test_the_same_job_is_not_sent_again_while_less_is_left_than_it_asked_for(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with hub() as there, before(served("trouble")) as proxy:
        there.spaces["owner/name"] = Hosted(proxy.url, hardware="zero-a10g")
        async with lab(tmp_path, there, Source("owner/name", "/told", "told")) as it:
            there.accounts[ADAS].quota = {"base": 300, "current": 12}
            await it.set(it.ada, ADAS)
            words = "You have exceeded your free ZeroGPU quota (60s requested vs. 12s left)."
            first = await it.run(it.ada, "told", text=words)
            assert (
                "Your GPU quota on Hugging Face has 12 s left and this needs 60 s, so this cannot"
                in (first.content)
            )
            second = await it.run(it.ada, "told", text=words)
            assert "has 12 s left and this needs 60 s, so this was not sent." in second.content
            assert len(joined(proxy)) == 1
            # Other values may request less.
            await it.run(it.ada, "told", text=f"{words} Or not.")
            assert len(joined(proxy)) == 2
            # Without a token of ours, there is no quota to query.
            other = await it.run(it.ben, "told", text=words)
            assert "The bot's GPU quota" in other.content


async def test_an_automation_uses_the_server_s_account_even_if_a_member_triggers_it(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    async with hub() as there, before(served("fast")) as proxy:
        there.spaces["owner/name"] = Hosted(proxy.url)
        async with lab(tmp_path, there, Source("owner/name", "/echo", "echo")) as it:
            await it.set(it.mod, SERVERS, "token server set")
            await it.set(it.ada, ADAS)
            given = {"when": "text", "run": "/echo", "match": "sea"}
            added = await it.mod.command("automation add", given, channel=it.channel)
            await added.wait(lambda one: "✅" in shown(one).content, 10)
            it.ada.say("by the sea", channel=it.channel)
            await it.channel.wait(lambda one: "by the sea" in one.messages[-1].content, 20)
            await it.channel.wait(lambda _: joined(proxy), 20)
        assert joined(proxy) == [f"Bearer {SERVERS}"]


async def test_a_job_resumed_after_a_kill_keeps_its_account(
    served: Callable[[str], str], tmp_path: Path
) -> None:
    source = Source("owner/name", "/sleep", "sleep", repeatable=True)
    async with hub() as there, before(served("fast")) as proxy, people(there) as make:
        there.spaces["owner/name"] = Hosted(proxy.url)
        async with at_lab(make, tmp_path, source, killed=True) as it:
            await it.set(it.ada, ADAS)
            seen = await it.ada.command("sleep", seconds=2, channel=it.channel)
            await it.server.wait(lambda _: joined(proxy), 20)
        async with at_lab(make, tmp_path, source) as it:
            await seen.wait(is_final, 30)
        assert joined(proxy) == [f"Bearer {ADAS}", f"Bearer {ADAS}"]
