"""Every call of the store, and how the database answers each: its plan, whether it scans."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from spacebot.engine.store import (
    AccountRecord,
    Automation,
    Conversation,
    JobRecord,
    Preset,
    RecordState,
    ServerLimits,
    ServerSpace,
    Store,
    StoredDescription,
)
from spacebot.models import MessageRef

# The tables that are big for a busy bot.
BIG_TABLES = ("jobs", "favourites", "counted_jobs", "conversations", "space_descriptions",
              "server_spaces")  # fmt: skip
# Indexes of a few rows among many: walking such a one from end to end is quick.
NARROW_INDEXES = ("ix_jobs_unfinished", "ix_jobs_automation", "ix_conversations_going_on",
                  "ix_server_spaces_chats")  # fmt: skip
# What may walk a table: it needs all of it, or stops at the first row that fits.
WALKS = {"answered", "chats.places", "descriptions.trim", "server_spaces.all",
         "server_spaces.totals", "trim"}  # fmt: skip
PARTS = ("automations", "chats", "descriptions", "blocked_spaces", "accounts", "server_spaces",
         "history", "limits", "presets")  # fmt: skip
JOB = JobRecord(
    id="ffffffffffff",
    space="owner/name",
    api_name="/run",
    command="/name",
    user="1",
    mention="<@1>",
    state=RecordState.WAITING,
    arguments={"prompt": "a cat"},
    message_ref=MessageRef(channel=2, guild=3),
)
CHAT = Conversation(
    id="ffffffffffff",
    space="owner/name",
    api_name="/chat",
    command="/chat",
    user="1",
    mention="<@1>",
    channel="2",
    session="f" * 32,
)
AUTOMATION = Automation(
    id="ffffffff",
    guild="3",
    channel="2",
    maker="1",
    kind="reaction",
    setting="x",
    space="owner/name",
    api_name="/run",
    command="/name",
    arguments={},
    answer="reply",
)
ACCOUNT = AccountRecord(key="user:1", name="ada", role="read", maker="1", sealed="x")
PRESET = Preset("user:1", "cat", "Cat", "owner/name", "/run", "/name", {}, False, "1")
ADDED = ServerSpace(id="ffffffffffff", guild="3", name="x", space="owner/name", adder="1")
DESCRIPTION = StoredDescription(b"packed", 1.0)

Call = Callable[[Store], Awaitable[Any]]


def calls(now: float) -> dict[str, Call]:
    """Every public call of the store that asks the database, by its name."""
    old = now - 60 * 86400
    return {
        "add": lambda store: store.add(JOB),
        "mark": lambda store: store.mark(JOB.id, state="done", ended=old),
        "get": lambda store: store.get(JOB.id),
        "at": lambda store: store.at("12345"),
        "answered": lambda store: store.answered(),
        "unfinished": lambda store: store.unfinished(),
        "process_of": lambda store: store.process_of("0" * 12),
        "asked_before": lambda store: store.asked_before("0" * 12),
        "said": lambda store: store.said(CHAT.id),
        "known": lambda store: store.known([JOB.id, CHAT.id], since=old),
        "history.star": lambda store: store.history.star("1", JOB.id),
        "history.stars": lambda store: store.history.stars("1"),
        "history.of": lambda store: store.history.of("1", 3),
        "history.of starred": lambda store: store.history.of("1", None, starred=True),
        "history.unstar": lambda store: store.history.unstar("1", JOB.id),
        "forget": lambda store: store.forget("000000000001"),
        "chats.add": lambda store: store.chats.add(CHAT),
        "chats.get": lambda store: store.chats.get("000000000001"),
        "chats.fresh": lambda store: store.chats.fresh("000000000001"),
        "chats.places": lambda store: store.chats.places(),
        "chats.change": lambda store: store.chats.change(CHAT.id, used=old - 1),
        "chats.choose": lambda store: store.chats.choose("2", ("owner/name", "/chat")),
        "chats.chosen": lambda store: store.chats.chosen(),
        "chats.trim": lambda store: store.chats.trim(older=old),
        "automations.add": lambda store: store.automations.add(AUTOMATION),
        "automations.all": lambda store: store.automations.all(),
        "automations.change": lambda store: store.automations.change(AUTOMATION.id, paused=True),
        "automations.move_on": lambda store: store.automations.move_on(AUTOMATION.id, 1.0, 2.0),
        "automations.recent_runs": lambda store: store.automations.recent_runs(10_000),
        "automations.delete": lambda store: store.automations.delete(AUTOMATION.id),
        "descriptions.put": lambda store: store.descriptions.put("owner/x", "", DESCRIPTION),
        "descriptions.get": lambda store: store.descriptions.get("owner/x", ""),
        "descriptions.touch": lambda store: store.descriptions.touch("owner/x", ""),
        "descriptions.delete": lambda store: store.descriptions.delete("owner/x", ""),
        "descriptions.trim": lambda store: store.descriptions.trim(older=old),
        "blocked_spaces.add": lambda store: store.blocked_spaces.add("owner", ""),
        "blocked_spaces.identify": lambda store: store.blocked_spaces.identify("owner", "id"),
        "blocked_spaces.all": lambda store: store.blocked_spaces.all(),
        "blocked_spaces.delete": lambda store: store.blocked_spaces.delete("owner"),
        "accounts.put": lambda store: store.accounts.put(ACCOUNT),
        "accounts.get": lambda store: store.accounts.get(ACCOUNT.key),
        "accounts.reseal": lambda store: store.accounts.reseal(ACCOUNT, "y"),
        "accounts.after": lambda store: store.accounts.after(""),
        "accounts.delete": lambda store: store.accounts.delete(ACCOUNT.key),
        "server_spaces.add": lambda store: store.server_spaces.add(ADDED, b"{}"),
        "server_spaces.of": lambda store: store.server_spaces.of("3"),
        "server_spaces.find": lambda store: store.server_spaces.find("3", "x"),
        "server_spaces.all": lambda store: store.server_spaces.all(limit=100),
        "server_spaces.using": lambda store: store.server_spaces.using("Owner/Name"),
        "server_spaces.payloads": lambda store: store.server_spaces.payloads("3"),
        "server_spaces.payload": lambda store: store.server_spaces.payload(ADDED.id),
        "server_spaces.totals": lambda store: store.server_spaces.totals(),
        "server_spaces.any_chats": lambda store: store.server_spaces.any_chats(),
        "server_spaces.change": lambda store: store.server_spaces.change(ADDED.id, told=True),
        "server_spaces.note": lambda store: store.server_spaces.note("3", pending=True),
        "server_spaces.registration": lambda store: store.server_spaces.registration("3"),
        "server_spaces.registered": lambda store: store.server_spaces.registered(),
        "server_spaces.delete": lambda store: store.server_spaces.delete(ADDED.id),
        "limits.save": lambda store: store.limits.save(ServerLimits("3", member_jobs=5)),
        "limits.all": lambda store: store.limits.all(),
        "limits.count": lambda store: store.limits.count(JOB.id, "3", "1", int(now // 86400), 1),
        "limits.used": lambda store: store.limits.used(int(now // 86400)),
        "limits.forget": lambda store: store.limits.forget(int(now // 86400) + 1),
        "presets.put": lambda store: store.presets.put(PRESET),
        "presets.of": lambda store: store.presets.of("user:1"),
        "presets.get": lambda store: store.presets.get("user:1", "cat"),
        "presets.servers": lambda store: store.presets.servers(),
        "presets.delete": lambda store: store.presets.delete("user:1", "cat"),
        "presets.delete_all": lambda store: store.presets.delete_all("user:1"),
        "trim": lambda store: store.trim(most=10_000, older=old),
    }


def public_calls(store: Store) -> set[str]:
    """The names of all calls, which `calls` has to cover."""
    own = {"saved", "row", "rows", "write", "execute"}
    found = {name for name in _coroutines(Store) if name not in own}
    for part in PARTS:
        found |= {f"{part}.{name}" for name in _coroutines(type(getattr(store, part)))}
    return found


def _coroutines(cls: type) -> Iterator[str]:
    for name, member in inspect.getmembers(cls, inspect.iscoroutinefunction):
        if not name.startswith("_"):
            del member
            yield name


@dataclass
class Asked:
    """One statement: how often it was sent, how long it took, and its plan."""

    statement: str
    parameters: Any
    seconds: list[float] = field(default_factory=list)
    plan: list[str] = field(default_factory=list)

    @property
    def scans(self) -> list[str]:
        """The lines of its plan that read one of the big tables whole."""
        tables, narrow = "|".join(BIG_TABLES), "|".join(NARROW_INDEXES)
        whole = (
            rf"SCAN ({tables})\b(?! USING (COVERING )?INDEX ({narrow}))|Seq Scan on ({tables})\b"
        )
        return [line for line in self.plan if re.search(whole, line)]


@contextmanager
def recorded(engine: sa.Engine) -> Iterator[dict[str, Asked]]:
    """The statements sent during the block, by their text."""
    asked: dict[str, Asked] = {}
    began: dict[int, float] = {}

    def before(_c: Any, cursor: Any, _s: Any, _p: Any, _x: Any, _m: Any) -> None:
        began[id(cursor)] = time.perf_counter()

    def after(_c: Any, cursor: Any, statement: str, parameters: Any, _x: Any, many: bool) -> None:
        took = time.perf_counter() - began.pop(id(cursor))
        one = parameters[0] if many else parameters
        asked.setdefault(statement, Asked(statement, one)).seconds.append(took)

    listening = (("before_cursor_execute", before), ("after_cursor_execute", after))
    for name, listener in listening:
        event.listen(engine, name, listener)
    try:
        yield asked
    finally:
        for name, listener in listening:
            event.remove(engine, name, listener)


async def explain(store: Store, asked: Asked, *, prefer_indexes: bool = False) -> Asked:
    """The statement with its plan; with `prefer_indexes` that of a big PostgreSQL, if small."""
    sqlite = store._engine.dialect.name == "sqlite"
    how = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
    if asked.statement.lstrip().upper().startswith(("PRAGMA", "EXPLAIN")):
        return asked
    async with store._engine.connect() as connection:
        if prefer_indexes and not sqlite:
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        found = await connection.exec_driver_sql(how + asked.statement, asked.parameters)
        return replace(asked, plan=[str(row[-1]) for row in found])
