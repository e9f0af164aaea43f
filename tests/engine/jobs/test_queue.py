"""Admission: whose job is next, and what is rejected, on the test's own clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from spacebot.engine.jobs.queue import (
    CONCURRENCY_TTL,
    MAX_REMEMBERED,
    MAX_START_DELAY,
    RANK_TTL,
    JobLimits,
    JobQueue,
    QueueTicket,
)
from spacebot.errors import LimitReached

SPACE, RUN = "owner/name", "/run"


class Clock:
    """A clock that stands still until it is moved; then everything due until then runs."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.put_off: list[tuple[float, Callable[[], None]]] = []

    def __call__(self) -> float:
        return self.now

    def later(self, seconds: float, function: Callable[[], None]) -> None:
        self.put_off.append((self.now + seconds, function))

    def advance(self, seconds: float) -> None:
        self.now += seconds
        due = [function for at, function in self.put_off if at <= self.now]
        self.put_off = [(at, function) for at, function in self.put_off if at > self.now]
        for function in due:
            function()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> JobQueue:
    return JobQueue(JobLimits(), clock=clock, later=clock.later)


def granted(*turns: QueueTicket) -> list[bool]:
    """The jobs that run on the Space."""
    return [turn.granted.is_set() for turn in turns]


def enter(queue: JobQueue, user: str, count: int = 1, endpoint: str = RUN) -> list[QueueTicket]:
    """So many jobs of a user."""
    return [queue.enter(SPACE, endpoint, user) for _ in range(count)]


def test_a_first_job_goes_at_once(queue):
    (turn,) = enter(queue, "ada")
    assert granted(turn) == [True]
    assert queue.counts(SPACE) == (1, 0)
    assert (queue.running, queue.waiting) == (1, 0)


def begin(queue: JobQueue, clock: Clock, turn: QueueTicket) -> QueueTicket:
    """The Space starts a job at once."""
    assert turn.granted.is_set()
    clock.advance(MAX_START_DELAY / 2)
    queue.started(turn)
    return turn


def test_a_second_waits_until_the_first_has_begun(queue, clock):
    first, second, third = enter(queue, "ada", 3)
    assert granted(first, second, third) == [True, False, False]
    assert queue.rank(second) == (1, 2)
    assert queue.rank(third) == (2, 2)
    # Nothing is known about this Space yet, so the queue probes how many jobs it runs at once.
    begin(queue, clock, first)
    assert granted(second, third) == [True, False]


def test_a_space_that_starts_each_at_once_gets_them_all(queue, clock):
    for turn in enter(queue, "ada", 10):
        begin(queue, clock, turn)
    assert queue.counts(SPACE) == (10, 0)


def test_a_space_that_is_only_slow_is_not_taken_for_full(queue, clock):
    first, second, third = enter(queue, "ada", 3)
    begin(queue, clock, first)
    clock.advance(5)
    queue.started(second)
    assert granted(third) == [True]


def test_the_width_of_a_space_is_learned_and_grows_old(queue, clock):
    first, second, third, fourth, _ = turns = enter(queue, "ada", 5)
    begin(queue, clock, first)
    assert granted(*turns) == [True, True, False, False, False]
    # The second does not start while the first runs: the Space runs one job at a time.
    clock.advance(10)
    queue.leave(first)
    queue.started(second)
    assert granted(third) == [False]
    queue.leave(second)
    begin(queue, clock, third)
    assert granted(fourth) == [False]
    clock.advance(CONCURRENCY_TTL + 1)
    enter(queue, "ada")
    assert granted(fourth) == [True]


def test_what_stands_in_the_spaces_queue_is_recalled_when_another_user_comes(queue, clock):
    first, second, third = enter(queue, "ada", 3)
    begin(queue, clock, first)
    clock.advance(5)
    (ben,) = enter(queue, "ben")
    assert granted(second, ben) == [True, True]
    assert not second.withdrawn.is_set()
    clock.advance(MAX_START_DELAY + 0.01)
    assert second.withdrawn.is_set()
    queue.back(second)
    assert granted(first, second, third, ben) == [True, False, False, True]
    assert queue.rank(second) == (1, 2)
    queue.leave(first)
    assert granted(second, third, ben) == [True, False, True]
    assert (queue.running, queue.waiting) == (2, 1)


def test_a_space_with_room_for_another_user_recalls_nothing(queue, clock):
    first, second = enter(queue, "ada", 2)
    begin(queue, clock, first)
    begin(queue, clock, *enter(queue, "ben"))
    clock.advance(MAX_START_DELAY)
    assert not second.withdrawn.is_set()


def test_another_users_first_job_passes_all_who_wait(queue, clock):
    first, second, *_ = enter(queue, "ada", 50)
    (ben,) = enter(queue, "ben")
    assert granted(first, second, ben) == [True, False, True]
    # Until his has started, none of hers is sent as a probe.
    begin(queue, clock, first)
    assert granted(second) == [False]


def test_turns_go_round_between_users(clock):
    queue = JobQueue(JobLimits(per_space=1), clock=clock, later=clock.later)
    ada = enter(queue, "ada", 3)
    ben = enter(queue, "ben", 2)
    (cy,) = enter(queue, "cy")
    assert [queue.rank(turn) for turn in (ada[1], ben[0], cy, ada[2], ben[1])] == [
        (1, 5),
        (2, 5),
        (3, 5),
        (4, 5),
        (5, 5),
    ]
    order = []
    waiting = {"a1": ada[0], "a2": ada[1], "a3": ada[2], "b1": ben[0], "b2": ben[1], "c1": cy}
    while waiting:
        name = next(name for name, turn in waiting.items() if turn.granted.is_set())
        order.append(name)
        turn = waiting.pop(name)
        queue.started(turn)
        queue.leave(turn)
    assert order == ["a1", "a2", "b1", "c1", "a3", "b2"]


def test_a_long_line_is_ranked_at_once_for_all(clock, monkeypatch):
    queue = JobQueue(JobLimits(per_space=1), clock=clock, later=clock.later)
    _, *turns = [queue.enter(SPACE, RUN, f"user{number}") for number in range(300)]
    counted, places = [], queue._places
    monkeypatch.setattr(queue, "_places", lambda space: counted.append(space) or places(space))
    assert [queue.rank(turn) for turn in turns] == [(place, 299) for place in range(1, 300)]
    assert len(counted) == 1
    queue.leave(turns[0])
    clock.advance(RANK_TTL + 0.01)
    assert [queue.rank(turn) for turn in turns[1:]] == [(place, 298) for place in range(1, 299)]
    assert len(counted) == 2
    # New jobs are ranked right away, without the whole line.
    first, second = enter(queue, "late", 2)
    assert [queue.rank(first), queue.rank(second)] == [(299, 300), (300, 300)]
    assert queue.rank(*enter(queue, "user5")) == (300, 301)
    assert len(counted) == 2


def test_leaving_the_line_lets_the_next_one_up(clock):
    queue = JobQueue(JobLimits(per_space=1), clock=clock, later=clock.later)
    first, second, third = enter(queue, "ada", 3)
    queue.leave(second)
    assert queue.rank(third) == (1, 1)
    queue.leave(first)
    assert granted(third) == [True]
    queue.leave(third)
    assert (queue.running, queue.waiting) == (0, 0)
    assert queue.counts(SPACE) == (0, 0)


def test_spaces_do_not_wait_for_each_other(clock):
    queue = JobQueue(JobLimits(per_space=1), clock=clock, later=clock.later)
    enter(queue, "ada", 2)
    assert queue.enter("owner/other", RUN, "ada").granted.is_set()


def test_too_many_waiting_of_one_user_are_refused(clock):
    queue = JobQueue(JobLimits(per_space=1, waiting_per_user=2), clock=clock, later=clock.later)
    enter(queue, "ada", 3)
    with pytest.raises(LimitReached) as caught:
        enter(queue, "ada")
    assert str(caught.value) == (
        "You have 2 jobs waiting, the maximum for one person. Try again when one of them is done."
    )
    enter(queue, "ben")


def test_none_may_wait_where_the_owner_says_so(clock):
    queue = JobQueue(JobLimits(waiting_per_user=0), clock=clock, later=clock.later)
    enter(queue, "ada")
    with pytest.raises(LimitReached):
        enter(queue, "ada")
    assert (queue.running, queue.waiting) == (1, 0)


def test_too_many_in_all_are_refused(clock):
    queue = JobQueue(JobLimits(total=2), clock=clock, later=clock.later)
    first, _ = enter(queue, "ada"), enter(queue, "ben")
    with pytest.raises(LimitReached) as caught:
        enter(queue, "cy")
    assert str(caught.value) == (
        "The bot has 2 jobs already, the maximum. Try again in a few minutes."
    )
    queue.leave(first[0])
    enter(queue, "cy")


def test_a_users_running_jobs_are_bounded(clock):
    queue = JobQueue(JobLimits(running_per_user=2), clock=clock, later=clock.later)
    turns = [queue.enter(f"owner/{number}", RUN, "ada") for number in range(3)]
    assert granted(*turns) == [True, True, False]
    (other,) = enter(queue, "ben")
    assert granted(other) == [True]
    queue.leave(turns[0])
    assert granted(turns[2]) == [True]


def test_spaces_that_are_used_once_are_not_remembered_for_ever(queue):
    for number in range(3 * MAX_REMEMBERED):
        queue.leave(queue.enter(f"owner/{number}", RUN, "ada"))
    assert len(queue._widths) <= MAX_REMEMBERED + 1
    assert len(queue._on_space) <= MAX_REMEMBERED + 1
