"""Covers a folder of demos, prints what is equal and why the rest is not, and writes JSON."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.coverage.cover import begin, cover


def main() -> None:
    """Cover every selected demo."""
    wanted = arguments()
    demos = sorted(path.parent for path in wanted.folder.glob("*/run.py"))
    demos = [demo for demo in demos if not wanted.only or demo.name in wanted.only]
    began, covered = time.monotonic(), []
    with ProcessPoolExecutor(
        wanted.at_once,
        mp_context=get_context("spawn"),
        initializer=begin,
        initargs=(wanted.python,),
    ) as pool:
        for done in as_completed([pool.submit(cover, demo) for demo in demos]):
            covered.append(done.result())
            covered.sort(key=lambda demo: demo["name"])
            # After each demo, so that an interrupted run has written what it found.
            wanted.json.write_text(json.dumps(covered, indent=1, ensure_ascii=False), "utf-8")
            print(f"\r{len(covered)} of {len(demos)} ", end="", file=sys.stderr, flush=True)
    print("\r", end="", file=sys.stderr)
    print("\n".join(table(covered, time.monotonic() - began)))


def arguments() -> argparse.Namespace:
    """The command line's arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.coverage", description=__doc__)
    parser.add_argument("folder", type=Path, help="the demos, each a folder with a run.py")
    parser.add_argument("--only", nargs="*", default=[], help="names of demos")
    parser.add_argument("--at-once", type=int, default=2, help="demos side by side")
    parser.add_argument(
        "--python", default=sys.executable, help="a Python with the demos' own libraries"
    )
    parser.add_argument(
        "--json", type=Path, default=Path("coverage-demos.json"), help="where details go"
    )
    return parser.parse_args()


def table(covered: Sequence[dict[str, Any]], seconds: float) -> Iterable[str]:
    """The figures, and the reasons in groups."""
    started = [demo for demo in covered if not demo["problem"]]
    yield f"{len(started)} of {len(covered)} demos start and have an API ({seconds:.0f} s)"
    yield from reasons((demo["problem"], demo["name"]) for demo in covered if demo["problem"])
    calls = [(demo["name"], call) for demo in started for call in demo["endpoints"]]
    failed = [(c["failed"], f"{name}{c['api_name']}") for name, c in calls if c["failed"]]
    yield f"\n{len(calls)} endpoints; a direct call cannot call {len(failed)}:"
    yield from reasons(failed)
    able = [(name, call) for name, call in calls if not call["failed"]]
    for title, part in (
        ("with a command", [pair for pair in able if not pair[1]["excluded"]]),
        ("left out, asked for by name", [pair for pair in able if pair[1]["excluded"]]),
        ("all that a direct call can call", able),
    ):
        equal = sum(not call["why"] for _, call in part)
        share = 100 * equal / len(part) if part else 100
        again = sum(call["random"] for _, call in part)
        yield f"\n{title}: {equal} of {len(part)} equal ({share:.1f} %), {again} of them random"
    yield "\nNot equal:"
    yield from reasons((c["why"], f"{name}{c['api_name']}") for name, c in able if c["why"])
    yield "\nGive no command:"
    yield from reasons(
        (c["excluded"], f"{name}{c['api_name']}") for name, c in able if c["excluded"]
    )


def reasons(found: Iterable[tuple[str, str]]) -> Iterable[str]:
    """Each reason, how often it occurs, and a few of its cases."""
    pairs = list(found)
    for reason, count in Counter(reason for reason, _ in pairs).most_common():
        cases = [case for why, case in pairs if why == reason]
        more = f" and {len(cases) - 4} more" if len(cases) > 4 else ""
        yield f"  {count:4}  {reason.splitlines()[0][:140]}  ({', '.join(cases[:4])}{more})"


if __name__ == "__main__":
    main()
