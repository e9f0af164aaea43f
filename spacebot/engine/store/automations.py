"""The automations of servers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from spacebot.engine.store.part import StorePart
from spacebot.engine.store.tables import (
    as_row,
    automations,
    by_key,
    jobs,
    run_by_automation,
)


@dataclass(frozen=True, slots=True)
class Automation:
    """One automation of a server: when `kind` happens, run a command and answer.

    `channel` is the channel that it watches, or posts in if there is nothing to watch; `setting` is
    what its kind needs (an emoji, words, a time). `arguments` are values by option name, with
    placeholders. `answer` is one of `automations.ANSWERS`, and `target` the channel or emoji that
    it goes to. `rate` is the maximum number of runs an hour, `failures` the number of failures in a
    row, `due` the time of the next run in epoch seconds. Ids are Discord's, as text.
    """

    id: str
    guild: str
    channel: str
    maker: str
    kind: str
    setting: str
    space: str
    api_name: str
    command: str
    arguments: Mapping[str, str] = field(repr=False)
    answer: str
    target: str = ""
    rate: int = 60
    paused: bool = False
    problem: str = ""
    failures: int = 0
    due: float | None = None
    created: float = field(default_factory=time.time)


class AutomationStore(StorePart):
    """The automations in the store."""

    async def all(self) -> list[Automation]:
        """Every automation, oldest first."""
        found = await self._rows(sa.select(automations).order_by(automations.c.created))
        return [Automation(**by_key(row, automations)) for row in found]

    async def add(self, automation: Automation) -> None:
        """Add an automation."""
        await self._put(automations, as_row(automation))

    async def change(self, automation: str, **values: Any) -> None:
        """Change columns of an automation."""
        mine = automations.c.id == automation
        await self._execute(automations.update().where(mine).values(**values))

    async def move_on(self, automation: str, due: float, then: float | None) -> bool:
        """Make it due at `then`; False if it is due later than at `due`: another process ran it.

        No other process may pass the same `then`. The writer repeats a commit that was not
        acknowledged, and only by `then` does the repeated statement tell its own row from theirs.
        """
        ours = sa.or_(automations.c.due <= due, automations.c.due == then)
        mine = automations.update().where(automations.c.id == automation, ours)
        return bool(await self._execute(mine.values(due=then)))

    async def delete(self, automation: str) -> None:
        """Delete an automation."""
        await self._execute(automations.delete().where(automations.c.id == automation))

    async def recent_runs(self, most: int) -> list[tuple[str, int | None, float]]:
        """The newest `most` stored jobs of automations, oldest first.

        For each: its automation, the message it answers, and when it began (epoch seconds).
        """
        whose, about = (jobs.c.message_ref[name].as_string() for name in ("automation", "origin"))
        chosen = sa.select(whose.label("whose"), about.label("about"), jobs.c.created)
        newest = chosen.where(run_by_automation).order_by(jobs.c.created.desc()).limit(most)
        return [
            (row.whose, int(row.about) if row.about else None, row.created)
            for row in reversed(await self._rows(newest))
        ]
