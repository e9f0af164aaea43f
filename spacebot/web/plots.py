"""Plots of the history as inline SVG, each also described in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from spacebot.models import HistorySpan
from spacebot.wording import short_time

# The plots stretch to the page's width, so text and other fixed shapes are HTML around them.
PLOT_WIDTH, PLOT_HEIGHT = 600.0, 100.0
ROUND_NUMBERS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class HistoryPlot:
    """A plot: its title, its description in words, its greatest value as text, and the drawing."""

    title: str
    words: str
    top: str
    svg: Markup
    legend: tuple[tuple[str, str], ...] = ()


def history_plots(history: Sequence[HistorySpan], seconds: float) -> tuple[HistoryPlot, ...]:
    """The plots that have something to show; `seconds` is the length of a span."""
    if not history:
        return ()
    what = "the last hour" if len(history) * seconds <= 3600 else "the last 24 hours"
    found: list[HistoryPlot] = []
    if any(span.done or span.failed for span in history):
        found.append(_jobs(history, what))
    if any(span.median is not None for span in history):
        found.append(_seconds(history, what))
    if sum(span.latency is not None for span in history) > 1:
        found.append(_latency(history, what))
    return tuple(found)


def _jobs(history: Sequence[HistorySpan], what: str) -> HistoryPlot:
    done, failed = sum(span.done for span in history), sum(span.failed for span in history)
    top = round_up(max(span.done + span.failed for span in history))
    step = PLOT_WIDTH / len(history)
    bars: list[str] = []
    for index, span in enumerate(history):
        upper = span.done + span.failed
        bars.append(_bar("done", index * step, step, span.failed / top, upper / top))
        bars.append(_bar("failed", index * step, step, 0, span.failed / top))
    words = f"{what.capitalize()}: {done} {_plural(done, 'job')} done, {failed} failed."
    legend = (("done", "done"), ("failed", "failed"))
    return HistoryPlot("Jobs", words, f"{top:g}", _svg(words, bars), legend)


def _seconds(history: Sequence[HistorySpan], what: str) -> HistoryPlot:
    medians = [span.median for span in history if span.median is not None]
    slowest = max(span.p95 or 0 for span in history)
    top = round_up(slowest)
    words = (
        f"{what.capitalize()}: the median job took {short_time(min(medians))} to "
        f"{short_time(max(medians))}, the slowest {short_time(slowest)}."
    )
    drawn = [
        *_line("p95", history, lambda span: span.p95, top),
        *_line("median", history, lambda span: span.median, top),
    ]
    legend = (("median", "median"), ("p95", "95 % within"))
    return HistoryPlot("Seconds a job takes", words, short_time(top), _svg(words, drawn), legend)


def _latency(history: Sequence[HistorySpan], what: str) -> HistoryPlot:
    found = [span.latency for span in history if span.latency is not None]
    top = round_up(max(found))
    words = (
        f"{what.capitalize()}: {min(found) * 1000:.0f} to {max(found) * 1000:.0f} ms to "
        "Discord's gateway."
    )
    drawn = _line("median", history, lambda span: span.latency, top)
    return HistoryPlot("Gateway latency", words, f"{top * 1000:.0f} ms", _svg(words, drawn))


def round_up(value: float) -> float:
    """The next round number that is at least `value`: 1, 2 or 5 with zeros."""
    if value <= 0:
        return 1.0
    power = 10.0 ** len(str(int(value))) / 10 if value >= 1 else 1.0
    while value < power:
        power /= 10
    return next((unit * power for unit in ROUND_NUMBERS if value <= unit * power), 10 * power)


def _bar(kind: str, x: float, width: float, low: float, high: float) -> str:
    if high <= low:
        return ""
    y, height = PLOT_HEIGHT * (1 - high), PLOT_HEIGHT * (high - low)
    gap = width * 0.15
    return (
        f'<rect class="{kind}" x="{x + gap:.1f}" y="{y:.1f}" '
        f'width="{width - 2 * gap:.1f}" height="{height:.1f}"/>'
    )


def _line(
    kind: str,
    history: Sequence[HistorySpan],
    value: Callable[[HistorySpan], float | None],
    top: float,
) -> list[str]:
    """A line through neighbouring values, broken at gaps; a single value is a dot."""
    step = PLOT_WIDTH / len(history)
    drawn: list[str] = []
    for run in _runs(history, value):
        points = [(step * (place + 0.5), PLOT_HEIGHT * (1 - one / top)) for place, one in run]
        if len(points) == 1:
            ((x, y),) = points
            points = [(x - step * 0.35, y), (x + step * 0.35, y)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn.append(f'<polyline class="{kind}" points="{path}"/>')
    return drawn


def _runs(
    history: Sequence[HistorySpan], value: Callable[[HistorySpan], float | None]
) -> Iterable[list[tuple[int, float]]]:
    placed = enumerate(map(value, history))
    for known, run in groupby(placed, lambda one: one[1] is not None):
        if known:
            yield [(place, one) for place, one in run if one is not None]


def _svg(words: str, drawn: Iterable[str]) -> Markup:
    inside = Markup("").join(Markup(shape) for shape in drawn)
    return Markup(
        '<svg viewBox="0 0 {0:g} {1:g}" preserveAspectRatio="none" role="img" aria-label="{2}">'
        '<path class="grid" d="M0 {3:g}H{0:g}M0 {1:g}H{0:g}M0 0H{0:g}"/>{4}</svg>'
    ).format(PLOT_WIDTH, PLOT_HEIGHT, words, PLOT_HEIGHT / 2, inside)


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
