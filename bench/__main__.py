"""Measure, print the table, and write it as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
from pathlib import Path

from bench.figures import Figure
from bench.process import ROOT
from bench.scenarios import SCENARIOS, measure


def table(figures: list[Figure]) -> str:
    """The figures in columns: ours, the others, the ratio to each, and the target."""
    rows = [("what", "ours", "common", "bare", "÷ common", "÷ bare", "rival", "target", "")]
    rows += [figure.row() for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def commit() -> str:
    """What was measured, as git names it; empty outside of a checkout."""
    asked = ["git", "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return found.stdout.strip()


def main() -> None:
    """Run all scenarios, or those named."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("scenario", nargs="*", choices=[[], *SCENARIOS], default=[])
    parser.add_argument("--json", type=Path, default=ROOT / "bench-results.json")
    asked = parser.parse_args()
    figures = asyncio.run(measure(asked.scenario or list(SCENARIOS)))
    print(table(figures))
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    result = {
        "commit": commit(),
        "machine": machine,
        "figures": [figure.to_json() for figure in figures],
    }
    asked.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
