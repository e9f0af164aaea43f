"""A Space's outputs are converted outside the event loop, within bounds, or reported."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from spacebot.engine.jobs import rendering
from spacebot.engine.jobs.rendering import RenderPool
from spacebot.engine.jobs.worker_errors import ErrorTail
from spacebot.errors import SpaceUnreadable
from spacebot.models import Endpoint, File, Output, Reply
from spacebot.spaces import outputs
from tests.support.patience import PATIENCE

MARKDOWN = "# Title\n\n" + "A <b>bold</b> word. " * 400


def made(component: str, count: int = 1) -> Endpoint:
    """An endpoint with outputs of one component."""
    return Endpoint("a/b", "/x", "x", "d", outputs=(Output("Out", component),) * count)


@pytest_asyncio.fixture
async def workers() -> AsyncIterator[RenderPool]:
    found = RenderPool()
    yield found
    found.close()


async def rendered(workers: RenderPool, component: str, value: Any, folder: Path) -> list[Reply]:
    return list(
        await workers.render(
            made(component), [value], header="H", folder=folder, file_limit=10 << 20
        )
    )


async def test_a_worker_renders_as_the_bot_itself_does(workers: RenderPool, tmp_path: Path) -> None:
    there = await rendered(workers, "markdown", MARKDOWN, tmp_path / "there")
    here = outputs.render(
        made("markdown"), [MARKDOWN], header="H", folder=tmp_path / "here", file_limit=10 << 20
    )
    assert [one.text for one in there] == [one.text for one in here]
    assert len(workers._idle) == 1


async def test_a_worker_that_ends_as_the_pool_closes_is_still_reaped() -> None:
    workers, held = RenderPool(), threading.Event()
    for _ in range(rendering.MAX_WORKERS):
        workers.pool.submit(held.wait)
    worker = workers._worker()
    workers._end(worker)
    workers.close()
    held.set()
    await asyncio.to_thread(workers.pool.shutdown)
    assert worker._process.stdin
    assert worker._process.stdin.closed


async def test_a_worker_starts_from_any_folder(
    workers: RenderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "Title" in (await rendered(workers, "markdown", MARKDOWN, tmp_path))[0].text


async def test_the_worker_knows_nothing_of_the_settings(
    workers: RenderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a secret")
    await rendered(workers, "markdown", MARKDOWN, tmp_path)
    pid = workers._idle[0][0]._process.pid
    environ = await asyncio.to_thread(Path(f"/proc/{pid}/environ").read_bytes)
    assert b"PATH=" in environ
    assert b"secret" not in environ


async def test_a_conversion_that_takes_too_long_is_ended_and_told(
    workers: RenderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "RESULT_TIMEOUT", 1)
    endless = "<a " * 6000
    with pytest.raises(SpaceUnreadable, match="something unreadable"):
        await workers.render(
            made("markdown", 60), [endless] * 60, header="H", folder=tmp_path, file_limit=1 << 20
        )
    assert not workers._idle
    assert not workers._busy
    # The next conversion is unaffected, however slow the machine.
    monkeypatch.undo()
    assert await rendered(workers, "markdown", MARKDOWN, tmp_path)


async def test_a_worker_that_was_killed_costs_the_next_result_nothing(
    workers: RenderPool, tmp_path: Path
) -> None:
    await rendered(workers, "markdown", MARKDOWN, tmp_path)
    os.kill(workers._idle[0][0]._process.pid, 9)
    workers._idle[0][0]._process.wait()
    assert await rendered(workers, "markdown", MARKDOWN, tmp_path)


async def test_why_a_worker_ended_is_logged_without_what_it_worked_on(
    workers: RenderPool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rendering, "_ENVIRONMENT", {"PYTHONPATH": str(tmp_path)})
    with pytest.raises(SpaceUnreadable):
        await rendered(workers, "markdown", MARKDOWN, tmp_path)
    (logged,) = [one.getMessage() for one in caplog.records if one.name == rendering.log.name]
    assert "ended with code 1; ModuleNotFoundError: No module named 'spacebot'" in logged


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            "raise ValueError('secret')",
            "code 1; ValueError; <string>:5 in <module>; <string>:4 in work",
        ),
        ("import faulthandler, os; faulthandler.enable(); os.abort()", "signal 6; Fatal Python"),
        ("sys.exit('secret')", "code 1"),
    ],
)
def test_a_process_s_errors_are_read_as_it_writes_them_and_told_in_brief(
    code: str, why: str
) -> None:
    # More than a pipe holds: a process whose stderr nobody reads would wait forever.
    script = f"import sys\nsys.stderr.write('secret\\n' * 100_000)\ndef work():\n    {code}\nwork()"
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE) as process:
        said = ErrorTail(process).why_it_ended()
    assert said.startswith(f"the process ended with {why}")
    assert "secret" not in said
    assert len(said) < 300


async def test_a_worker_without_work_ends(
    workers: RenderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "IDLE_TIMEOUT", 0)
    await rendered(workers, "markdown", MARKDOWN, tmp_path)
    deadline = time.monotonic() + 10 * PATIENCE
    while workers._idle:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_cancelled_conversion_ends_its_process(workers: RenderPool, tmp_path: Path) -> None:
    task = asyncio.create_task(rendered(workers, "markdown", MARKDOWN, tmp_path))
    await asyncio.sleep(0)  # to where the worker is asked
    (worker,) = workers._busy
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(worker._process.wait, 10) == -9


async def test_a_worker_that_took_much_memory_is_the_last_for_nobody(
    workers: RenderPool, tmp_path: Path
) -> None:
    for _ in range(2):
        (reply,) = await rendered(workers, "json", [{str(i): i} for i in range(200_000)], tmp_path)
        assert "0" in reply.text
        assert not workers._idle


async def test_what_is_nested_too_deeply_is_told(workers: RenderPool, tmp_path: Path) -> None:
    nested: Any = "x"
    for _ in range(900):
        nested = [nested]
    with pytest.raises(SpaceUnreadable):
        await rendered(workers, "json", nested, tmp_path)


@pytest.mark.parametrize(
    "value",
    [
        "<table><tr><td>" * 1300,
        "$" + "\\frac{" * 160 + "$",
        "$" + "\\sqrt[" * 160 + "$",
        ">" * 5000,
        "- " * 3000,
        "<![" * 300,
    ],
)
async def test_markup_without_end_is_shown_as_it_came(
    workers: RenderPool, tmp_path: Path, value: str
) -> None:
    assert await rendered(workers, "markdown", value, tmp_path)


async def test_a_table_inside_tables_is_shown(workers: RenderPool, tmp_path: Path) -> None:
    inner = "<table><tr><th>name</th></tr><tr><td>Ann</td></tr></table>"
    page = f"<table><tr><td>{inner}</td><td>beside</td></tr></table>"
    (reply,) = await rendered(workers, "html", page, tmp_path)
    assert "```" in reply.text
    assert reply.text.count("Ann") == 1
    assert "beside" in reply.text


def test_a_preview_looks_at_the_end_of_a_long_text_alone() -> None:
    value = outputs.trim_for_preview(
        ["word " * 200_000 + "last", [[1]] * 100_000, {"a": {"b": "c"}}]
    )
    assert value[0].endswith("last")
    assert len(value[0]) < 10_000
    assert len(value[1]) < 100
    assert value[2] == {"a": {"b": "c"}}


def test_pictures_of_too_many_pixels_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.bmp"
    Image.new("1", (15_000, 15_000)).save(path)
    before = Image.Image.load
    read: list[tuple[int, ...]] = []

    def load(self: Image.Image) -> Any:
        read.append(self.size)
        return before(self)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Image.Image, "load", load)
        replies = outputs.render(
            made("image"),
            [File("huge.bmp", path, url="https://a.hf.space/huge.bmp")],
            header="H",
            folder=tmp_path / "made",
            file_limit=1 << 20,
        )
    assert not read
    assert "too large" in replies[0].text
    assert "https://a.hf.space/huge.bmp" in replies[0].text


def test_a_large_photograph_is_read_at_a_smaller_size(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.effect_noise((6000, 5000), 90).save(path, quality=95)
    file = File("photo.jpg", path)
    (reply,) = outputs.render(
        made("image"), [file], header="H", folder=tmp_path / "made", file_limit=4 << 20
    )
    assert reply.files[0].name.endswith(".webp")
    assert reply.files[0].path.stat().st_size <= 4 << 20
    with Image.open(reply.files[0].path) as shown:
        # Encoding all 30 megapixels would take 500 MiB.
        assert 1_000_000 < shown.width * shown.height < 6_100_000


@pytest.mark.parametrize(
    ("page", "linked"),
    [
        ('<iframe src="https://owner-name.hf.space/"></iframe>', False),
        ('<iframe src="http://127.0.0.1:7860/x"></iframe>', False),
        ('<a href="http://localhost:7860/file">here</a>', False),
        ('<iframe src="https://owner-name.hf.space/file=/tmp/map.html"></iframe>', True),
        ('<a href="https://example.org/">here</a>', True),
    ],
)
def test_a_link_to_the_page_itself_or_to_nowhere_is_no_result(
    page: str, linked: bool, tmp_path: Path
) -> None:
    replies = outputs.render(made("html"), [page], header="H", folder=tmp_path, file_limit=10 << 20)
    assert ("://" in replies[0].text) is linked


async def test_a_value_that_a_renderer_stumbles_over_is_told_as_the_spaces(
    workers: RenderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(value: Any, place: Any) -> Any:
        raise RuntimeError

    monkeypatch.setitem(outputs.RENDERERS, "label", stumble)
    with pytest.raises(SpaceUnreadable, match="something unreadable"):
        await rendered(workers, "label", "x", tmp_path)


@pytest.mark.parametrize("breaks", ["deadline", "memory", "depth"])
async def test_files_are_posted_as_they_came_where_converting_fails(
    workers: RenderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    for name, size in (("a.bin", 10), ("b.bin", 2000)):
        (tmp_path / name).write_bytes(b"x" * size)
    files = [File("a.bin", tmp_path / "a.bin"), File("b.bin", tmp_path / "b.bin"), File("c.bin")]
    if breaks == "deadline":
        monkeypatch.setattr(rendering, "RESULT_TIMEOUT", 0)
    other: Any = "x" * 10_000
    if breaks == "memory":
        other = ["<b>" * 50] * 2_000_000
    for _ in range(150 if breaks == "depth" else 0):
        other = [other]
    endpoint = Endpoint("a/b", "/x", "x", "d", outputs=(Output("O", "file"), Output("J", "json")))
    (reply,) = await workers.render(
        endpoint, [files, other], header="H", folder=tmp_path / "made", file_limit=1000
    )
    assert [(one.path.name, one.name) for one in reply.files] == [("a.bin", "a.bin")]
    assert reply.text.startswith("H\n-# The rest of the result could not be shown.")
    assert "b.bin** is too large" in reply.text
    assert "**c.bin**" in reply.text
