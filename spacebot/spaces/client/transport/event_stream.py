"""Watching one job of protocol sse_v1 or later on the event loop: one HTTP stream, no thread.

The protocol: after joining, `GET queue/data?session_hash=` answers with events, `data: {json}`,
each ended by an empty line: estimation, process_starts, progress, log, process_generating (a diff
against the last), process_completed, heartbeat (every 15 s), close_stream. Source: gradio's
`routes.py`, gradio_client's `utils.stream_sse_v1plus`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from spacebot.errors import SpaceStopped, SpaceUnreadable
from spacebot.models import JobStage, Progress
from spacebot.spaces.client.error_mapping import job_error
from spacebot.spaces.client.transport.bounded_reading import (
    MAX_INLINE_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_PARSED_BYTES,
    TOO_LARGE,
    chunks,
    read_json,
    weight,
)
from spacebot.spaces.client.transport.diffs import apply_edits
from spacebot.spaces.client.transport.network import Network
from spacebot.spaces.client.transport.pulse import Pulse, StreamLost
from spacebot.spaces.client.transport.skip_limit import SkipLimit
from spacebot.spaces.client.transport.updates import (
    CancelledOnSpace,
    Partial,
    Result,
    Toast,
    Update,
)
from spacebot.spaces.outputs.values import is_update

# How long a Space may take to end a finished job's stream, and to notice that a stream was cut, in
# seconds.
STREAM_END_TIMEOUT, DROP_TIMEOUT = 20.0, 1.0
# How many bytes are read until it ends by itself.
MAX_DRAINED_BYTES = 1 << 20
_BLANK = re.compile(rb"\s*")
# Outputs whose values take more memory are edited in an executor.
MAX_INLINE_WEIGHT = 128 * 1024
# The length at which a Space's text is cut before anything parses it.
MAX_TEXT_LENGTH, MAX_UNIT_LENGTH = 4_000, 40
# Seconds, steps and jobs all stay far below this.
MAX_NUMBER = 10**12


async def read_events(
    network: Network, response: aiohttp.ClientResponse, pulse: Pulse
) -> AsyncIterator[tuple[dict[str, Any], int]]:
    """Read the messages of an event stream and their sizes; raises `SpaceUnreadable`.

    Unreadable messages are skipped, within a `SkipLimit`, unless they are results.
    """
    buffer, searched, skipped, blank = bytearray(), 0, SkipLimit(), 0
    async for chunk in chunks(response):
        pulse.heard()
        buffer += chunk
        blank += _strip(buffer)
        while (end := buffer.find(b"\n\n", searched)) >= 0:
            if end > MAX_INLINE_BYTES:
                # Not copied: what follows it is shorter.
                line, buffer = buffer, buffer[end + 2 :]
                del line[end:]
            else:
                line = buffer[:end]
                del buffer[: end + 2]
            blank += _strip(buffer)
            searched = 0
            message = await _message(network, line)
            if message is not None:
                yield message, end
                continue
            skipped.count()
            await asyncio.sleep(0)
        # Its second half may be the next byte to arrive.
        searched = max(0, len(buffer) - 1)
        if max(len(buffer), blank) > MAX_MESSAGE_BYTES:
            buffer.clear()
            raise SpaceUnreadable(TOO_LARGE)


def _strip(buffer: bytearray) -> int:
    """Drop all blank lines at the beginning in one go; returns how many bytes they were."""
    found = _BLANK.match(buffer)
    end = found.end() if found else 0
    # A buffer that is still matched cannot shrink.
    del found
    del buffer[:end]
    return end


async def _message(network: Network, line: bytearray) -> dict[str, Any] | None:
    head = bytes(line[:MAX_INLINE_BYTES])
    if not head.startswith(b"data:"):
        return None
    del line[: len(b"data:")]
    try:
        message = await read_json(network, line)
    except SpaceUnreadable:
        if b"process_completed" in head:
            raise
        return None
    return message if isinstance(message, dict) else None


class EventStream:
    """The event stream of one session, while one job runs in it."""

    def __init__(
        self,
        network: Network,
        response: aiohttp.ClientResponse,
        *,
        silence: float,
        alive: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._network = network
        self._response = response
        self._silence = silence
        self._alive = alive
        self._pulse = Pulse()
        self._events = read_events(network, response, self._pulse)

    @classmethod
    async def open(
        cls,
        network: Network,
        url: str,
        *,
        session: str,
        headers: Mapping[str, str],
        silence: float,
        alive: Callable[[], Awaitable[bool]] | None = None,
    ) -> EventStream:
        """Open the event stream of a session; raises `aiohttp.ClientError`.

        After `silence` seconds without a message, reading raises `TimeoutError`, unless the Space
        is `alive`: the heartbeat interval is its own setting. If heartbeats arrived and then stop,
        it raises `StreamLost`.
        """
        getting = network.http.get(
            url,
            params={"session_hash": session},
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=None),
            # The headers may contain the owner's token, which goes nowhere else.
            allow_redirects=False,
        )
        async with asyncio.timeout(silence):
            response = await getting
        response.raise_for_status()
        return cls(network, response, silence=silence, alive=alive)

    async def updates(self, reading: MessageReader) -> AsyncGenerator[Update, None]:
        """Yield updates of the job that `reading` is for, ending with its `Result`; raises
        `SpaceError`."""
        while (event := await self._next()) is not None:
            message, size = event
            if message.get("msg") == "heartbeat":
                self._pulse.beat()
            update = await reading.read_in(self._network, message, size)
            if update is not None:
                yield update
            if isinstance(update, Result):
                return
        raise SpaceStopped("the stream ended before the job did")

    async def _next(self) -> tuple[dict[str, Any], int] | None:
        """The next message, or None; raises `TimeoutError` and `StreamLost`."""
        coming = asyncio.ensure_future(anext(self._events, None))
        try:
            while not (await asyncio.wait({coming}, timeout=self._silence))[0]:
                if self._alive is None or not await self._alive():
                    raise TimeoutError("no answer")
                if self._pulse.has_stopped(self._silence):
                    raise StreamLost("the Space lives, and its heartbeats no longer arrive")
        finally:
            if not coming.done():
                coming.cancel()
                await asyncio.wait({coming})
        return coming.result()

    async def end(self) -> None:
        """Read on until the Space ends the stream; if it does not, cut it.

        A Space takes a cut stream for a person who left, and drops everything that the session has
        in its queue by then: the session's next job comes after this. An ended stream gives its
        connection back.
        """
        with contextlib.suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(STREAM_END_TIMEOUT):
                size = 0
                async for chunk in self._response.content.iter_any():
                    size += len(chunk)
                    if size > MAX_DRAINED_BYTES:
                        break
        if not self.has_ended:
            self.close()
            await asyncio.sleep(DROP_TIMEOUT)

    @property
    def has_ended(self) -> bool:
        """Whether the Space ended the stream, and all of it was read."""
        return self._response.content.at_eof()

    def close(self, *_: object) -> None:
        """Cut the stream if it has not ended."""
        self._response.close()


@dataclass
class MessageReader:
    """Turns the messages of one job into updates.

    `diffs` says that each partial result is a change from the last, and not the whole. `present`
    turns outputs into those of a current Gradio. `outputs` is what diffs apply to, `held` what the
    page would show by now. `weight` is the memory that `outputs` took when last measured, and
    `grown` the bytes that arrived since. `skipped` limits the messages that mean nothing.
    """

    event_id: str
    diffs: bool = True
    present: Callable[[list[Any]], list[Any]] = list
    outputs: list[Any] | None = None
    held: list[Any] = field(default_factory=list)
    weight: int = 0
    grown: int = 0
    skipped: SkipLimit = field(default_factory=SkipLimit)

    async def read_in(self, network: Network, message: dict[str, Any], size: int) -> Update | None:
        """Read a message of so many bytes, in an executor if that takes long."""
        self.grown += size
        # On a long output, each edit takes a while.
        if size > MAX_INLINE_BYTES or self.weight > MAX_INLINE_WEIGHT:
            return await network.call(self.read, message)
        return self.read(message)

    def read(self, message: dict[str, Any]) -> Update | None:
        """One message → one update; None for a heartbeat and for what means nothing: another job's
        message, a broken, an empty or an unknown one.

        Raises `SpaceUnreadable` if too many mean nothing.
        """
        # A Space sends heartbeats as often as it likes.
        if message.get("msg") == "heartbeat":
            return None
        update = self._read(message)
        if update is None:
            self.skipped.count()
        return update

    def _read(self, message: dict[str, Any]) -> Update | None:
        kind = message.get("msg")
        if message.get("event_id") not in (None, self.event_id):
            return None
        handler = MESSAGE_READERS.get(kind) if isinstance(kind, str) else None
        try:
            return handler(self, message) if handler else None
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            if kind == "process_completed":
                raise SpaceUnreadable from error
            return None

    def _estimation(self, message: dict[str, Any]) -> Progress:
        rank, size = read_number(message.get("rank")), read_number(message.get("queue_size"))
        return Progress(
            JobStage.QUEUED,
            rank=None if rank is None else int(rank) + 1,
            size=None if size is None else int(size),
            eta=read_number(message.get("rank_eta")),
        )

    def _starts(self, message: dict[str, Any]) -> Progress:
        return Progress(JobStage.RUNNING, eta=read_number(message.get("eta")))

    def _progress(self, message: dict[str, Any]) -> Progress | None:
        units = message.get("progress_data") or []
        return progress_of(units[-1]) if units else None

    def _log(self, message: dict[str, Any]) -> Toast | None:
        text = message.get("log")
        level = str(message.get("level", "info"))[:MAX_UNIT_LENGTH]
        return Toast(str(text)[:MAX_TEXT_LENGTH], level) if text else None

    def _generating(self, message: dict[str, Any]) -> Partial | None:
        output = message.get("output") or {}
        if not message.get("success", True):
            raise job_error(output if isinstance(output, dict) else {})
        data = output.get("data") or []
        if not isinstance(data, list):
            return None
        if self.outputs is None or not self.diffs:
            self.outputs = list(data)
        else:
            # An output can appear mid-stream when the app was reloaded: on the Space, its diff is
            # made against None.
            self.outputs += [None] * (len(data) - len(self.outputs))
            for index, diff in enumerate(data):
                self.outputs[index] = apply_edits(self.outputs[index], diff)
        self._weigh()
        return Partial(self._hold(self.outputs)) if self.outputs else None

    def _weigh(self) -> None:
        """Measure what the diffs have built, now and then; raises `SpaceUnreadable`."""
        if self.grown <= MAX_INLINE_WEIGHT:
            return
        self.weight, self.grown = weight(self.outputs), 0
        if self.weight > MAX_PARSED_BYTES:
            raise SpaceUnreadable(TOO_LARGE)

    def _completed(self, message: dict[str, Any]) -> Result:
        output = message.get("output") or {}
        if not isinstance(output, dict):
            raise SpaceUnreadable
        if not message.get("success", True) or "error" in output:
            raise job_error(output)
        if "data" not in output:
            # A job that another event of the app cancelled ends like this.
            raise CancelledOnSpace("The Space cancelled this job. Try again later.")
        if not isinstance(output["data"], list):
            raise SpaceUnreadable
        return Result(self._hold(output["data"]))

    def _hold(self, values: Sequence[Any]) -> list[Any]:
        """Values as a page shows them: a skipped output (`gr.skip`) stays unchanged."""
        before = [*self.held, *values[len(self.held) :]]
        self.held = [
            old if is_update(value) and "value" not in value else value
            for old, value in zip(before, values, strict=False)
        ]
        return self.present(self.held)

    def _stopped(self, message: dict[str, Any]) -> None:
        raise SpaceStopped(str(message.get("message", "")))


def progress_of(unit: Mapping[str, Any]) -> Progress:
    """One of gr.Progress's units, [index, length, unit, progress, desc] → our terms."""
    index, length = read_number(unit.get("index")), read_number(unit.get("length"))
    fraction = read_number(unit.get("progress"))
    if fraction is None and index is not None and length:
        fraction = index / length
    return Progress(
        JobStage.RUNNING,
        fraction=None if fraction is None else min(1.0, float(fraction)),
        step=index,
        steps=length,
        unit=str(unit.get("unit") or "")[:MAX_UNIT_LENGTH],
        note=str(unit.get("desc") or "")[:MAX_TEXT_LENGTH],
    )


def read_number(value: Any) -> float | None:
    """A Space's number, at least 0; None for anything else, including infinity and NaN."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return max(0, value) if is_one and -MAX_NUMBER < value < MAX_NUMBER else None


MESSAGE_READERS = {
    "estimation": MessageReader._estimation,
    "process_starts": MessageReader._starts,
    "progress": MessageReader._progress,
    "log": MessageReader._log,
    "process_generating": MessageReader._generating,
    "process_streaming": MessageReader._generating,
    "process_completed": MessageReader._completed,
    "unexpected_error": MessageReader._stopped,
    "Server stopped unexpectedly.": MessageReader._stopped,
}
