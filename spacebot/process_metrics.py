"""Prometheus metrics about this process and its connections, besides those about jobs."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import Protocol, TypeAlias

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from spacebot import __version__
from spacebot.models import BotPhase, BotStatus, ShardStatus

# How often the event loop's delay is measured, in seconds.
LAG_INTERVAL = 1.0
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
BUILD = {
    "version": __version__,
    "python": platform.python_version(),
    "discord_py": version("discord.py"),
    "gradio": version("gradio"),
}


class HasShards(Protocol):
    """A Discord client."""

    def shard_states(self) -> Sequence[ShardStatus]:
        """The state of each shard that it holds."""
        ...


# None while there is no client.
Client: TypeAlias = HasShards | None


class ClientCollector(Collector):
    """Reads the Discord client's state, and each shard's, when the metrics are requested."""

    def __init__(self, status: Callable[[], BotStatus], client: Callable[[], Client]) -> None:
        self._status = status
        self._client = client

    def collect(self) -> Iterator[Metric]:
        """The current metrics."""
        yield InfoMetricFamily("spacebot_build", "The versions that run", BUILD)
        phase = GaugeMetricFamily("spacebot_state", "1 for the bot's state", labels=["state"])
        for one in BotPhase:
            phase.add_metric([one.value], one is self._status().phase)
        yield phase
        up = _by_shard("spacebot_gateway_up", "1 while the shard is connected to Discord")
        latency = _by_shard("spacebot_gateway_latency_seconds", "Discord's answer to a heartbeat")
        servers = _by_shard("spacebot_servers", "Servers that the bot is in")
        client = self._client()
        for shard in client.shard_states() if client else ():
            label = [str(shard.id)]
            up.add_metric(label, shard.is_ready)
            servers.add_metric(label, shard.servers)
            if shard.latency is not None:
                latency.add_metric(label, shard.latency)
        yield from (up, latency, servers)


def _by_shard(name: str, documentation: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, labels=["shard"])


def add_process_metrics(
    registry: CollectorRegistry,
    status: Callable[[], BotStatus],
    client: Callable[[], Client],
) -> None:
    """Add the Discord client, Python, and the process: its memory, CPU time and open files."""
    registry.register(ClientCollector(status, client))
    for kind in (ProcessCollector, PlatformCollector, GCCollector):
        kind(registry=registry)


async def watch_lag(registry: CollectorRegistry) -> None:
    """Measure how late the event loop resumes a sleeping task, until cancelled."""
    name = "spacebot_event_loop_lag_seconds"
    lag = Histogram(
        name, "How late the bot's event loop is", buckets=LAG_BUCKETS, registry=registry
    )
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_INTERVAL
        await asyncio.sleep(LAG_INTERVAL)
        lag.observe(max(0.0, loop.time() - due))
