"""A Space that sends expensive values: how long the loop was blocked, how much memory it took."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from spacebot.engine import job_text
from spacebot.engine.jobs.rendering import RenderPool
from spacebot.errors import SpaceUnreadable
from spacebot.models import Endpoint, File, JobStage, Output, Progress
from spacebot.spaces import outputs
from spacebot.spaces.client.error_mapping import job_error
from tests.faults.conftest import Figures

MIB = 1 << 20
# Nothing may hold the loop for more than 50 ms, which `make hostile` measures. The machines that
# run the tests may be four times as slow.
HANGS = 4 * 0.05
GROWN = 200 * MIB


class Lag:
    """The longest that the event loop was held, in seconds.

    A thread that others keep waiting is late too: what counts is no more than the processor time
    that the loop's own thread took meanwhile.
    """

    worst = 0.0

    async def watch(self) -> None:
        while True:
            began, worked = time.perf_counter(), time.thread_time()
            await asyncio.sleep(0.005)
            late = time.perf_counter() - began - 0.005
            self.worst = max(self.worst, min(late, time.thread_time() - worked))


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[Lag]:
    """Watch the loop during the block."""
    lag = Lag()
    task = asyncio.create_task(lag.watch())
    await asyncio.sleep(0.01)
    try:
        yield lag
        await asyncio.sleep(0.01)  # so that what was held last is seen
    finally:
        task.cancel()


def peak(process: int | str) -> int:
    """A process's peak memory, in bytes."""
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM:"))


def forget_peak() -> None:
    """Reset this process's memory peak."""
    Path("/proc/self/clear_refs").write_text("5")


def picture(path: Path, size: tuple[int, int]) -> File:
    """A picture of one colour: a small file, large when decoded."""
    Image.new("1", size).save(path)
    return File(path.name, path)


def mask(folder: Path) -> dict[str, Any]:
    """A picture with a mask of 100 megapixels."""
    base, huge = picture(folder / "base.png", (500, 500)), folder / "mask.png"
    Image.new("L", (10_000, 10_000)).save(huge)
    return {"image": base, "annotations": [{"image": File("m", huge), "label": "all"}]}


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def hostile_results(folder: Path) -> list[tuple[str, str, Any]]:
    """An expensive value to convert: its name, its component, the value."""
    return [
        ("nested tables", "markdown", "<table><tr><td>" * 1300),
        ("open tags", "html", "<a " * 7000),
        ("maths", "markdown", "$x^2_3$ " * 2500),
        ("nested fractions", "markdown", "$" + "\\frac{" * 160 + "$"),
        ("quoted code", "markdown", "> ```" + "x" * 1990 + "\n> " + "code " * 3000),
        ("nested quotes", "markdown", ">" * 20_000),
        ("100,000 rows", "dataframe", {"headers": ["n"], "data": [[i] for i in range(100_000)]}),
        ("15 MB of JSON", "json", [{"k": "v" * 50, "n": i} for i in range(200_000)]),
        ("15 MB of text", "textbox", "x y " * 4_000_000),
        ("deep JSON", "json", nested(900)),
        ("177 megapixels", "image", picture(folder / "huge.bmp", (13_300, 13_300))),
        ("a mask of 100 megapixels", "annotatedimage", mask(folder)),
    ]


async def test_whatever_a_space_returns_is_converted_in_a_process_that_can_be_ended(
    figures: Figures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here: list[str] = []
    # These convert small results on the event loop.
    monkeypatch.setattr(outputs, "render", lambda *_, **__: here.append("render"))
    monkeypatch.setattr(outputs, "preview", lambda *_, **__: here.append("preview"))
    results = hostile_results(tmp_path)
    workers, most = RenderPool(), 0
    # From here on: making the pictures does not count.
    forget_peak()
    before = peak("self")
    try:
        async with watched() as lag:
            for number, (name, component, value) in enumerate(results):
                endpoint = Endpoint("a/b", "/x", "x", "d", outputs=(Output("Out", component),))
                folder = tmp_path / str(number)
                with contextlib.suppress(SpaceUnreadable):
                    await workers.preview(endpoint, outputs.trim_for_preview([value]), header="H")
                with contextlib.suppress(SpaceUnreadable):
                    assert await workers.render(
                        endpoint, [value], header="H", folder=folder, file_limit=10 * MIB
                    )
                assert lag.worst < HANGS, name
                for worker, _ in workers._idle:
                    most = max(most, peak(worker._process.pid))
        grown = peak("self") - before
    finally:
        workers.close()
    figures.note(
        "Hostile results",
        held=f"{lag.worst * 1000:.0f} ms at most",
        grown=f"{grown // MIB} MiB",
        worker=f"{most // MIB} MiB while kept",
    )
    # A preview of some uses only the end, which is small.
    assert "render" not in here
    assert grown < GROWN


PIECES = ["<a ", "<b>x</b>", "&amp;", "<!--", "<![", "\n", "[", "@everyone"]


@pytest.mark.parametrize("piece", PIECES)
async def test_the_loop_goes_on_whatever_a_space_says_meanwhile(
    figures: Figures, piece: str
) -> None:
    raw = piece * (MIB // len(piece))
    async with watched() as lag:
        for line in (
            job_text.progress_line(Progress(JobStage.RUNNING, note=raw, unit=raw, step=1, steps=2)),
            job_text.describe_failure(job_error({"error": raw})),
            job_text.harmless_line(raw, 120),
        ):
            assert len(line) < 4000
            await asyncio.sleep(0)
    figures.note(f"1 MiB of {piece!r} as note, unit and error", held=f"{lag.worst * 1000:.0f} ms")
    assert lag.worst < HANGS
