"""What ended when, and what failed: bounded, without prompts or names."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from spacebot.engine.jobs.metrics import median_and_p95
from spacebot.errors import (
    CannotAnswer,
    EndpointGone,
    QuotaExceeded,
    SignInNeeded,
    SpaceBusy,
    SpaceError,
    SpaceNotFound,
    SpaceRaised,
    SpaceSilent,
    SpaceStopped,
    SpaceUnavailable,
    SpaceUnreadable,
    StoreError,
)
from spacebot.models import HistorySpan, JobEnding, JobFailure

MINUTE_SECONDS, QUARTER_SECONDS = 60.0, 900.0
MINUTES_KEPT, QUARTERS_KEPT = 60, 96
MAX_FAILURES = 50
# Enough for the median and 95th percentile of a span, however many jobs it has.
MAX_SAMPLES = 500

# An error's own text may quote what was asked, so everyone sees only its kind.
FAILURE_KINDS = (
    (SpaceRaised, "The Space's own code raised an error."),
    (QuotaExceeded, "The GPU quota on Hugging Face is used up."),
    (SpaceBusy, "The Space was too busy: its queue was full, or it limits its use."),
    (SpaceSilent, "The Space did not respond in time."),
    (SpaceStopped, "The Space went away while it worked."),
    (SpaceNotFound, "There is no such Space, or it is private."),
    (SpaceUnavailable, "The Space could not be reached."),
    (SignInNeeded, "The function needs a sign-in that Discord cannot provide."),
    (EndpointGone, "The Space no longer has this endpoint."),
    (SpaceUnreadable, "The Space sent something unreadable."),
    (SpaceError, "The Space failed."),
    (CannotAnswer, "The bot is not allowed to write where it should answer."),
    (StoreError, "The bot's database, or the disk under it, failed."),
)
BOT_FAILURE = "Something went wrong in the bot. The log has the details."


@dataclass(slots=True)
class _Bucket:
    number: int
    done: int = 0
    failed: int = 0
    run_seconds: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def span(self, seconds: float) -> HistorySpan:
        median, p95 = median_and_p95(self.run_seconds)
        return HistorySpan(
            at=self.number * seconds,
            done=self.done,
            failed=self.failed,
            median=median,
            p95=p95,
            latency=max(self.latencies) if self.latencies else None,
        )


class TimeSeries:
    """What ended in each of the last `most` spans of `seconds` each."""

    def __init__(self, seconds: float, most: int, clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self._most = most
        self._clock = clock
        self._buckets: deque[_Bucket] = deque(maxlen=most)

    def bucket(self) -> _Bucket:
        """The current span."""
        number = int(self._clock() // self.seconds)
        if not self._buckets or self._buckets[-1].number != number:
            self._buckets.append(_Bucket(number))
        return self._buckets[-1]

    def spans(self) -> tuple[HistorySpan, ...]:
        """All spans up to now, oldest first, including empty ones."""
        last = int(self._clock() // self.seconds)
        kept = {bucket.number: bucket for bucket in self._buckets}
        return tuple(
            kept.get(number, _Bucket(number)).span(self.seconds)
            for number in range(last - self._most + 1, last + 1)
        )


class JobHistory:
    """The last hour by minute, the last day by quarter of an hour, and the last failures."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._began = clock()
        self._hour = TimeSeries(MINUTE_SECONDS, MINUTES_KEPT, clock)
        self._day = TimeSeries(QUARTER_SECONDS, QUARTERS_KEPT, clock)
        self._failures: deque[tuple[JobFailure, str]] = deque(maxlen=MAX_FAILURES)

    def ended(self, ending: JobEnding, *, ran: float) -> None:
        """Count a job that succeeded or failed; the plots show no other endings."""
        for track in (self._hour, self._day):
            bucket = track.bucket()
            bucket.done += ending is JobEnding.DONE
            bucket.failed += ending is JobEnding.FAILED
            if ending is JobEnding.DONE and len(bucket.run_seconds) < MAX_SAMPLES:
                bucket.run_seconds.append(ran)

    def latency(self, seconds: float) -> None:
        """Note the gateway's current latency."""
        for track in (self._hour, self._day):
            track.bucket().latencies.append(seconds)

    def failed(self, command: str, space: str, error: BaseException) -> None:
        """Record why a job failed."""
        said = next(
            (words for kind, words in FAILURE_KINDS if isinstance(error, kind)), BOT_FAILURE
        )
        text = str(error) if said != BOT_FAILURE else type(error).__name__
        self._failures.appendleft((JobFailure(self._clock(), command, space, said), text))

    @property
    def failures(self) -> tuple[JobFailure, ...]:
        """The last failures, newest first, worded for everyone."""
        return tuple(failure for failure, _ in self._failures)

    @property
    def texts(self) -> tuple[tuple[JobFailure, str], ...]:
        """The same with the errors' own texts, for the owner only."""
        return tuple(self._failures)

    def shown(self) -> tuple[tuple[HistorySpan, ...], float]:
        """The spans to show and their length in seconds: of the hour, until the bot has run for
        longer."""
        young = self._clock() - self._began < MINUTE_SECONDS * MINUTES_KEPT
        track = self._hour if young else self._day
        return track.spans(), track.seconds
