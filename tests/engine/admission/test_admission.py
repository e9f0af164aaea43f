"""What a server allows: daily counts, restarts, and rules."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from spacebot.engine.admission import DAY_SECONDS, Admission, Ask, check_access
from spacebot.engine.admission.rules import blocked_word
from spacebot.engine.store import NOBODY, ServerLimits, Store
from spacebot.errors import LimitReached, NotAllowed
from spacebot.models import Requester
from tests.support.postgres import Postgres

Open = Callable[[], Store]
ADA, BEN = Requester("1", "<@1>"), Requester("2", "<@2>")
NOON = 20_000 * DAY_SECONDS + DAY_SECONDS / 2


@pytest.fixture(params=["sqlite", "postgresql"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Returns an unopened store of the same database each time."""
    if request.param == "sqlite":
        return lambda: Store.in_folder(tmp_path)
    server: Postgres = request.getfixturevalue("postgres")
    url = await server.create(f"test-{uuid.uuid4().hex}")
    return lambda: Store(url)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def idle(_: tuple[str, str]) -> int:
    """No job is on a Space."""
    return 0


async def admission_in(store: Store, clock: Clock) -> Admission:
    """The admission control after a start."""
    made = Admission(store, idle, clock=clock)
    await made.load()
    return made


async def start(admission: Admission, ask: Ask) -> str:
    """Admit and store a job; returns its id."""
    job = uuid.uuid4().hex[:12]
    admission.admit(job, ask)
    await admission.write(job)
    return job


async def test_the_count_of_a_day_and_all_limits_outlive_a_restart(opened: Open):
    clock, limits = (
        Clock(),
        {
            "member_jobs": 3,
            "role_jobs": {"77": 5},
            "running": 2,
            "waiting": 4,
            "chat_channels": ("8", "9"),
            "run_access": NOBODY,
            "blocked_members": ("5",),
            "blocked_words": ("a \0 word", "Straße"),
            "log_channel": "10",
            "log_prompts": True,
            "log_maker": "1",
        },
    )
    async with opened() as store:
        first = await admission_in(store, clock)
        await first.change(7, lambda now: replace(now, **limits))
        for _ in range(3):
            await start(first, Ask("7", ADA))
    async with opened() as store:
        again = await admission_in(store, clock)
        kept = again.of(7)
        assert kept.role_jobs == {"77": 5}
        assert (kept.running, kept.waiting, kept.log_channel) == (2, 4, "10")
        assert list(kept.chat_channels) == ["8", "9"]
        assert "Straße" in kept.blocked_words
        with pytest.raises(LimitReached, match="used your 3 jobs for today"):
            await start(again, Ask("7", ADA))
        # Others have their own, and so has another server.
        await start(again, Ask("7", BEN))
        await start(again, Ask("8", ADA))


async def test_the_next_day_begins_with_nothing_used_and_the_refusal_says_when(opened: Open):
    clock = Clock()
    async with opened() as store:
        admission = await admission_in(store, clock)
        await admission.change(7, lambda now: replace(now, member_jobs=1))
        await start(admission, Ask("7", ADA))
        midnight = 20_001 * DAY_SECONDS
        with pytest.raises(LimitReached, match=rf"<t:{midnight}:t> \(<t:{midnight}:R>\)"):
            admission.check(Ask("7", ADA))
        clock.now = midnight
        await start(admission, Ask("7", ADA))
        await admission.trim()
        assert await store.limits.used(20_000) == {}
        assert await store.limits.used(20_001) == {("7", "1"): 1}


async def test_a_job_that_was_sent_nowhere_does_not_count(opened: Open):
    clock = Clock()
    async with opened() as store:
        admission = await admission_in(store, clock)
        await admission.change(7, lambda now: replace(now, member_jobs=1))
        for _ in range(3):
            refused = await start(admission, Ask("7", ADA))
            await admission.ended(refused, counts=False)
            # Reported twice, it is released once.
            await admission.ended(refused, counts=False)
        await admission.ended(await start(admission, Ask("7", ADA)))
        for kept in (admission, await admission_in(store, clock)):
            with pytest.raises(LimitReached):
                kept.check(Ask("7", ADA))


async def test_a_crowd_at_once_gets_no_job_more(opened: Open):
    async with opened() as store:
        admission = await admission_in(store, Clock())
        await admission.change(7, lambda now: replace(now, member_jobs=10))
        asked = [start(admission, Ask("7", ADA)) for _ in range(50)]
        came = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(one, str) for one in came) == 10
        assert await store.limits.used(20_000) == {("7", "1"): 10}


async def test_two_moderators_at_once_undo_nothing_of_each_other(opened: Open):
    async with opened() as store:
        admission = await admission_in(store, Clock())
        await asyncio.gather(
            admission.change(7, lambda now: replace(now, member_jobs=3)),
            admission.change(7, lambda now: replace(now, running=1)),
            admission.change(7, lambda now: replace(now, blocked_members=("5",))),
        )
        (kept,) = await store.limits.all()
        assert (kept.member_jobs, kept.running, list(kept.blocked_members)) == (3, 1, ["5"])


@pytest.fixture
async def admission(tmp_path: Path):
    """The admission control without limits."""
    async with Store.in_folder(tmp_path) as store:
        yield await admission_in(store, Clock())


async def limit(admission: Admission, **changes: object) -> None:
    """Change the limits of server 7."""
    await admission.change(7, lambda now: replace(now, **changes))  # type: ignore[arg-type]


def test_of_several_roles_the_highest_number_counts():
    limits = ServerLimits("7", member_jobs=10, role_jobs={"1": 2, "2": 5})
    given = [limits.jobs_a_day(frozenset(roles)) for roles in ("", "1", "2", "12", "9")]
    assert given == [10, 2, 5, 5, 10]


async def test_direct_messages_have_no_limits(admission: Admission):
    await admission.change("", lambda now: replace(now, member_jobs=1, blocked_members=("1",)))
    for _ in range(3):
        await start(admission, Ask("", ADA, ["anything"]))


async def test_a_comparison_counts_as_many_jobs_as_it_runs(admission: Admission):
    await limit(admission, member_jobs=5)
    await start(admission, Ask("7", ADA, jobs=3))
    with pytest.raises(LimitReached, match="takes 3 jobs, and you have 2 of your 5"):
        admission.check(Ask("7", ADA, jobs=3))
    await start(admission, Ask("7", ADA, jobs=2))


async def test_those_that_wait_are_counted_until_they_end(admission: Admission):
    await limit(admission, waiting=2)
    first, _ = [await start(admission, Ask("7", ADA)) for _ in range(2)]
    with pytest.raises(LimitReached, match="2 of your jobs are waiting in this server"):
        admission.check(Ask("7", ADA))
    await start(admission, Ask("7", BEN))
    await admission.ended(first)
    await start(admission, Ask("7", ADA))


async def test_who_and_where(admission: Admission):
    await limit(admission, blocked_members=("2",), chat_channels=("30",))
    admission.check(Ask("7", ADA, places=("31", "30")))
    admission.check(Ask("7", ADA))
    with pytest.raises(NotAllowed, match=r"do not work in this channel. They do in <#30>."):
        admission.check(Ask("7", ADA, places=("31",)))
    with pytest.raises(NotAllowed, match="do not let you use this bot"):
        admission.check(Ask("7", BEN))


@pytest.mark.parametrize(
    ("word", "text", "is_blocked"),
    [
        ("fox", "A quick FOX.", True),
        ("fox", "a foxglove", False),
        ("fox", "fox", True),
        ("straße", "in der STRASSE", True),
        ("red fox", "a red\n  fox", True),
        ("c++", "I like C++!", True),
        ("fox", "a ｆｏｘ in full width", True),
        (".*", "anything", False),
        ("лиса", "Рыжая ЛИСА", True),
    ],
)
def test_a_blocked_word_is_a_whole_word_however_it_is_written(
    word: str, text: str, is_blocked: bool
):
    assert blocked_word((word,), text) is is_blocked


async def test_a_blocked_word_is_not_repeated(admission: Admission):
    await limit(admission, blocked_words=("fox",))
    with pytest.raises(NotAllowed) as refused:
        admission.check(Ask("7", ADA, ["nothing", "a fox"]))
    assert "fox" not in str(refused.value)


def test_who_may_run_any_space():
    member = Requester("1", "<@1>", roles=frozenset({"77"}))
    check_access(ServerLimits("7"), ADA)
    check_access(ServerLimits("7", run_access="77"), member)
    with pytest.raises(NotAllowed, match="only members with <@&77>"):
        check_access(ServerLimits("7", run_access="77"), ADA)
    with pytest.raises(NotAllowed, match="turned off `/run` and `/find`"):
        check_access(ServerLimits("7", run_access=NOBODY), member)
    with pytest.raises(NotAllowed, match="do not let you"):
        check_access(ServerLimits("7", blocked_members=("1",)), member)


async def test_members_of_servers_without_limits_are_not_counted(opened: Open) -> None:
    async with opened() as store:
        admission = await admission_in(store, Clock())
        for guild in ("7", ""):
            await start(admission, Ask(guild, ADA))
        assert not admission._used
