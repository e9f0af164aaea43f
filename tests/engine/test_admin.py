"""What the page shows to everyone and to the owner: history, plots, log, paused commands."""

from __future__ import annotations

import html
import logging
from pathlib import Path

import pytest

from spacebot import log
from spacebot.engine.jobs.history import BOT_FAILURE, MINUTES_KEPT, QUARTERS_KEPT, JobHistory
from spacebot.engine.jobs.pauses import PausedEndpoints
from spacebot.errors import LimitReached, SpaceRaised
from spacebot.models import Endpoint, HistorySpan, JobEnding
from spacebot.web.plots import history_plots, round_up


class Clock:
    """A time that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_the_history_is_counted_by_spans() -> None:
    clock = Clock()
    history = JobHistory(clock)
    for ran in (1.0, 2.0, 9.0):
        history.ended(JobEnding.DONE, ran=ran)
    history.ended(JobEnding.FAILED, ran=0.0)
    for ending in (JobEnding.CANCELLED, JobEnding.REJECTED, JobEnding.LOST):
        history.ended(ending, ran=1.0)
    clock.now += 120
    history.ended(JobEnding.DONE, ran=4.0)
    history.latency(0.05)
    spans, seconds = history.shown()
    assert (len(spans), seconds) == (MINUTES_KEPT, 60.0)
    assert (spans[-3].done, spans[-3].failed, spans[-3].median) == (3, 1, 2.0)
    assert (spans[-2].done, spans[-2].median) == (0, None)
    assert (spans[-1].done, spans[-1].latency) == (1, 0.05)
    clock.now += 3600
    spans, seconds = history.shown()
    assert (len(spans), seconds) == (QUARTERS_KEPT, 900.0)
    assert sum(span.done for span in spans) == 4
    clock.now += 86_400
    assert sum(span.done for span in history.shown()[0]) == 0


def test_failures_are_told_to_all_without_their_texts() -> None:
    history = JobHistory(Clock())
    history.failed("/a", "o/s", SpaceRaised("a prompt"))
    history.failed("/a", "o/s", ZeroDivisionError("a prompt"))
    said = [failure.said for failure in history.failures]
    assert said == [BOT_FAILURE, "The Space's own code raised an error."]
    assert [text for _, text in history.texts] == ["ZeroDivisionError", "a prompt"]
    for _ in range(200):
        history.failed("/a", "o/s", SpaceRaised("again"))
    assert len(history.failures) == 50


def test_plots_say_in_words_what_they_show() -> None:
    spans = [HistorySpan(at=place * 60.0) for place in range(60)]
    assert history_plots((), 60) == history_plots(spans, 60) == ()
    spans[3] = HistorySpan(at=180.0, done=2, failed=1, median=1.5, p95=30, latency=0.04)
    spans[9] = HistorySpan(at=540.0, latency=0.06)
    jobs, seconds, latency = history_plots(spans, 60)
    assert jobs.words == "The last hour: 2 jobs done, 1 failed."
    assert "1.5 s" in seconds.words
    assert seconds.top == "50 s"
    assert latency.words == "The last hour: 40 to 60 ms to Discord's gateway."
    for plot in (jobs, seconds, latency):
        assert f'role="img" aria-label="{plot.words}"' in html.unescape(str(plot.svg))


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.03, 0.05), (0.7, 1), (1, 1), (3, 5), (11, 20), (70, 100)]
)
def test_an_axis_ends_at_a_round_number(value: float, top: float) -> None:
    assert round_up(value) == pytest.approx(top)


def test_the_log_is_bounded_and_contains_no_secrets() -> None:
    book = log.LogBuffer(lines=3)
    book.setFormatter(log.RedactingFormatter(["the-secret-token", "the-secret", ""]))
    logger = logging.Logger("test")
    logger.addHandler(book)
    try:
        raise ValueError("with the-secret-token in it")
    except ValueError:
        logger.exception("a failure at https://me:the-secret@host")
    text = book.text()
    assert "Traceback" in text
    assert "the-secret" not in text
    assert text.count(log.MASK) == 3
    for number in range(10):
        logger.error("line %d", number)
    assert [line[-6:] for line in book.text().splitlines()] == ["line 7", "line 8", "line 9"]


def test_a_pause_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "data" / "paused.json"
    endpoint, other = (Endpoint("o/s", api, "name", "") for api in ("/one", "/other"))
    PausedEndpoints(path).set(endpoint, paused=True)
    again = PausedEndpoints(path)
    with pytest.raises(LimitReached, match="paused by the owner"):
        again.check(endpoint)
    again.check(other)
    again.set(endpoint, paused=False)
    PausedEndpoints(path).check(endpoint)
    path.write_text("{]")
    PausedEndpoints(path).check(endpoint)
