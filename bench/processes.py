"""Several processes on one database: one dies, all are updated, the database is away for a while.

`python -m bench.processes` starts real app.py processes on a PostgreSQL of its own and a loopback
Discord with 8 shards and 40 servers, which enforces its `max_concurrency`. It prints what became
of everyone who waited, and exits with 1 if anyone waited in vain.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.process import child, free_port, listening
from tests.support.asking import shown
from tests.support.loopback import DiscordServer, User
from tests.support.postgres import Postgres
from tests.support.processes import (
    Processes,
    Typing,
    add_due_automations,
    kill_one,
    outcomes,
    ticks,
    until,
)
from tests.support.sharded import SERVERS, SHARDS, channels_by_shard

# How long Discord waits for an acknowledgement, and between two identifies of a bucket, in seconds.
ACKNOWLEDGE_WITHIN, IDENTIFY_INTERVAL = 3.0, 5.0
# People a server.
PEOPLE = 40
WITHIN = 180.0
# Without those of automations.
ENDED = "SELECT count(*) FROM jobs WHERE state = 'done' AND place ->> 'automation' = ''"


@dataclass
class Proof:
    """The processes under use, and what has been found out so far."""

    them: Processes
    users: list[User]
    asked: argparse.Namespace
    failed: bool = False

    def tell(self, what: str, value: object, *, holds: bool = True) -> None:
        """Print one line, with the load of the machine."""
        self.failed |= not holds
        load = os.getloadavg()[0]
        print(
            f"  {what:44} {value}{'' if holds else '   ✗ FAILED'}   (load {load:.1f})", flush=True
        )


async def automations(proof: Proof) -> None:
    """What was due before the processes ran, and due again later, ran once each in one of them."""
    them, runs = proof.them, Counter[int]()
    for times in (1, 2):
        if times == 2:
            # An update has every process read them again.
            await them.rows("UPDATE automations SET due = $1", time.time() - 10)
            await update(proof)
        with contextlib.suppress(AssertionError):
            await them.server.wait(lambda _, n=times: ticks(them.channels)[n] == SERVERS, 30)
        await asyncio.sleep(3)
        runs = ticks(them.channels)
        proof.tell(f"automations by time, {times} due", dict(runs), holds=runs == {times: SERVERS})


async def _at_rest(them: Processes) -> None:
    """Wait until no shard that moved still renews its session: those share Discord's turns."""
    gateway, last = them.server.gateway, -1
    while gateway.identifies != last:
        last = gateway.identifies
        await asyncio.sleep(3 * IDENTIFY_INTERVAL)


async def death(proof: Proof) -> None:
    """One process is killed with jobs in flight over all shards."""
    them, asked = proof.them, proof.asked
    await _at_rest(them)
    found = await kill_one(them, proof.users, asked.jobs, seconds=asked.seconds, most=WITHIN)
    told = found.outcomes
    turns = -(-found.shards // them.server.gateway.max_concurrency) - 1
    discord = turns * IDENTIFY_INTERVAL
    proof.tell("its shards, jobs in flight there", f"{found.shards}, {found.jobs} of {asked.jobs}")
    proof.tell(
        "shards served again",
        f"after {found.served:.1f} s, {discord:.0f} s of it Discord's turns to identify",
        holds=found.served - discord <= asked.bound,
    )
    proof.tell(
        "jobs taken up by others",
        f"after {found.taken_up:.1f} s",
        holds=found.taken_up <= asked.bound,
    )
    proof.tell("jobs recovered", f"{found.recovered} of {found.jobs}")
    proof.tell("everyone told", f"after {found.told:.1f} s")
    right = told.done + told.lost == asked.jobs and not told.twice
    proof.tell("outcomes", told, holds=right)
    await them.start()
    await them.balanced(WITHIN)


async def update(proof: Proof) -> None:
    """Every process is restarted, one after another, while people type."""
    them, asked = proof.them, proof.asked
    typing = Typing(proof.users, them.channels, asked.rate)
    began, resumed = time.monotonic(), them.server.gateway.resumes
    for program in [*them.programs]:
        await them.stop(program)
        await them.start()
        await them.balanced(WITHIN)
    took, resumed = time.monotonic() - began, them.server.gateway.resumes - resumed
    sent = await typing.end()
    told = await outcomes(sent, them.channels, WITHIN)
    ignored = [one for one in sent if not one.acknowledged]
    late = sorted(one.acknowledged_after or 0.0 for one in sent)
    proof.tell(
        "processes updated",
        f"{len(them.programs)} in {took:.0f} s, {resumed} sessions resumed",
    )
    proof.tell(f"commands at {asked.rate:g} a second", len(sent))
    proof.tell(
        "unanswered",
        f"{len(ignored)}, of which no session heard {sum(not one.heard for one in ignored)}",
        holds=not ignored,
    )
    proof.tell(
        "acknowledged, p99 and last", f"{late[int(0.99 * (len(late) - 1))]:.2f} s, {late[-1]:.2f} s"
    )
    proof.tell("outcomes", told, holds=told.done == len(sent) and not told.twice)


async def outage(proof: Proof) -> None:
    """The database is stopped for a while, with jobs in flight, and started again."""
    them, asked = proof.them, proof.asked
    before = (await them.rows(ENDED))[0][0]
    flying = [
        await user.command("fast sleep", seconds=5, channel=channel)
        for user, channel in zip(proof.users, them.channels, strict=False)
    ]
    shares = await them.shares()
    them.postgres.stop()
    typing = Typing(proof.users, them.channels, asked.rate)
    await asyncio.sleep(asked.outage)
    them.postgres.start()
    back = time.monotonic()
    await asyncio.sleep(2)
    sent = [*flying, *await typing.end()]
    told = await outcomes(sent, them.channels, WITHIN)
    ignored = [one for one in sent if not one.acknowledged]
    proof.tell(f"commands around {asked.outage:g} s without database", len(sent))
    proof.tell("unanswered", len(ignored), holds=not ignored)
    proof.tell("outcomes", told, holds=told.done + told.failed == len(sent) and not told.twice)
    proof.tell("results that say they are not saved yet", told.unsaved)
    words = Counter(
        shown(one).content.splitlines()[-1] for one in sent if "Done in" not in shown(one).content
    )
    for text, count in words.most_common(3):
        proof.tell(f"told instead of a result: {count}", text)

    async def stored() -> bool:
        return (await them.rows(ENDED))[0][0] - before >= told.done

    with contextlib.suppress(TimeoutError):
        await until(stored, WITHIN)
    proof.tell(
        "results stored",
        f"{(await them.rows(ENDED))[0][0] - before} after {time.monotonic() - back:.1f} s",
        holds=await stored(),
    )
    same = await them.shares() == shares
    proof.tell("every process has its shards still", same, holds=same)


PARTS: Mapping[str, Callable[[Proof], Awaitable[None]]] = {
    "automations": automations,
    "death": death,
    "update": update,
    "outage": outage,
}


@contextlib.asynccontextmanager
async def running(asked: argparse.Namespace, concurrency: int) -> AsyncIterator[Proof]:
    """The processes on a Discord that lets so many shards identify at once."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        space = await stack.enter_async_context(served_space())
        postgres = Postgres()
        stack.callback(postgres.close)
        postgres.start()
        url = await postgres.create("proof")
        server = await stack.enter_async_context(DiscordServer())
        users = _crowd(server, concurrency)
        them = Processes(server, folder, postgres, "proof", _settings(asked, space))
        await add_due_automations(url, space, them.channels, users[0])
        began = time.monotonic()
        await stack.enter_async_context(them.running(asked.processes))
        proof = Proof(them, users, asked)
        shares = await them.balanced(WITHIN)
        proof.tell("processes started", f"in {time.monotonic() - began:.0f} s, shards {shares}")
        yield proof
        early = server.gateway.hasty
        proof.tell("identifies that came too early", early, holds=not early)
        logs = [one.log for one in (*them.programs, *them.ended)]
        traces = sum(log.count("Traceback") for log in logs)
        proof.tell("tracebacks in the logs", traces, holds=not traces)


@contextlib.asynccontextmanager
async def served_space() -> AsyncIterator[str]:
    """The address of a Space that runs thousands of jobs at once, in a process of its own."""
    port = free_port()
    async with child("-m", "bench.space", str(port)):
        await listening(port)
        yield f"http://127.0.0.1:{port}"


def _crowd(server: DiscordServer, concurrency: int) -> list[User]:
    """Fill Discord with servers, and people who are in all of them."""
    server.limits.enforced = False
    server.limits.acknowledge_within = ACKNOWLEDGE_WITHIN
    users = [server.add_user(f"user{number}") for number in range(PEOPLE)]
    channels_by_shard(server, *users)
    gateway = server.gateway
    gateway.shards, gateway.max_concurrency = SHARDS, concurrency
    gateway.identify_interval = IDENTIFY_INTERVAL
    return users


def _settings(asked: argparse.Namespace, space: str) -> dict[str, str]:
    return {
        "SPACES": f"fast={space}",
        "STOP_SECONDS": "20",
        "RECOVERY_SECONDS": str(asked.bound),
        # So that jobs also wait.
        "JOBS_PER_SPACE": str(max(1, asked.jobs // asked.processes // 2)),
    }


async def prove(asked: argparse.Namespace) -> bool:
    """Run the parts asked for; whether everything held."""
    failed = False
    for concurrency in asked.concurrency:
        print(f"max_concurrency {concurrency}:", flush=True)
        async with running(asked, concurrency) as proof:
            for part in asked.part or PARTS:
                print(f" {part}", flush=True)
                await PARTS[part](proof)
        failed |= proof.failed
    return not failed


def main() -> None:
    """Prove it with the sizes asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.processes", description=__doc__)
    parser.add_argument("part", nargs="*", choices=[[], *PARTS], default=[])
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--jobs", type=int, default=300, help="in flight when one is killed")
    parser.add_argument("--seconds", type=float, default=10, help="how long each of them takes")
    parser.add_argument("--bound", type=float, default=15, help="RECOVERY_SECONDS")
    parser.add_argument("--rate", type=float, default=20, help="commands a second")
    parser.add_argument("--outage", type=float, default=30, help="seconds without database")
    sys.exit(0 if asyncio.run(prove(parser.parse_args())) else 1)


if __name__ == "__main__":
    main()
