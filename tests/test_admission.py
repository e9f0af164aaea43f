"""Admission: whose job goes next, and what is refused, on a clock of the test's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from spacebot.errors import Refused
from spacebot.jobs.admission import FRESH, PROMPT, Admission, Limits, Turn

SPACE, RUN = "owner/name", "/run"


class Clock:
    """A clock that stands until it is moved; then what was put off until then is done."""

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
def admission(clock: Clock) -> Admission:
    return Admission(Limits(), clock=clock, later=clock.later)


def granted(*turns: Turn) -> list[bool]:
    """Who of them is on the Space."""
    return [turn.granted.is_set() for turn in turns]


def enter(admission: Admission, user: str, count: int = 1, endpoint: str = RUN) -> list[Turn]:
    """So many jobs of a user."""
    return [admission.enter(SPACE, endpoint, user) for _ in range(count)]


def test_a_first_job_goes_at_once(admission):
    (turn,) = enter(admission, "ada")
    assert granted(turn) == [True]
    assert admission.counts(SPACE) == (1, 0)
    assert (admission.running, admission.waiting) == (1, 0)


def begin(admission: Admission, clock: Clock, turn: Turn) -> Turn:
    """The Space begins a job at once."""
    assert turn.granted.is_set()
    clock.advance(PROMPT / 2)
    admission.started(turn)
    return turn


def test_a_second_waits_until_the_first_has_begun(admission, clock):
    first, second, third = enter(admission, "ada", 3)
    assert granted(first, second, third) == [True, False, False]
    assert admission.rank(second) == (1, 2)
    assert admission.rank(third) == (2, 2)
    # Nothing is known of this Space yet, so it is tried how many it takes side by side.
    begin(admission, clock, first)
    assert granted(second, third) == [True, False]


def test_a_space_that_starts_each_at_once_gets_them_all(admission, clock):
    for turn in enter(admission, "ada", 10):
        begin(admission, clock, turn)
    assert admission.counts(SPACE) == (10, 0)


def test_a_space_that_is_only_slow_is_not_taken_for_full(admission, clock):
    first, second, third = enter(admission, "ada", 3)
    begin(admission, clock, first)
    clock.advance(5)
    admission.started(second)
    assert granted(third) == [True]


def test_the_width_of_a_space_is_learned_and_grows_old(admission, clock):
    first, second, third, fourth, _ = turns = enter(admission, "ada", 5)
    begin(admission, clock, first)
    assert granted(*turns) == [True, True, False, False, False]
    # The second does not start while the first runs: one at a time is what it takes.
    clock.advance(10)
    admission.leave(first)
    admission.started(second)
    assert granted(third) == [False]
    admission.leave(second)
    begin(admission, clock, third)
    assert granted(fourth) == [False]
    clock.advance(FRESH + 1)
    enter(admission, "ada")
    assert granted(fourth) == [True]


def test_what_stands_in_the_spaces_queue_is_recalled_when_another_user_comes(admission, clock):
    first, second, third = enter(admission, "ada", 3)
    begin(admission, clock, first)
    clock.advance(5)
    (ben,) = enter(admission, "ben")
    assert granted(second, ben) == [True, True]
    assert not second.recalled.is_set()
    clock.advance(PROMPT + 0.01)
    assert second.recalled.is_set()
    admission.back(second)
    assert granted(first, second, third, ben) == [True, False, False, True]
    assert admission.rank(second) == (1, 2)
    admission.leave(first)
    assert granted(second, third, ben) == [True, False, True]
    assert (admission.running, admission.waiting) == (2, 1)


def test_a_space_with_room_for_another_user_recalls_nothing(admission, clock):
    first, second = enter(admission, "ada", 2)
    begin(admission, clock, first)
    begin(admission, clock, *enter(admission, "ben"))
    clock.advance(PROMPT)
    assert not second.recalled.is_set()


def test_another_users_first_job_passes_all_who_wait(admission, clock):
    first, second, *_ = enter(admission, "ada", 50)
    (ben,) = enter(admission, "ben")
    assert granted(first, second, ben) == [True, False, True]
    # While his has not begun, none of hers is tried.
    begin(admission, clock, first)
    assert granted(second) == [False]


def test_turns_go_round_between_users(clock):
    admission = Admission(Limits(per_space=1), clock=clock, later=clock.later)
    ada = enter(admission, "ada", 3)
    ben = enter(admission, "ben", 2)
    (cy,) = enter(admission, "cy")
    assert [admission.rank(turn) for turn in (ada[1], ben[0], cy, ada[2], ben[1])] == [
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
        admission.started(turn)
        admission.leave(turn)
    assert order == ["a1", "a2", "b1", "c1", "a3", "b2"]


def test_leaving_the_line_lets_the_next_one_up(clock):
    admission = Admission(Limits(per_space=1), clock=clock, later=clock.later)
    first, second, third = enter(admission, "ada", 3)
    admission.leave(second)
    assert admission.rank(third) == (1, 1)
    admission.leave(first)
    assert granted(third) == [True]
    admission.leave(third)
    assert (admission.running, admission.waiting) == (0, 0)
    assert admission.counts(SPACE) == (0, 0)


def test_spaces_do_not_wait_for_each_other(clock):
    admission = Admission(Limits(per_space=1), clock=clock, later=clock.later)
    enter(admission, "ada", 2)
    assert admission.enter("owner/other", RUN, "ada").granted.is_set()


def test_too_many_waiting_of_one_user_are_refused(clock):
    admission = Admission(Limits(per_space=1, waiting_per_user=2), clock=clock, later=clock.later)
    enter(admission, "ada", 3)
    with pytest.raises(Refused) as caught:
        enter(admission, "ada")
    assert str(caught.value) == (
        "You have 2 jobs waiting, as many as one person may. Try again when one of them is done."
    )
    enter(admission, "ben")


def test_none_may_wait_where_the_owner_says_so(clock):
    admission = Admission(Limits(waiting_per_user=0), clock=clock, later=clock.later)
    enter(admission, "ada")
    with pytest.raises(Refused):
        enter(admission, "ada")
    assert (admission.running, admission.waiting) == (1, 0)


def test_too_many_in_all_are_refused(clock):
    admission = Admission(Limits(in_all=2), clock=clock, later=clock.later)
    first, _ = enter(admission, "ada"), enter(admission, "ben")
    with pytest.raises(Refused) as caught:
        enter(admission, "cy")
    assert str(caught.value) == (
        "The bot has 2 jobs already, the most it takes. Try again in a few minutes."
    )
    admission.leave(first[0])
    enter(admission, "cy")


def test_a_users_running_jobs_are_bounded(clock):
    admission = Admission(Limits(running_per_user=2), clock=clock, later=clock.later)
    turns = [admission.enter(f"owner/{number}", RUN, "ada") for number in range(3)]
    assert granted(*turns) == [True, True, False]
    (other,) = enter(admission, "ben")
    assert granted(other) == [True]
    admission.leave(turns[0])
    assert granted(turns[2]) == [True]
