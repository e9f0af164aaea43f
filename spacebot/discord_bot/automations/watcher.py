"""The automations at work: watches for events, and runs what moderators have set."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import discord

from spacebot.concurrency import TaskSet
from spacebot.discord_bot.automations import events, values
from spacebot.discord_bot.automations.answers import (
    ChannelSurface,
    ReactionSurface,
    answers_adults,
    automation_of,
    open_answer,
    origin_of,
    ref_of,
)
from spacebot.discord_bot.automations.clock import AutomationClock
from spacebot.discord_bot.automations.events import Event
from spacebot.discord_bot.automations.rate import MAX_REMEMBERED, RunLimiter
from spacebot.discord_bot.automations.triggers import (
    TRIGGERS,
    Trigger,
    listens,
)
from spacebot.discord_bot.delivery import DISCORD_ERRORS, NO_PINGS, roles_of_member
from spacebot.discord_bot.delivery.attachments import with_pending_files
from spacebot.discord_bot.discord_internals import ShardedClient
from spacebot.discord_bot.gateway.intents import PrivilegedIntents
from spacebot.discord_bot.recovery import Recovery
from spacebot.engine import job_text
from spacebot.engine.follow import Follower
from spacebot.engine.jobs import JobManager
from spacebot.engine.store import Automation, JobRecord
from spacebot.errors import (
    AgeRestricted,
    EndpointGone,
    JobCancelled,
    JobInterrupted,
    LimitReached,
    SpacebotError,
)
from spacebot.models import (
    AnswerPlace,
    Endpoint,
    Job,
    JobEnding,
    Requester,
    guild_key,
)

log = logging.getLogger(__name__)

INTENTS_OWNER = "automations"
# This many failures in a row pause an automation.
MAX_FAILURES = 3
# How many runs of one automation are under way; the rest wait unseen, so that a busy channel does
# not fill with messages that only say so.
MAX_CONCURRENT_RUNS = 50


class AutomationWatcher(AutomationClock):
    """The automations of all servers, and what triggers them. Open it with `start`."""

    def __init__(self, client: ShardedClient, jobs: JobManager, wanted: PrivilegedIntents) -> None:
        self.client = client
        self.jobs = jobs
        self.intents = wanted
        self.limiter = RunLimiter()
        self._all: dict[str, Automation] = {}
        # Fewer than a person may have waiting, so none of its jobs is refused for that.
        at_once = max(1, min(MAX_CONCURRENT_RUNS, jobs.queue.limits.waiting_per_user))
        self._gates = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(at_once))
        self._waiting: dict[str, Job] = {}
        self._wake = asyncio.Event()
        self._tasks = TaskSet()
        self._unrecorded: dict[str, tuple[float, float | None]] = {}

    async def start(self) -> None:
        """Resume the stored jobs, and follow the clock."""
        await self.load()
        self._tasks.start(self._keep_time(), "automations")

    async def load(self) -> None:
        """Learn which automations there are, and when each has run."""
        kept = self.jobs.store.automations
        self._all = {one.id: self.with_own_runs(one) for one in await kept.all()}
        self.limiter.recall(await kept.recent_runs(MAX_REMEMBERED))
        self._note_needs()
        self.wake()

    async def close(self) -> None:
        """Stop following the clock, and leave waiting runs to the next client."""
        while self._waiting:
            self._keep(self._waiting.popitem()[1])
        await self._tasks.close()
        await self.record_runs()

    def of(self, guild: int | None) -> list[Automation]:
        """The automations of a server, oldest first."""
        return [one for one in self._all.values() if one.guild == str(guild)]

    def find(self, automation: str, guild: int | None) -> Automation | None:
        """One automation of a server."""
        return next((one for one in self.of(guild) if one.id == automation), None)

    async def endpoint(self, automation: Automation) -> Endpoint:
        """The endpoint that it runs, as last described.

        Raises `SpacebotError`, such as `AgeRestricted` if it may not answer.
        """
        # Never a member's account, even if a member triggers it.
        account = await self.jobs.account(guild_key(automation.guild))
        named = automation.space, automation.api_name, automation.command
        found = await self.jobs.catalogue.find(*named, account, guild=automation.guild)
        if found.answer is AnswerPlace.PRIVATE:
            raise EndpointGone(f"{automation.command} answers privately now.")
        if found.nsfw and not answers_adults(self.client, automation):
            raise AgeRestricted
        return found

    async def add(self, automation: Automation) -> None:
        """Add an automation, and make sure that the bot receives its events."""
        await self.jobs.store.automations.add(automation)
        self._all[automation.id] = automation
        await self._changed()

    async def change(self, automation: Automation, **changes: Any) -> None:
        """Change an automation; if saving raises `StoreError`, the change lasts until a restart."""
        if automation.id not in self._all:
            return
        self._all[automation.id] = replace(self._all[automation.id], **changes)
        try:
            await self.jobs.store.automations.change(automation.id, **changes)
        finally:
            if "paused" in changes:
                await self._changed()

    async def delete(self, automation: Automation) -> None:
        """Delete an automation."""
        self._all.pop(automation.id, None)
        self._unrecorded.pop(automation.id, None)
        self.limiter.forget(automation.id)
        self._gates.pop(automation.id, None)
        await self.jobs.store.automations.delete(automation.id)
        self._note_needs()

    async def _changed(self) -> None:
        self._wake.set()
        self._note_needs()
        await self.intents.renew()

    def _note_needs(self) -> None:
        active = [one for one in self._all.values() if not one.paused and one.kind in TRIGGERS]
        kinds = (values.intents_for(TRIGGERS[one.kind], one.arguments) for one in active)
        self.intents.need(INTENTS_OWNER, frozenset[str]().union(*kinds))

    async def on_message(self, message: discord.Message) -> None:
        """Somebody wrote a message."""
        if message.guild and self.of(message.guild.id) and events.is_by_person(message):
            await self._happened(events.message_event(message))

    async def on_reaction(self, reaction: discord.RawReactionActionEvent) -> None:
        """Somebody added a reaction."""
        member, emoji = reaction.member, events.plain_emoji(str(reaction.emoji))
        if member is None or member.bot:
            return
        waiting = [
            one
            for one in self.of(reaction.guild_id)
            if TRIGGERS[one.kind].source == "reaction" and one.setting == emoji
        ]
        channel = self.client.get_channel(reaction.channel_id) if waiting else None
        if not isinstance(channel, discord.abc.Messageable):
            return
        try:
            message = await channel.fetch_message(reaction.message_id)
        except DISCORD_ERRORS as error:
            log.info("a message with a reaction could not be read: %s", error)
            return
        if events.is_by_person(message):
            who = {"user": member.id, "name": member.display_name}
            who |= {"roles": roles_of_member(member)}
            await self._happened(events.message_event(message, "reaction", emoji=emoji, **who))

    async def on_join(self, member: discord.Member) -> None:
        """Somebody joined a server."""
        if not member.bot and self.of(member.guild.id):
            await self._happened(events.join_event(member))

    async def on_thread(self, thread: discord.Thread) -> None:
        """Somebody opened a thread or a forum post."""
        if not self.of(thread.guild.id) or thread.owner_id == self.client.application_id:
            return
        # A webhook can open one too, and is not a member.
        owner = thread.owner or await events.member_of(thread.guild, thread.owner_id)
        if owner is not None and not owner.bot:
            first = await events.first_message(thread)
            await self._happened(events.thread_event(thread, owner, first))

    async def _happened(self, event: Event) -> None:
        """Run every automation that waits for this event."""
        mine = (one for one in self.of(event.guild) if not one.paused and listens(one, event))
        await asyncio.gather(*(self._run_all(one, event) for one in mine))

    async def _run_all(self, automation: Automation, event: Event) -> None:
        """Run an automation, once for each file that it is about."""
        kind = TRIGGERS[automation.kind]
        # A reaction counts once for each message, even if others add theirs.
        about = event.message if event.source == "reaction" else None
        if about and not self.limiter.is_first(automation.id, about.id):
            return
        try:
            endpoint = await self.endpoint(automation)
            runs = list(self.prepared(automation, kind, endpoint, event))
        except SpacebotError as error:
            await self._count(automation, error)
            return
        await asyncio.gather(*(self._run(automation, endpoint, event, one) for one in runs))

    def prepared(
        self, automation: Automation, kind: Trigger, endpoint: Endpoint, event: Event
    ) -> Iterable[Mapping[str, Any]]:
        """The values of each run for an event."""
        arguments = automation.arguments
        files = [one for one in kind.files(event) if values.accepts_file(endpoint, arguments, one)]
        for file in files if values.FILE_PLACEHOLDER in arguments.values() else [None]:
            filled = values.fill(endpoint, arguments, event, file)
            if filled is not None:
                yield filled

    async def _run(
        self, automation: Automation, endpoint: Endpoint, event: Event, arguments: Mapping[str, Any]
    ) -> None:
        """Run once, within the automation's own rate."""
        if not self.limiter.may_run(automation):
            log.info("automation %s reached its hourly limit", automation.id)
            return
        job = Job(
            id=uuid.uuid4().hex[:12],
            endpoint=endpoint,
            requester=Requester(str(event.user), event.mention, roles=event.roles),
            arguments=with_pending_files(arguments),
            command=automation.command,
            message_ref=ref_of(self.client, automation, event),
            stored=True,
        )
        try:
            self.jobs.admit(job)
        except SpacebotError as error:
            # Nobody asked the bot for anything, so there is nobody to tell.
            log.info("automation %s may not run: %s", automation.id, type(error).__name__)
            return
        # Stored first, so that a restart loses none of the waiting runs.
        await self.jobs.keep(job)
        await self.deliver(job, event.message)

    async def deliver(self, job: Job, message: discord.Message | None) -> None:
        """Run a stored job when its turn comes, and count its result."""
        automation = automation_of(job)
        self._waiting[job.id] = job
        async with self._gates[automation]:
            now = self._all.get(automation)
            if self._waiting.pop(job.id, None) is None:
                # It was left to the next client.
                return
            if self.jobs.closing or self.client.is_closed():
                self._keep(job)
            elif now is None or now.paused:
                await self.jobs.drop(job, JobEnding.CANCELLED)
            else:
                await self._count(now, await self._try(now, job, message))

    async def _try(
        self, automation: Automation, job: Job, message: discord.Message | None
    ) -> BaseException | None:
        """Run a stored job; returns the error, if any."""
        try:
            return await self._answer(automation, job, message)
        except SpacebotError as error:
            log.warning("automation %s cannot answer: %r", automation.id, error.__cause__)
            caught = error
        except Exception as error:
            if self.client.is_closed():
                self._keep(job)
                return None
            log.exception("automation %s failed because of a bug", automation.id)
            caught = error
        await self.jobs.drop(job, self.jobs.count(job, caught))
        return caught

    def _keep(self, job: Job) -> None:
        self.jobs.release(job.id)
        log.info("job %s %s waits for the next client or the next start", job.id, job.command)

    async def _answer(
        self, automation: Automation, job: Job, message: discord.Message | None
    ) -> BaseException | None:
        ref = await open_answer(self.client, automation, job, message)
        job = replace(job, message_ref=ref)
        if ref.message:
            await self.jobs.note(job.id, message_ref=ref, message=str(ref.message))
            surface = ChannelSurface(self.client, self.jobs, job)
        else:
            surface = ReactionSurface(self.client, self.jobs, job, automation.target)
        return await Follower(surface, surface.job).run()

    async def recovery(self, record: JobRecord) -> Recovery | None:
        """How to continue a job that an automation started; None for any other job."""
        if not record.message_ref.automation:
            return None
        job = await self.jobs.archive.job_of(record)
        surface = ChannelSurface(self.client, self.jobs, job)
        # Without a message, it waits for its turn again, and then answers its event.
        has_message = surface.ref.message is not None
        run = Follower(surface, surface.job).run if has_message else partial(self._resume, job)
        return Recovery(job, surface, run, job.endpoint.repeatable)

    async def _resume(self, job: Job) -> None:
        await self.deliver(job, await origin_of(self.client, job))

    async def _count(self, automation: Automation, error: BaseException | None) -> None:
        """Pause an automation that keeps failing, and tell its maker."""
        now = self._all.get(automation.id)
        if now is None or isinstance(error, JobCancelled | JobInterrupted | LimitReached):
            return
        if error is None:
            if now.failures:
                await self.jobs.store.saved(self.change(now, failures=0, problem=""))
            return
        failures, problem = now.failures + 1, job_text.describe_failure(error)
        # In one step: others of its runs may end meanwhile.
        stop = failures >= MAX_FAILURES and not now.paused
        paused = {"paused": True} if stop else {}
        await self.jobs.store.saved(self.change(now, failures=failures, problem=problem, **paused))
        if stop:
            log.warning("automation %s is stopped: %s", now.id, type(error).__name__)
            await self._tell_maker(now, problem)

    async def _tell_maker(self, automation: Automation, problem: str) -> None:
        """Tell by direct message, otherwise in its channel, that an automation was paused."""
        guild = self.client.get_guild(int(automation.guild))
        maker = discord.Object(int(automation.maker))
        there = guild and await events.member_of(guild, maker.id)
        whose = "of yours" if there else f"by <@{maker.id}>, who has left,"
        text = (
            f"⚠️ I have paused an automation {whose} in **{guild.name if guild else '?'}**, after "
            f"{MAX_FAILURES} failures in a row: {describe(automation)}.\nThe last one: {problem}\n"
            f"-# Once that is fixed: `/automation resume automation:{automation.id}`"
        )
        try:
            if there:
                person = await self.client.create_dm(maker)  # type: ignore[arg-type]
                await person.send(text[:2000], allowed_mentions=NO_PINGS)
                return
        except DISCORD_ERRORS as error:
            log.info("the creator of automation %s accepts no messages: %s", automation.id, error)
            text = f"<@{maker.id}>\n{text}"
        channel = self.client.get_partial_messageable(int(automation.channel))
        try:
            allowed = discord.AllowedMentions(users=[maker] if there else False)
            await channel.send(text[:2000], allowed_mentions=allowed)
        except DISCORD_ERRORS as error:
            log.warning("nobody could be told that an automation was stopped: %s", error)


def describe(automation: Automation) -> str:
    """What an automation does, on one line."""
    kind = TRIGGERS.get(automation.kind)
    when = kind.describe(automation.setting) if kind else automation.kind
    return f"{when} in <#{automation.channel}> → {automation.command}"
