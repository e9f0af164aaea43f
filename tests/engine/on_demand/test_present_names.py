"""The present names of hidden Spaces, with as few requests to the Hub as possible."""

from __future__ import annotations

import asyncio
import time

import pytest

from spacebot.concurrency import TaskSet
from spacebot.engine.on_demand import present_names
from spacebot.engine.on_demand.present_names import FAILURE_TTL, NAME_TTL, PresentNames
from spacebot.spaces.client import HubClient
from tests.support.clocks import set_clock
from tests.support.spaces_hub import Hosted, Hub, hub

pytestmark = pytest.mark.asyncio(loop_scope="session")


def renamed(served: Hub, *numbers: int) -> list[str]:
    """Former names of Spaces that were renamed."""
    served.spaces |= {f"Ben/New-{each}": Hosted() for each in numbers}
    served.renamed |= {f"ada/old-{each}": f"Ben/New-{each}" for each in numbers}
    return [f"ada/old-{each}" for each in numbers]


def asked(served: Hub, *names: str) -> list[int]:
    """How often the Hub was asked for each name."""
    return [served.asked(f"/api/spaces/{name}") for name in names]


async def test_every_name_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(present_names, "MAX_ASKED", 2)
    monkeypatch.setattr(present_names, "TIMEOUT", 60)
    ahead = 0.0
    set_clock(monkeypatch, present_names.__name__, monotonic=lambda: time.monotonic() + ahead)
    async with hub() as served:
        names = renamed(served, *range(5))
        found = PresentNames(HubClient(served.api), TaskSet())
        for known in (2, 4, 5, 5):
            assert len(await found.of(names)) == known
        assert await found.of(["ada/old-4", "ada/gone"]) == {"ben/new-4"}
        assert asked(served, *names) == [1] * 5
        # After an hour all are due again, and what was never asked for comes first.
        ahead = NAME_TTL + 1
        late = renamed(served, 7, 8)
        assert {"ben/new-7", "ben/new-8"} <= await found.of([*names, *late])
        assert asked(served, *names) == [1] * 5
        for _ in range(3):
            assert len(await found.of([*names, *late])) == 7
        assert asked(served, *names, *late) == [2] * 5 + [1] * 2


async def test_a_hub_that_fails_is_asked_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(present_names, "TIMEOUT", 60)
    ahead = 0.0
    set_clock(monkeypatch, present_names.__name__, monotonic=lambda: time.monotonic() + ahead)
    async with hub() as served:
        [name] = renamed(served, 1)
        found = PresentNames(HubClient(served.api), TaskSet())
        served.refusals[f"/api/spaces/{name}"] = 500
        assert await asyncio.gather(found.of([name]), found.of([name])) == [set(), set()]
        tries = served.asked(f"/api/spaces/{name}")
        assert await found.of([name]) == set()
        assert asked(served, name) == [tries]
        served.refusals.clear()
        ahead = FAILURE_TTL + 1
        assert await found.of([name]) == {"ben/new-1"}
        # Its last answer holds while it fails again.
        served.refusals[f"/api/spaces/{name}"] = 500
        ahead += NAME_TTL + 1
        assert await found.of([name]) == {"ben/new-1"}
