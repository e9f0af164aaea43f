"""What the owner sees of jobs: counters and timings, without prompts or names."""

from __future__ import annotations

import collections
import math
import statistics
from collections import defaultdict, deque
from collections.abc import Collection
from dataclasses import replace

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from spacebot.models import JobEnding, SpaceStatus

# From an echo to a film.
DURATION_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
MAX_RECENT = 200
# How many Spaces that no setting names are counted separately, and the name for the rest.
MAX_SPACES, OTHERS = 200, "other Spaces"


def median_and_p95(seconds: Collection[float]) -> tuple[float | None, float | None]:
    """The median, and what 95 % stay within; None for both without measurements."""
    if not seconds:
        return None, None
    return statistics.median(seconds), sorted(seconds)[math.ceil(0.95 * len(seconds)) - 1]


class JobMetrics:
    """Counts jobs by Space and by how they ended.

    Members may use any Space: beyond the settings' own (`own`), the first `MAX_SPACES` are counted
    separately, the rest together.
    """

    def __init__(self, own: Collection[str] = ()) -> None:
        self._own = own
        self._others: set[str] = set()
        self.registry = CollectorRegistry()
        self._jobs = Counter(
            "spacebot_jobs", "Jobs that ended", ("space", "outcome"), registry=self.registry
        )
        self._seconds = Histogram(
            "spacebot_job_seconds",
            "Seconds a job waited here, ran on its Space, and took to post",
            ("space", "part"),
            registry=self.registry,
            buckets=DURATION_BUCKETS,
        )
        self.running = Gauge("spacebot_jobs_running", "Jobs on Spaces", registry=self.registry)
        self.waiting = Gauge("spacebot_jobs_waiting", "Jobs in line", registry=self.registry)
        self._ran: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=MAX_RECENT))
        self._counts: collections.Counter[tuple[str, JobEnding]] = collections.Counter()

    def ended(self, space: str, ending: JobEnding) -> None:
        """Count one job."""
        space = self._label(space)
        self._jobs.labels(space, ending.value).inc()
        self._counts[space, ending] += 1

    def took(
        self, space: str, ending: JobEnding, *, waited: float, ran: float, posted: float
    ) -> None:
        """Note how long a job that reached its Space took."""
        space = self._label(space)
        if ending is JobEnding.DONE:
            self._ran[space].append(ran)
        for part, seconds in (("waited", waited), ("ran", ran), ("posted", posted)):
            self._seconds.labels(space, part).observe(seconds)

    def _label(self, space: str) -> str:
        if space in self._own or space in self._others:
            return space
        if len(self._others) >= MAX_SPACES:
            return OTHERS
        self._others.add(space)
        return space

    def count(self, ending: JobEnding) -> int:
        """How many jobs ended this way, on all Spaces."""
        return sum(number for (_, one), number in self._counts.items() if one is ending)

    def with_timings(self, space: SpaceStatus) -> SpaceStatus:
        """A Space's status with the timings of its recent jobs and the counts of done and failed
        ones."""
        median, p95 = median_and_p95(self._ran.get(space.source, ()))
        done, failed = (
            self._counts[space.source, ending] for ending in (JobEnding.DONE, JobEnding.FAILED)
        )
        return replace(space, median=median, p95=p95, done=done, failed=failed)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
