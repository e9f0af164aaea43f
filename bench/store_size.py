"""How the store does with a million ended jobs: the plan and the time of every statement.

`python -m bench.store_size` fills a SQLite file and a PostgreSQL of its own, calls all there
is, and prints what took long, what reads a big table whole, and how long a trim locks.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
import time
from collections.abc import Collection

import sqlalchemy as sa

from spacebot.engine.store import Store
from tests.support.postgres import Postgres
from tests.support.store_calls import Asked, Call, calls, explain, recorded

# One number n a row.
SQLITE_NUMBERS = (
    "WITH RECURSIVE numbers(n) AS "
    "(SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}) {insert} FROM numbers"
)
POSTGRES_NUMBERS = "{insert} FROM generate_series({first}, {last}) AS numbers(n)"
# Jobs of the last 50 days by 20,000 members, a tenth of them questions of conversations.
FILL = {
    "jobs": """INSERT INTO jobs (id, space, api_name, command, "user", mention, state, given,
        place, result, created, ended, message, chat, turn)
        SELECT {id}, 'owner/space-' || (n % 300), '/run', '/run', 'user-' || (n % 20000),
        '<@1>', CASE WHEN n % 50 = 0 THEN 'failed' ELSE 'done' END,
        {j}'{{"prompt": "a cat", "seed": 5}}'{e}, {j}'{{"guild": ' || (n % 2000) || ',
        "channel": 5, "message": 7, "automation": "' || CASE WHEN n % 5000 = 0 THEN 'a1' ELSE '' END
        || '", "origin": null, "token": "{long}"}}'{e}, {j}'["{long}"]'{e},
        {now} - ({jobs} - n) * 4.32, {now} - ({jobs} - n) * 4.32 + 2, CAST(n AS TEXT),
        CASE WHEN n % 10 = 0 THEN {chat} END, CASE WHEN n % 10 = 0 THEN {j}
        '{{"name": "ada", "text": "hello", "files": [], "answer": "hi"}}'{e} END""",
    "conversations": """INSERT INTO conversations (id, space, api_name, command, "user", mention,
        channel, guild, addressed, open, session, given, history, answer, created, used, ended)
        SELECT {id}, 'owner/space', '/chat', '/chat', 'user-' || (n % 20000), '<@1>',
        CAST(n AS TEXT), CAST(n % 2000 AS TEXT), {false}, {false}, 'x', {j}'{{}}'{e},
        {j}'["{long}"]'{e}, {j}'[]'{e}, {now}, {now} - 100 * n,
        CASE WHEN n % 10 > 0 THEN {now} END""",
    "favourites": """INSERT INTO favourites ("user", job, created)
        SELECT 'user-' || (n * 100 % 20000), {job}, {now}""",
    "counted_jobs": """INSERT INTO counted_jobs (guild, "user", day, job, jobs)
        SELECT CAST(n % 2000 AS TEXT), 'user-' || (n / 3), {day} - n % 5, {id}, 1""",
    "server_spaces": """INSERT INTO server_spaces (id, guild, name, space, adder, description,
        answer, nsfw, paused, title, chats, problem, told, read, created, payload)
        SELECT {id}, CAST(n % 2000 AS TEXT), 'c' || n, 'owner/space-' || (n % 3000), '1', '', '',
        {false}, {false}, 't', {false}, '', {false}, {now}, {now}, {bytes}""",
    "space_descriptions": """INSERT INTO space_descriptions (space, account, packed, read, used)
        SELECT 'owner/d-' || n, '', {bytes}, {now}, {now} - n * 100""",
    "presets": """INSERT INTO presets (owner, key, name, space, api_name, command, given, nsfw,
        maker, created) SELECT 'user:' || (n % 5000), 'p' || n, 'p', 'owner/x', '/run', '/run',
        {j}'{{}}'{e}, {false}, '1', {now}""",
}
ROWS = {"conversations": 50_000, "favourites": 10_000, "counted_jobs": 300_000,
        "server_spaces": 10_000, "space_descriptions": 5_000, "presets": 20_000}  # fmt: skip
# Fewer than the store's time limit of a statement would notice.
STEP = 50_000
SLOW = 0.1
# Of the jobs, so many remain after a trim.
KEPT, DAY = 0.85, 86_400


async def fill(store: Store, jobs: int, now: float, tables: Collection[str] = FILL.keys()) -> None:
    """Fill tables by statements of the database itself."""
    sqlite = store._engine.dialect.name == "sqlite"
    numbers = SQLITE_NUMBERS if sqlite else POSTGRES_NUMBERS
    identity = "printf('%012x', {})" if sqlite else "lpad(to_hex({}), 12, '0')"
    words = {
        "now": now, "jobs": jobs, "day": int(now // 86400), "long": "x" * 150,
        "id": identity.format("n"), "job": identity.format("n * 97"),
        "chat": identity.format("n % 50000"), "false": "0" if sqlite else "false",
        "bytes": "zeroblob(8000)" if sqlite else "decode(repeat('61', 8000), 'hex')",
        "j": "" if sqlite else "CAST(", "e": "" if sqlite else " AS JSON)",
    }  # fmt: skip
    for table in tables:
        insert = FILL[table]
        most = ROWS.get(table, jobs)
        for first in range(1, most + 1, STEP):
            last = min(first + STEP - 1, most)
            made = numbers.format(insert=insert.format(**words), first=first, last=last)
            async with store._engine.begin() as connection:
                await connection.execute(sa.text(re.sub(r":(?!=)", r"\:", made)))
    if not sqlite:
        async with store._engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.exec_driver_sql("VACUUM ANALYZE")


class Waits:
    """How long writes of one row wait for the rest of the program, each 5 ms after the last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.longest, self.count = 0.0, 0

    async def run(self) -> None:
        """Write until it is cancelled."""
        engine = self._store._engine
        same = sa.text("UPDATE jobs SET state = state WHERE id = 'ffffffffffff'")
        while True:
            began = time.perf_counter()
            async with engine.begin() as connection:
                await connection.execute(same)
            self.longest = max(self.longest, time.perf_counter() - began)
            self.count += 1
            await asyncio.sleep(0.005)


async def look(store: Store, jobs: int, now: float) -> None:
    """Call all there is, and print what the database did for each."""
    most = int(KEPT * jobs)
    trim: Call = lambda store: store.trim(most=most, older=now - 60 * DAY)  # noqa: E731
    for name, call in {**calls(now), "trim": trim}.items():
        waits = Waits(store)
        writing = asyncio.create_task(waits.run()) if name.endswith(("trim", "forget")) else None
        began = time.perf_counter()
        with recorded(store._engine.sync_engine) as asked:
            result = await call(store)
        took = time.perf_counter() - began
        if writing:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        size = len(result) if isinstance(result, list | set | dict) else ""
        print(f"{name:28} {took * 1000:9.1f} ms  {size}")
        if writing:
            print(f"    a write beside it waits {waits.longest * 1000:.0f} ms ({waits.count})")
        for one in asked.values():
            await _show(store, one)


async def _show(store: Store, asked: Asked) -> None:
    longest = max(asked.seconds)
    text = " ".join(asked.statement.split())
    # The waiting writes are timed above.
    if text.startswith(("PRAGMA", "BEGIN", "COMMIT", "UPDATE jobs SET state = state")):
        return
    found = await explain(store, asked)
    if longest > SLOW or found.scans:
        print(f"    {longest * 1000:.0f} ms at most, {len(asked.seconds)} times: {text[:300]}")
        for line in found.plan:
            print(f"        {line}")


async def measure(url: str, jobs: int) -> None:
    """Fill one database, and look at it."""
    now = time.time()
    async with Store(url) as store:
        began = time.perf_counter()
        await fill(store, jobs, now)
        print(f"{store._engine.dialect.name}: filled in {time.perf_counter() - began:.0f} s")
        await look(store, jobs, now)


async def main() -> None:
    """Measure both databases, or the one named."""
    parser = argparse.ArgumentParser(prog="python -m bench.store_size", description=__doc__)
    parser.add_argument("database", nargs="*", choices=[[], "sqlite", "postgresql"], default=[])
    parser.add_argument("--jobs", type=int, default=1_000_000)
    asked = parser.parse_args()
    named = asked.database or ["sqlite", "postgresql"]
    if "sqlite" in named:
        with tempfile.TemporaryDirectory() as folder:
            await measure(f"sqlite+aiosqlite:///{folder}/size.db", asked.jobs)
    if "postgresql" in named:
        server = Postgres()
        try:
            server.start()
            await measure(await server.create("size"), asked.jobs)
        finally:
            server.close()


if __name__ == "__main__":
    asyncio.run(main())
