"""How often the Spaces that the settings name are looked at."""

from __future__ import annotations

from collections.abc import Iterable

from spacebot.spaces.client import Connection

# Asking whether an answering Space still does. A Space on the Hub is asked of the Hub alone:
# a request to the Space itself would keep it from going to sleep.
WATCH_INTERVAL = 60.0
# The seconds between two such requests to the Hub, which takes 500 in 5 minutes for everything.
WATCH_SHARE = 1.5


def watch_interval(connections: Iterable[Connection]) -> float:
    """How long each Space is left alone, in seconds: many share what the Hub takes."""
    on_hub = sum(not one.source.served_at for one in connections)
    return max(WATCH_INTERVAL, WATCH_SHARE * on_hub)
