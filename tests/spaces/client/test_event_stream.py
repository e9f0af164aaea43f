"""Watching a job: the event stream of a real HTTP server, message by message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from spacebot.engine import job_text
from spacebot.errors import QuotaExceeded, SignInNeeded, SpaceBusy, SpaceRaised, SpaceStopped
from spacebot.models import JobStage, Progress
from spacebot.spaces.client.transport import event_stream as module
from spacebot.spaces.client.transport.event_stream import (
    MAX_TEXT_LENGTH,
    MAX_UNIT_LENGTH,
    EventStream,
    MessageReader,
    progress_of,
)
from spacebot.spaces.client.transport.network import Network
from spacebot.spaces.client.transport.updates import Partial, Result, Toast, Update
from tests.support.listening import listening

DONE = {"msg": "process_completed", "success": True, "output": {"data": ["hi"]}}
CLOSE = {"msg": "close_stream"}
Script = Sequence[dict[str, Any] | float | bytes]


@asynccontextmanager
async def streaming(script: Script) -> AsyncIterator[Callable[..., Awaitable[EventStream]]]:
    """A server that plays `script`: messages, raw bytes, pauses in seconds."""

    async def play(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for step in script:
            if isinstance(step, int | float):
                await asyncio.sleep(step)
            elif isinstance(step, bytes):
                await response.write(step)
            else:
                message = {"event_id": "mine", **step}
                await response.write(f"data: {json.dumps(message)}\n\n".encode())
        return response

    app = web.Application()
    app.router.add_get("/queue/data", play)
    async with Network() as network, listening(app) as root:
        yield partial(EventStream.open, network, f"{root}/queue/data", session="s", headers={})


async def follow(stream: EventStream) -> list[Update]:
    """Everything that a stream yields."""
    try:
        return [update async for update in stream.updates(MessageReader("mine"))]
    finally:
        stream.close()


async def followed(*script: dict[str, Any] | float | bytes, silence: float = 5) -> list[Update]:
    """Everything that a script yields."""
    async with streaming(script) as opened:
        return await follow(await opened(silence=silence))


async def test_a_job_goes_from_queue_to_result():
    estimation = {"msg": "estimation", "rank": 1, "queue_size": 3, "rank_eta": 7.5}
    starts = {"msg": "process_starts", "eta": 4.0}
    assert await followed(estimation, {"msg": "heartbeat"}, starts, DONE, CLOSE) == [
        Progress(JobStage.QUEUED, rank=2, size=3, eta=7.5),
        Progress(JobStage.RUNNING, eta=4.0),
        Result(["hi"]),
    ]


async def test_another_jobs_messages_are_passed_over():
    other = {**DONE, "event_id": "theirs", "output": {"data": ["not mine"]}}
    assert await followed(other, DONE) == [Result(["hi"])]


async def test_progress_is_told():
    unit = {"index": 3, "length": 12, "unit": "steps", "progress": None, "desc": "Denoising"}
    (progress, _) = await followed({"msg": "progress", "progress_data": [unit]}, DONE)
    assert progress == Progress(
        JobStage.RUNNING, fraction=0.25, step=3, steps=12, unit="steps", note="Denoising"
    )
    assert await followed({"msg": "progress", "progress_data": []}, DONE) == [Result(["hi"])]


@pytest.mark.parametrize(
    ("unit", "fraction"),
    [({"progress": 1.7}, 1.0), ({"progress": -1}, 0.0), ({"index": 2, "length": None}, None)],
)
def test_progress_stays_within_its_bounds(unit, fraction):
    assert progress_of(unit).fraction == fraction


async def test_a_unit_and_a_note_of_any_length_are_cut():
    unit = {"index": 1, "length": 2, "unit": "u" * 5_000, "desc": "n" * 50_000}
    (progress, _) = await followed({"msg": "progress", "progress_data": [unit]}, DONE)
    assert isinstance(progress, Progress)
    assert (len(progress.unit), len(progress.note)) == (MAX_UNIT_LENGTH, MAX_TEXT_LENGTH)
    assert job_text.progress_line(progress).count("u") < MAX_UNIT_LENGTH
    assert len(job_text.progress_line(progress)) < 1_000


async def test_a_toast_is_told():
    log = {"msg": "log", "log": "Careful!", "level": "warning"}
    assert await followed(log, DONE) == [Toast("Careful!", "warning"), Result(["hi"])]


async def test_partial_results_are_put_together_from_diffs():
    first = {"msg": "process_generating", "success": True, "output": {"data": ["one", 1]}}
    diff = [[["append", [], " two"]], [["replace", [], 2]]]
    second = {"msg": "process_generating", "success": True, "output": {"data": diff}}
    assert await followed(first, second, DONE) == [
        Partial(["one", 1]),
        Partial(["one two", 2]),
        Result(["hi"]),
    ]


async def test_what_a_last_step_skips_stays_as_it_was():
    skipped = {"__type__": "update"}
    hidden = {"__type__": "update", "visible": False, "value": None}
    updates = await followed(
        {"msg": "process_generating", "output": {"data": ["whole answer", "bar", "drawn"]}},
        {"msg": "process_completed", "success": True,
         "output": {"data": [skipped, hidden, None]}},
    )  # fmt: skip
    assert updates[-1] == Result(["whole answer", hidden, None])


async def test_an_output_may_appear_in_mid_stream():
    first = {"msg": "process_generating", "success": True, "output": {"data": ["one"]}}
    diff = [[], [["replace", [], "new"]]]
    second = {"msg": "process_generating", "success": True, "output": {"data": diff}}
    updates = await followed(first, second, DONE)
    assert updates[1] == Partial(["one", "new"])


@pytest.mark.parametrize(
    ("output", "error", "text"),
    [
        ({"error": "No cats."}, SpaceRaised, "No cats."),
        ({"error": "'No cats.'"}, SpaceRaised, "No cats."),
        ({"error": "'No' or 'yes'"}, SpaceRaised, "'No' or 'yes'"),
        ({"error": None}, SpaceRaised, ""),
        (
            {"error": "'This action requires a logged in user. Please sign in and retry.'"},
            SignInNeeded,
            "This needs your own sign-in to Hugging Face, which Discord cannot give. "
            "Use it on the Space's own page.",
        ),
        (
            {"error": "You have exceeded your free ZeroGPU quota. Try again in 1:23:45"},
            QuotaExceeded,
            "The bot's GPU quota on Hugging Face is used up, so this cannot run now. "
            "It resets in 1:23:45.",
        ),
        (
            {
                "error": "You have exceeded your ZeroGPU quota (60s requested vs. 0s left). "
                "Try again in 1 day, 0:00:00. Authenticate with a Hugging Face token for more",
                "title": "ZeroGPU quota exceeded",
            },
            QuotaExceeded,
            "The bot's GPU quota on Hugging Face is used up (this needs 60 s), so this cannot run "
            "now. It resets in 1 day, 0:00:00. The bot's owner can raise it by setting "
            "HF_TOKEN.",
        ),
        (
            {"error": "You have exceeded your GPU quota. Try again in 0:05:12 or subscribe to Pro"},
            QuotaExceeded,
            "The bot's GPU quota on Hugging Face is used up, so this cannot run now. "
            "It resets in 0:05:12.",
        ),
        (
            {
                "error": "No GPU was available after 60s. Try re-running outside of examples",
                "title": "ZeroGPU quota exceeded",
            },
            SpaceBusy,
            "Hugging Face had no free GPU for this. Try again in a few minutes.",
        ),
        (
            {"error": "Sorry.", "title": "ZeroGPU quota exceeded"},
            QuotaExceeded,
            "The bot's GPU quota on Hugging Face is used up, so this cannot run now. "
            "It resets within 24 hours.",
        ),
        (
            {
                "error": "You have exceeded your GPU quota (60s requested vs. 56s left). "
                '<a style="color: x" href="https://huggingface.co/join">Create a free account</a> '
                "to get more usage quota.",
                "title": "ZeroGPU quota exceeded",
            },
            QuotaExceeded,
            "The bot's GPU quota on Hugging Face has 56 s left and this needs 60 s, so this cannot "
            "run now. It resets within 24 hours. The bot's owner can raise it by setting "
            "HF_TOKEN.",
        ),
        (
            {
                "error": "The upstream Gradio app has raised an exception: You have exceeded your "
                "free ZeroGPU quota (120s requested vs. 0s left). Try again in 3:10:05"
            },
            QuotaExceeded,
            "The Space's own GPU quota on Hugging Face is used up (this needs 120 s), so this "
            "cannot run now. It resets in 3:10:05. Only the Space's owner can raise it.",
        ),
        (
            {
                "error": "The requested GPU duration (180s) is larger than the maximum allowed",
                "title": "ZeroGPU",
            },
            QuotaExceeded,
            "This asks Hugging Face for 180 s of GPU time at once, which is more than it allows. "
            "Try values that take less time.",
        ),
    ],
)
async def test_a_failure_is_in_the_spaces_words(output, error, text):
    with pytest.raises(error) as caught:
        await followed({"msg": "process_completed", "success": False, "output": output})
    assert str(caught.value) == text


async def test_a_failure_in_mid_stream_ends_the_job():
    broken = {"msg": "process_generating", "success": False, "output": {"error": "Broke."}}
    with pytest.raises(SpaceRaised, match=r"Broke\."):
        await followed(broken)


async def test_a_job_that_the_space_cancelled_is_told():
    with pytest.raises(SpaceRaised, match=r"The Space cancelled this job\."):
        await followed({"msg": "process_completed", "success": True, "output": {}})


@pytest.mark.parametrize(
    "message",
    [
        {"msg": "unexpected_error", "message": "it is over"},
        {"msg": "Server stopped unexpectedly.", "event_id": None},
    ],
)
async def test_a_space_that_stops_is_told(message):
    with pytest.raises(SpaceStopped):
        await followed(message)


async def test_a_stream_that_ends_early_is_a_space_that_stopped():
    with pytest.raises(SpaceStopped):
        await followed({"msg": "process_starts"})


async def test_silence_is_a_timeout():
    with pytest.raises(TimeoutError):
        await followed({"msg": "process_starts"}, 2.0, DONE, silence=0.3)


async def test_heartbeats_are_a_sign_of_life():
    beats: list[Any] = [{"msg": "heartbeat"}, 0.3] * 4
    assert await followed(*beats, DONE, silence=0.8) == [Result(["hi"])]


async def test_a_stream_that_stays_open_does_not_cost_the_result():
    assert await followed(DONE, 3.0, CLOSE) == [Result(["hi"])]


async def test_what_is_unknown_is_passed_over():
    assert await followed({"msg": "something_new"}, b": a comment\n\n", DONE) == [Result(["hi"])]


async def test_messages_may_arrive_in_pieces():
    whole = f"data: {json.dumps({'event_id': 'mine', **DONE, 'x': 'ü'}, ensure_ascii=False)}\n\n"
    pieces = [bytes([byte]) for byte in whole.encode()]
    assert await followed(*pieces) == [Result(["hi"])]


async def test_an_event_stream_of_one_large_message():
    large = {**DONE, "output": {"data": ["x" * 3_000_000]}}
    (result,) = await followed(large)
    assert isinstance(result, Result)
    assert len(result.outputs[0]) == 3_000_000


async def test_a_stream_is_read_to_its_end_after_the_result():
    async with streaming([DONE, 0.05, CLOSE]) as opened:
        stream = await opened(silence=5)
        assert [update async for update in stream.updates(MessageReader("mine"))] == [
            Result(["hi"])
        ]
        assert not stream.has_ended
        await stream.end()
        assert stream.has_ended


async def test_a_stream_that_does_not_end_is_cut(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "STREAM_END_TIMEOUT", 0.05)
    monkeypatch.setattr(module, "DROP_TIMEOUT", 0.01)
    async with streaming([DONE, 60.0, CLOSE]) as opened:
        stream = await opened(silence=5)
        assert [update async for update in stream.updates(MessageReader("mine"))] == [
            Result(["hi"])
        ]
        await stream.end()
        assert not stream.has_ended


async def test_a_silent_space_that_lives_is_waited_for():
    asked = 0

    async def alive() -> bool:
        nonlocal asked
        asked += 1
        return asked < 3

    slow = [{"msg": "process_starts"}, 0.5, DONE]
    async with streaming(slow) as opened:
        assert (await follow(await opened(silence=0.2, alive=alive)))[-1] == Result(["hi"])
    assert asked
    asked = 0
    async with streaming([60.0, DONE]) as opened:
        with pytest.raises(TimeoutError):
            await follow(await opened(silence=0.05, alive=alive))
    assert asked == 3
