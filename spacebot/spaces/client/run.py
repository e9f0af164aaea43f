"""One job on a Space of protocol sse_v1 or later: sent, watched, and recalled if need be."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

import aiohttp

from spacebot.errors import SpacebotError, SpaceError, SpaceStopped, SpaceUnreadable
from spacebot.models import JobStage, Progress
from spacebot.spaces.client.client import QueuedJob, SpaceClient, request_headers
from spacebot.spaces.client.error_mapping import asked_pause, watch_error
from spacebot.spaces.client.legacy.values import mark_files
from spacebot.spaces.client.sessions import SpaceSession
from spacebot.spaces.client.submit import CANCEL_TIMEOUT
from spacebot.spaces.client.transport.event_stream import DROP_TIMEOUT, EventStream, MessageReader
from spacebot.spaces.client.transport.network import Network
from spacebot.spaces.client.transport.pulse import StreamLost
from spacebot.spaces.client.transport.updates import Partial, Result, Update

# Statuses of a Space, or of a proxy before it, that has no capacity for a moment; then the pauses
# between attempts, in seconds, and the longest that it may ask for.
RETRY_STATUSES, RETRY_PAUSES, MAX_RETRY_AFTER = {429, 502, 503, 504}, (1.0, 2.0, 4.0, 8.0), 15.0


class JobWithdrawn(SpaceError):
    """The job was taken out of the Space's queue before it began, as asked."""

    worth_retrying = True
    safe_to_retry = True


class SpaceRun:
    """One job in a Space's queue, watched on the event loop."""

    def __init__(
        self,
        network: Network,
        client: SpaceClient,
        index: int,
        session: SpaceSession,
        *,
        alive: Callable[[], Awaitable[bool]],
    ) -> None:
        self._network = network
        self._client = client
        self._session = session
        self._alive = alive
        self._about = {"fn_index": index, "session_hash": session.name}
        self._queued = self._began = self._ended = self._recalled = False

    async def updates(
        self, job: QueuedJob, *, silence: float, recall: asyncio.Event
    ) -> AsyncGenerator[Update, None]:
        """Yield the job's updates; ends with its `Result`, raises `SpacebotError`.

        An error is `safe_to_retry` if the Space cannot have begun. `recall` takes the job out of
        the Space's queue, which raises `JobWithdrawn`.
        """
        stream: EventStream | None = None
        recalling: asyncio.Task[None] | None = None
        try:
            stream = await self._open(silence)
            recalling = asyncio.create_task(self._recall(recall, stream))
            async for update in stream.updates(self._reading(job)):
                self._note(update)
                yield update
        except SpaceUnreadable:
            # Its further messages are not read, and nobody waits for the job.
            assert stream is not None
            stream.close()
            raise
        except SpacebotError as error:
            self._ended = True
            raise self._told(error) from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise self._told(error) from error
        finally:
            if recalling is not None:
                recalling.cancel()
            await self._leave_stream(job, stream)

    async def _leave_stream(self, job: QueuedJob, stream: EventStream | None) -> None:
        """Stop the job if it has not ended, and leave the session's stream."""
        if not self._began and not self._ended:
            if stream is not None:
                stream.close()
            self._session.leave(self._drop(job, heard=stream is not None))
            return
        if stream is not None:
            # In the background: the session waits for it, the job need not.
            self._session.leave(stream.end()).add_done_callback(stream.close)
        if not self._ended:
            await asyncio.shield(self.cancel(job))

    async def withdraw(self, job: QueuedJob) -> None:
        """Take back a job that was sent and never watched."""
        await self._drop(job, heard=False)

    async def _drop(self, job: QueuedJob, *, heard: bool) -> None:
        """Drop a waiting job, and stop it if it began meanwhile.

        From Gradio 4.2 to 5, a cancel leaves a waiting job in the queue, where it runs at its turn.
        Every version drops the jobs of a session that hangs up, provided that its stream was
        `heard`; every one except 4.19.2 to 4.23, where a middleware ends the stream before Gradio's
        own clean-up: there, nothing a client can do drops a job.
        """
        if not heard and not self._network.http.closed:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                (await self._listen(CANCEL_TIMEOUT)).close()
        await asyncio.sleep(DROP_TIMEOUT)
        if not self._network.http.closed:
            await self.cancel(job)

    async def _open(self, silence: float) -> EventStream:
        """Open the event stream, several times if there is no capacity: that runs nothing twice."""
        pauses = iter(RETRY_PAUSES)
        while True:
            try:
                return await self._listen(silence)
            except aiohttp.ClientResponseError as error:
                pause = max(next(pauses, MAX_RETRY_AFTER + 1), asked_pause(error))
                if error.status not in RETRY_STATUSES or pause > MAX_RETRY_AFTER:
                    raise
                await asyncio.sleep(pause)

    async def _listen(self, silence: float) -> EventStream:
        return await EventStream.open(
            self._network,
            self._client.sse_url,
            session=self._session.name,
            headers=request_headers(self._client),
            silence=silence,
            alive=self._alive,
        )

    def _reading(self, job: QueuedJob) -> MessageReader:
        protocol = self._client.protocol
        # Every version with the last of the protocols marks its files.
        present = list if protocol == "sse_v3" else mark_files
        return MessageReader(job.event_id, diffs=protocol != "sse_v1", present=present)

    def _note(self, update: Update) -> None:
        match update:
            case Result():
                self._ended = True
            case Partial() | Progress(stage=JobStage.RUNNING):
                self._began = True
            case Progress():
                self._queued = True

    def _told(self, error: Exception) -> Exception:
        """What failed while the job was watched → ours, with what is known about its safety."""
        if self._recalled:
            if not self._began:
                return JobWithdrawn()
            error = SpaceStopped()
        ours = watch_error(error)
        # A lost stream may have lost the news that it began.
        heard_all = not isinstance(error, StreamLost)
        if isinstance(ours, SpaceStopped) and heard_all and self._queued and not self._began:
            # A Space's queue ends with its process, and drops everyone who hangs up.
            ours = SpaceStopped("The Space stopped before it started this. Try again.")
            ours.safe_to_retry = True
        return ours

    async def _recall(self, recall: asyncio.Event, stream: EventStream) -> None:
        await recall.wait()
        if not self._began:
            self._recalled = True
            stream.close()

    async def cancel(self, job: QueuedJob) -> None:
        """Stop the job on the Space; a stream stops after its step."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            # Up to Gradio 4.29, it had another name.
            for route in ("cancel", "reset"):
                async with self._network.http.post(
                    self._client.src_prefixed + route,
                    json={**self._about, "event_id": job.event_id},
                    headers=request_headers(self._client),
                    timeout=aiohttp.ClientTimeout(total=CANCEL_TIMEOUT),
                    allow_redirects=False,
                ) as response:
                    if response.status != 404:
                        return
