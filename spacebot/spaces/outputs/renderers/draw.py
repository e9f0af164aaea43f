"""Draws a Vega-Lite chart: the description on standard input, a PNG on standard output.

It runs in its own process, since the chart's description comes from a Space and can
demand any amount of work.
"""

from __future__ import annotations

import contextlib
import sys

import vl_convert

_MAX_CPU_SECONDS = 20
# V8 reserves 570 MiB of this and touches little of it: below 600 MiB no chart at all is drawn.
# A chart of 20,000 points needs all of it, and 200 MiB of real memory.
_MAX_MEMORY_BYTES = 704 << 20


def _limit() -> None:
    """Limit the processor time and the memory, if the system can."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (_MAX_CPU_SECONDS, _MAX_CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_DATA, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))


if __name__ == "__main__":
    _limit()
    sys.stdout.buffer.write(
        vl_convert.vegalite_to_png(sys.stdin.read(), scale=2, allowed_base_urls=[])
    )
