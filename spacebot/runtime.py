"""Everything that runs beside the page: one thread with one event loop.

`Runtime` holds the Spaces, the jobs and the Discord client, and is the page's view of them.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from spacebot import __version__, collector, demo
from spacebot.concurrency import TaskSet, new_event_loop
from spacebot.discord_bot.client import Bot
from spacebot.discord_bot.compare import COMPARE
from spacebot.discord_bot.gateway.reach import ReachabilityMonitor, reached
from spacebot.discord_bot.supervisor import keep_running
from spacebot.engine.accounts import Accounts, TokenVault
from spacebot.engine.admin import Admin
from spacebot.engine.catalogue import AUTOCOMPLETE_TIMEOUT, make_catalogue, visitors
from spacebot.engine.cluster import Cluster, leave_seconds, open_cluster
from spacebot.engine.follow import Follower
from spacebot.engine.jobs import JobDeadlines, JobLimits, JobManager
from spacebot.engine.on_demand import ServerSpaces
from spacebot.engine.store import DataFolder, open_store, sqlite_file
from spacebot.errors import LimitReached, NewerDatabase, StoreError
from spacebot.models import (
    AutocompleteRequest,
    BotPhase,
    BotProblem,
    BotStatus,
    Choice,
    Endpoint,
    FollowUp,
    Job,
    JobEnding,
    Outcome,
    OwnerStatus,
    Progress,
    Source,
    Space,
    Status,
)
from spacebot.process_metrics import add_process_metrics, watch_lag
from spacebot.settings import Settings
from spacebot.spaces.client import Network
from spacebot.web import setup_guide
from spacebot.web.tryout.surface import PageSurface

log = logging.getLogger(__name__)
T = TypeVar("T")

# In addition to the time for running jobs: to tell everyone and to close, in seconds.
CLOSE_SECONDS = 3.0
TELL_SECONDS = 2.0
TRIM_INTERVAL = 3600.0
# The embedded Space: its command's name and its storage key. Its port changes at each start.
DEMO_NAME, DEMO_SOURCE = "demo", "Built-in Space"
# The gateway measures its latency every 41 s.
LATENCY_INTERVAL = 30.0
# The longest that an action may take, in seconds: reading a Space again waits for 40 s.
ACTION_TIMEOUT = 50.0
# Prometheus waits 10 s.
METRICS_TIMEOUT = 5.0
MAX_FAILURES_SHOWN = 10
STARTING = "Spacebot is still starting. Try again in a moment."
BOT_HANGS = (
    "The bot does not answer the page: it is too busy, or it hangs. "
    "If this continues, restart Spacebot."
)


def longest_stop(settings: Settings) -> float:
    """How long a process takes at most to stop, in seconds."""
    return settings.stop_seconds + TELL_SECONDS + CLOSE_SECONDS + leave_seconds(settings)


class Runtime:
    """Runs the Spaces, the jobs and the bot in a background thread.

    A thread that ends is never hidden: `status` says what happened. `log` returns the last lines of
    the log. `folder` is DATA_DIR, locked already or not.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Sequence[Source],
        *,
        log: Callable[[], str] = str,
        folder: DataFolder | None = None,
    ) -> None:
        self.settings = settings
        self.log = log
        self.tryout = settings.offers_tryout
        self.any_space = settings.server_spaces != ServerSpaces.OFF
        self.has_token = bool(settings.discord_token)
        self.hosted = bool(settings.space_id)
        self.started = time.time()
        self._folder = folder or DataFolder(settings.data_dir, sqlite_file(settings.database_url))
        self._sources = tuple(sources)
        self._demo: demo.DemoServer | None = None
        self._loop = new_event_loop()
        self._thread = threading.Thread(target=self._run_thread, name="spacebot", daemon=True)
        self._stop = asyncio.Event()
        self._up = threading.Event()
        self._bot: Bot | None = None
        self._bot_status = BotStatus(BotPhase.OFF)
        self._admin: Admin | None = None
        self._cluster: Cluster | None = None
        self._reachability = ReachabilityMonitor(
            partial(reached, settings.discord_proxy, settings.discord_proxy_from)
        )
        self._seen: tuple[float, Status] | None = None
        self._seeing = threading.Lock()

    def start(self) -> None:
        """Start the thread; returns at once, unless the embedded Space must be served."""
        if not self._sources:
            # In the thread that also builds the page: gradio builds one app at a time.
            self._demo = demo.serve()
            self._sources = (Source(DEMO_SOURCE, name=DEMO_NAME, address=self._demo.url),)
        self._bot_status = self._first_status()
        self._thread.start()

    def _first_status(self) -> BotStatus:
        return BotStatus(BotPhase.CONNECTING if self.has_token else BotPhase.OFF)

    def stop(self) -> None:
        """Stop the jobs, then the bot, within the time that the settings allow."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(longest_stop(self.settings))

    def _run_thread(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._main())
        except Exception:
            log.exception("the background thread ended because of a bug")
            self._bot_status = BotStatus(
                BotPhase.FAILED,
                "The bot stopped because of a bug; the log has the details. Start it again, and "
                "please report it.",
                trouble=BotProblem.BUG,
            )
        finally:
            self._up.set()

    async def _main(self) -> None:
        async with AsyncExitStack() as stack:
            network = Network(
                connect=self.settings.connect_seconds, wake=self.settings.wake_seconds
            )
            await stack.enter_async_context(network)
            if self._demo is not None:
                stack.push_async_callback(asyncio.to_thread, self._demo.close)
            url, tell = self.settings.database_url, self._tell_closed
            opening = open_store(url, self._folder, self._stop, tell, alone=self.hosted)
            store = await stack.enter_async_context(opening)
            if store is None:
                return
            self._bot_status = self._first_status()
            vault = await asyncio.to_thread(TokenVault, self.settings.secret_key)
            accounts = Accounts(store.accounts, vault, network.hub)
            await stack.enter_async_context(accounts)
            catalogue = await make_catalogue(
                self.settings, self._sources, network, store, accounts, built_in=(COMPARE,)
            )
            stack.push_async_callback(catalogue.close)
            jobs = JobManager(
                catalogue,
                store,
                folder=self.settings.data_dir,
                accounts=accounts,
                limits=JobLimits.from_settings(self.settings),
                deadlines=JobDeadlines.from_settings(self.settings),
            )
            jobs.answered = await store.answered()
            add_process_metrics(jobs.metrics.registry, self._bot_now, lambda: self._bot)
            counts = partial(self._counts, jobs)
            taking_part = open_cluster(self.settings, counts=counts, abandon=jobs.abandon)
            self._cluster = cluster = await stack.enter_async_context(taking_part)
            jobs.process = lambda: cluster.process
            self._admin = Admin(jobs, catalogue, self._server_name)
            await catalogue.start()
            collector.settle()
            self._up.set()
            await self._until_stopped(jobs)

    def _tell_closed(self, error: StoreError) -> None:
        """Say why the store does not open yet, or never will."""
        never = isinstance(error, NewerDatabase)
        phase = BotPhase.FAILED if never else BotPhase.RETRYING
        self._bot_status = BotStatus(phase, str(error), trouble=BotProblem.STORE)

    async def _keep_trimmed(self, jobs: JobManager) -> None:
        """Keep the history within its limits."""
        while True:
            try:
                await jobs.trim(most=self.settings.history_jobs, days=self.settings.history_days)
            except Exception:
                log.exception("the history could not be trimmed")
            await asyncio.sleep(TRIM_INTERVAL)

    def _counts(self, jobs: JobManager) -> Mapping[str, int]:
        servers, queue = len(self._bot.guilds) if self._bot else 0, jobs.queue
        return {"servers": servers, "running": queue.running, "waiting": queue.waiting}

    async def _until_stopped(self, jobs: JobManager) -> None:
        tasks = TaskSet()
        tasks.start(self._run_bot(jobs), "bot")
        tasks.start(self._keep_trimmed(jobs), "trim")
        tasks.start(self._sample(jobs), "sample")
        tasks.start(watch_lag(jobs.metrics.registry), "watch lag")
        tasks.start(collector.collect(lambda: bool(jobs.running)), "collect garbage")
        await self._stop.wait()
        if self._cluster is not None:
            await self._cluster.leave()
        # The jobs come first, while Discord can still be updated.
        await jobs.close(self.settings.stop_seconds)
        until = time.monotonic() + TELL_SECONDS
        if self._bot is not None:
            await self._bot.answered(TELL_SECONDS)
        await jobs.drained(until - time.monotonic())
        await tasks.close()

    async def _sample(self, jobs: JobManager) -> None:
        """Record the gateway's latency now and then."""
        while True:
            latency = self._bot.state().latency if self._bot else None
            if latency is not None:
                jobs.history.latency(latency)
            await asyncio.sleep(LATENCY_INTERVAL)

    async def _run_bot(self, jobs: JobManager) -> None:
        token = self.settings.discord_token
        if not token:
            # The guide says whether a bot could reach Discord from here, before there is one.
            await self._reachability.look()
            return
        if wrong := setup_guide.wrong_kind(token):
            # Discord need not be asked, and must not be sent another site's secret.
            log.error(wrong)
            self._tell(None, BotStatus(BotPhase.FAILED, wrong, trouble=BotProblem.TOKEN))
            return
        proxy, named = self.settings.discord_proxy, self.settings.discord_proxy_from
        make = partial(Bot, jobs.catalogue, jobs, proxy=proxy, cluster=self._cluster)
        await keep_running(token, make, self._tell, named)

    def _tell(self, bot: Bot | None, status: BotStatus) -> None:
        self._bot, self._bot_status = bot, status
        if status.trouble in (BotProblem.NETWORK, BotProblem.DISCORD) and not status.until:
            self._reachability.look()

    async def look(self) -> None:
        """Check whether Discord can be reached, from any event loop; the result is in `status`."""
        await self._ask(self._shared_look())

    async def _shared_look(self) -> None:
        # While Discord accepts no requests, another one only makes it worse.
        if not self._bot_now().until:
            await asyncio.shield(self._reachability.look())

    def _bot_now(self) -> BotStatus:
        return self._bot.state() if self._bot else self._bot_status

    async def owner(self) -> OwnerStatus:
        """What only the owner sees, from any event loop."""
        return await self._ask(self._ready.status())

    def _server_name(self, guild: str) -> str:
        there = self._bot.get_guild(int(guild)) if self._bot else None
        return there.name if there else "a server that I am not in"

    async def act(self, action: str, target: str) -> str:
        """Do what the owner asked, from any event loop; raises `SpacebotError`."""
        return await self._ask(self._ready.act(action, target))

    @property
    def _ready(self) -> Admin:
        """The jobs and the Spaces; raises `LimitReached` before they exist."""
        if self._admin is None:
            raise LimitReached(STARTING)
        return self._admin

    async def _ask(self, work: Coroutine[Any, Any, T], seconds: float = ACTION_TIMEOUT) -> T:
        if not self._up.is_set() or not self._thread.is_alive():
            work.close()
            raise LimitReached(STARTING)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._submit(work)), seconds)
        except TimeoutError as error:
            raise LimitReached(BOT_HANGS) from error

    def status(self) -> Status:
        """The status of everything, at most a second old, from any thread."""
        with self._seeing:
            if self._seen is None or time.monotonic() - self._seen[0] > 0.5:
                self._seen = (time.monotonic(), self._ask_status())
            return self._seen[1]

    def _ask_status(self) -> Status:
        if not self._up.is_set():
            return self._basic(self._bot_status)
        bot = self._bot_status
        if self._thread.is_alive():
            with suppress(TimeoutError):
                return self._submit(self._status()).result(2)
            bot = BotStatus(BotPhase.FAILED, BOT_HANGS, trouble=BotProblem.BUG)
        # The rest is the last known state.
        return replace(self._seen[1], bot=bot) if self._seen else self._basic(bot)

    def _basic(self, bot: BotStatus) -> Status:
        return Status(bot=bot, started=self.started, version=__version__)

    async def _status(self) -> Status:
        if self._admin is None:
            return self._basic(self._bot_status)
        jobs, catalogue = self._admin.jobs, self._admin.catalogue
        history, span = jobs.history.shown()
        return replace(
            self._basic(self._bot_now()),
            spaces=tuple(map(jobs.metrics.with_timings, catalogue.status(jobs.queue.counts))),
            running=jobs.queue.running,
            waiting=jobs.queue.waiting,
            **{ending.value: jobs.metrics.count(ending) for ending in JobEnding},
            answered=jobs.answered,
            reach=self._reachability.seen,
            history=history,
            span=span,
            failures=jobs.history.failures[:MAX_FAILURES_SHOWN],
            paused=self._admin.paused,
            server_spaces=await catalogue.added.totals() if catalogue.added else None,
            trouble=jobs.trouble,
            cluster=self._cluster.status() if self._cluster else None,
        )

    async def metrics(self) -> bytes:
        """Everything that is counted, in Prometheus' text format, from any event loop."""
        return await self._ask(self._metrics(), METRICS_TIMEOUT) if self._admin else b""

    async def _metrics(self) -> bytes:
        return self._ready.jobs.metrics.text()

    def spaces(self) -> Sequence[Space]:
        """The Spaces whose commands can be tried."""
        return self._admin.catalogue.spaces if self._admin else ()

    async def load(self, written: str) -> Space:
        """A Space that a visitor names, from any event loop; raises `SpacebotError`."""
        return await self._ask(visitors.read_space(self._ready.catalogue, written))

    def follow_up(self, space: str, wanted: FollowUp) -> Endpoint:
        """The endpoint that a declared follow-up calls; raises `SpacebotError`."""
        return self._ready.catalogue.configured_follow_up(space, wanted)

    async def suggest(self, asked: AutocompleteRequest) -> list[Choice]:
        """Suggestions for an option, from any event loop; raises `SpacebotError`."""
        found = self._ready.catalogue.suggest(asked)
        # The catalogue has its own limit; the rest is for a busy event loop.
        return await self._ask(found, 2 * AUTOCOMPLETE_TIMEOUT)

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def run(self, job: Job) -> AsyncGenerator[Progress | Outcome]:
        """Run a job of the try-out, from any event loop; leaving the iteration cancels it."""
        home = asyncio.get_running_loop()
        steps: asyncio.Queue[Progress | Outcome | BaseException] = asyncio.Queue()

        def put(step: Progress | Outcome | BaseException) -> None:
            home.call_soon_threadsafe(steps.put_nowait, step)

        following = self._submit(self._follow(job, put))
        try:
            while True:
                step = await steps.get()
                if isinstance(step, BaseException):
                    raise step
                yield step
                if isinstance(step, Outcome):
                    return
        finally:
            following.cancel()

    async def _follow(self, job: Job, put: Callable[[Any], None]) -> None:
        try:
            visitors.count_run(self._ready.catalogue, job)
        except LimitReached as error:
            put(error)
            return
        await Follower(PageSurface(self._ready.jobs, job, put), job).run()
