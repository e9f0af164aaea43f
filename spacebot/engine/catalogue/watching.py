"""How often the Spaces of the settings are checked."""

from __future__ import annotations

from collections.abc import Iterable

from spacebot.spaces.client import Connection

# How often an answering Space is checked, in seconds. For a Space on the Hub, only the Hub is
# asked: a request to the Space itself would keep it awake.
WATCH_INTERVAL = 60.0
# The seconds between two such requests to the Hub, which allows 500 in 5 minutes for everything.
WATCH_SHARE = 1.5


def watch_interval(connections: Iterable[Connection]) -> float:
    """How long each Space is left alone, in seconds: many share the Hub's limit."""
    on_hub = sum(not one.source.served_at for one in connections)
    return max(WATCH_INTERVAL, WATCH_SHARE * on_hub)
