"""Everything that runs beside the page: one thread with one event loop.

`Runtime` holds the Spaces, the jobs and the Discord client, and is what the page
sees of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from spacebot import __version__, demo, words
from spacebot.bot import Bot, keep_running
from spacebot.catalogue import Catalogue, command_name
from spacebot.jobs import Jobs
from spacebot.models import BotPhase, BotStatus, Job, Outcome, Progress, Source, Space, Status
from spacebot.settings import Settings
from spacebot.spaces import Network

log = logging.getLogger(__name__)
T = TypeVar("T")

# SIGTERM leaves 10 seconds in all, for this and for the page.
STOP = 8.0
DEMO = "demo"


class Runtime:
    """Runs the Spaces' side and the bot in a background thread.

    A thread that ends is never hidden: `status` says what happened.
    """

    def __init__(self, settings: Settings, sources: Sequence[Source]) -> None:
        self.settings = settings
        self.tryout = settings.offers_tryout
        self.started = time.time()
        self._sources = tuple(sources)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_thread, name="spacebot", daemon=True)
        self._stop = asyncio.Event()
        self._up = threading.Event()
        self._bot: Bot | None = None
        self._bot_status = BotStatus(BotPhase.OFF)
        self._jobs: Jobs | None = None
        self._catalogue: Catalogue | None = None
        self._seen: tuple[float, Status] | None = None
        self._seeing = threading.Lock()

    def start(self) -> None:
        """Start the thread; returns at once."""
        if self.settings.discord_token:
            self._bot_status = BotStatus(BotPhase.CONNECTING)
        self._thread.start()

    def stop(self) -> None:
        """Stop the bot and the jobs, within `STOP` seconds."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(STOP)

    def _run_thread(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._main())
        except Exception:
            log.exception("the background thread ended by a bug")
            self._bot_status = BotStatus(
                BotPhase.FAILED,
                "The bot stopped by a mistake of its own; its log says where. Start it again, and "
                "please report it.",
            )
        finally:
            self._up.set()

    async def _main(self) -> None:
        async with AsyncExitStack() as stack:
            network = await stack.enter_async_context(Network())
            folder = Path(tempfile.mkdtemp(prefix="spacebot-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            sources = self._sources or (await self._serve_demo(stack),)
            self._catalogue = Catalogue(
                sources,
                network,
                folder=self.settings.data_dir,
                token=self.settings.hf_token,
            )
            stack.push_async_callback(self._catalogue.close)
            self._jobs = Jobs(self._catalogue, folder=folder)
            stack.push_async_callback(self._jobs.close)
            await self._catalogue.start()
            self._up.set()
            await self._until_stopped()

    async def _serve_demo(self, stack: AsyncExitStack) -> Source:
        """Serve the embedded Space, where the owner named none."""
        served = await asyncio.to_thread(demo.serve)
        stack.push_async_callback(asyncio.to_thread, served.close)
        return Source(served.url, name=DEMO)

    async def _until_stopped(self) -> None:
        stopped = asyncio.create_task(self._stop.wait())
        bot = asyncio.create_task(self._run_bot())
        await stopped
        bot.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await bot

    async def _run_bot(self) -> None:
        if not self.settings.discord_token:
            return
        assert self._catalogue is not None
        assert self._jobs is not None
        catalogue, jobs = self._catalogue, self._jobs
        await keep_running(
            self.settings.discord_token,
            lambda: Bot(catalogue, jobs, proxy=self.settings.discord_proxy),
            self._tell,
        )

    def _tell(self, bot: Bot | None, status: BotStatus) -> None:
        self._bot, self._bot_status = bot, status

    def status(self) -> Status:
        """How everything stands: of the last second, and from any thread."""
        with self._seeing:
            if self._seen is None or time.monotonic() - self._seen[0] > 0.5:
                self._seen = (time.monotonic(), self._ask_status())
            return self._seen[1]

    def _ask_status(self) -> Status:
        if self._up.is_set() and self._thread.is_alive():
            with contextlib.suppress(TimeoutError):
                return self._submit(self._status()).result(2)
            reason = "The bot does not answer the page: it is too busy, or it hangs."
            return self._basic(BotStatus(BotPhase.FAILED, reason))
        return self._basic(self._bot_status)

    def _basic(self, bot: BotStatus) -> Status:
        return Status(bot=bot, started=self.started, version=__version__)

    async def _status(self) -> Status:
        jobs, catalogue = self._jobs, self._catalogue
        if jobs is None or catalogue is None:
            return self._basic(self._bot_status)
        return replace(
            self._basic(self._bot.state() if self._bot else self._bot_status),
            spaces=catalogue.status(jobs.admission.counts),
            running=jobs.admission.running,
            waiting=jobs.admission.waiting,
            done=jobs.done,
            failed=jobs.failed,
        )

    def spaces(self) -> Sequence[Space]:
        """The Spaces whose commands can be tried."""
        return self._catalogue.spaces if self._catalogue else ()

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def run(self, job: Job) -> AsyncIterator[Progress | Outcome]:
        """Run a job of the try-out, from any event loop; leaving the iteration cancels it."""
        home = asyncio.get_running_loop()
        queue: asyncio.Queue[Progress | Outcome | BaseException] = asyncio.Queue()

        def put(item: Progress | Outcome | BaseException) -> None:
            home.call_soon_threadsafe(queue.put_nowait, item)

        following = self._submit(self._follow(job, put))
        try:
            while True:
                item = await queue.get()
                if isinstance(item, BaseException):
                    raise item
                yield item
                if isinstance(item, Outcome):
                    return
        finally:
            following.cancel()

    async def _follow(self, job: Job, put: Any) -> None:
        assert self._jobs is not None
        running = None
        try:
            header = words.header(job, self._command(job))
            running = self._jobs.start(job, header=lambda: header)
            async for update in running:
                if isinstance(update, Progress):
                    update = replace(update, partial=await self._jobs.preview(running, header))
                put(update)
            # The page copies the files while this waits to be cancelled.
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if running is not None:
                running.cancel()
        except Exception as error:
            put(error)
        finally:
            if running is not None:
                self._jobs.discard(running)

    def _command(self, job: Job) -> str:
        for space in self.spaces():
            if job.endpoint in space.endpoints:
                return command_name(space, job.endpoint)
        return job.endpoint.name
