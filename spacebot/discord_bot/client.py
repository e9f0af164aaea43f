"""The Discord client: its commands, its status for the page, its one error handler."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import discord
from discord import app_commands

from spacebot.concurrency import growing_pauses
from spacebot.discord_bot import failures
from spacebot.discord_bot.age import AgeGate
from spacebot.discord_bot.automations import AutomationCommands, AutomationWatcher
from spacebot.discord_bot.buttons import JOB_BUTTONS, recipe_menu
from spacebot.discord_bot.conversations import CHAT_BUTTONS, ConversationRouter
from spacebot.discord_bot.delivery import DISCORD_ERRORS
from spacebot.discord_bot.discord_internals import silence_voice_warnings, use_adapter
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.features import AppCommand, Feature
from spacebot.discord_bot.find import FIND, Find
from spacebot.discord_bot.forms import FORM_BUTTONS, Forms, tell_expired
from spacebot.discord_bot.gateway.intents import CONTENT, PrivilegedIntents, minimal_intents
from spacebot.discord_bot.gateway.rate_limits import MAX_LOGIN_SLEEP, RateLimitMonitor
from spacebot.discord_bot.gateway.reach import choose_connector
from spacebot.discord_bot.gateway.rest import RequestMonitor
from spacebot.discord_bot.history import HISTORY_BUTTONS, history_command
from spacebot.discord_bot.limits import LIMITS_PANELS, LimitsCommands, gpu_line, quota_command
from spacebot.discord_bot.presets import PRESET_BUTTONS, PresetCommands
from spacebot.discord_bot.recovery import Recoverer
from spacebot.discord_bot.registration.acknowledgement import AcknowledgingAdapter
from spacebot.discord_bot.registration.commands import MAX_COMMANDS, build_command
from spacebot.discord_bot.registration.registration import CommandRegistration
from spacebot.discord_bot.run_space import RUN_SPACE, Wishes, run_commands
from spacebot.discord_bot.send_to import SEND_TO, SendTo
from spacebot.discord_bot.server_log import ServerLog
from spacebot.discord_bot.server_spaces import GuildCommandTree, ServerSpaceFeature
from spacebot.discord_bot.sharding import ShardingClient
from spacebot.discord_bot.tokens import LeftServers, TokenCommands
from spacebot.engine.built_in import BuiltIn
from spacebot.engine.catalogue import Catalogue
from spacebot.engine.cluster import Cluster, SingleProcess
from spacebot.engine.jobs import JobManager
from spacebot.models import MessageRef
from spacebot.spaces.schema import commands_of

log = logging.getLogger(__name__)

FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE = 5.0, 300.0
# When the bot starts, the Spaces answer one after the other: all of them share one request.
SYNC_DELAY = 0.3


class Bot(ShardingClient):
    """Discord's side: slash commands that start jobs."""

    def __init__(
        self,
        catalogue: Catalogue,
        jobs: JobManager,
        *,
        proxy: str = "",
        cluster: Cluster | None = None,
    ) -> None:
        silence_voice_warnings()
        limits = RateLimitMonitor(proxy=bool(proxy))
        connector, http_proxy = choose_connector(proxy)
        super().__init__(
            intents=minimal_intents(),
            # Messages are tracked by their ids, so none has to be cached.
            max_messages=None,
            # Nothing a Space returns may ping anyone.
            allowed_mentions=discord.AllowedMentions.none(),
            connector=connector,
            proxy=http_proxy,
            http_trace=limits.trace,
        )
        self.limits = limits
        self._hold_shards(cluster or SingleProcess())
        limits.guard(self.http, self.shards.began.is_set)
        # While the bot logs in, `keep_running` waits out longer limits.
        self.http.max_ratelimit_timeout = MAX_LOGIN_SLEEP
        self.requests = RequestMonitor(self.http)
        self.catalogue = catalogue
        self.jobs = jobs
        self.privileged_intents = PrivilegedIntents(self, self.handover.run)
        self.tree = GuildCommandTree(self, self.tell_failure)
        self.tree.error(self._failed)
        self.registration = CommandRegistration(self, self.tree, catalogue)
        self.forms = Forms()
        self.age = AgeGate()
        self.chat_router = chats = ConversationRouter(
            self, jobs, self.forms, self.age, began=self._hear
        )
        self.automations = AutomationWatcher(self, jobs, self.privileged_intents)
        self.dispatcher = Dispatcher(self, jobs, self.forms, age=self.age, converse=chats.open)
        kinds = (chats.conversations, self.automations, self.dispatcher)
        recoveries = [kind.recovery for kind in kinds]
        self.recoverer = Recoverer(self, jobs, recoveries, self.shards.cluster)
        self.wishes = Wishes()
        self.find = Find.over(self.dispatcher)
        self.send_to = SendTo(self.dispatcher, self.find)
        self.server_log = ServerLog(self, jobs)
        self.left_servers = LeftServers(self, jobs.accounts, jobs.store.presets)
        self.server_spaces = self._server_spaces()
        self.features = self._features()
        self._unsubscribe: Callable[[], None] | None = None
        self._sync_wanted = asyncio.Event()
        self._syncing: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None

    def _server_spaces(self) -> ServerSpaceFeature | None:
        return self.catalogue.added and ServerSpaceFeature(
            self,
            self.tree,
            self.dispatcher,
            self.catalogue.added,
            moderator_log=self.server_log.write,
            chat_added=self._chat_added,
        )

    def _features(self) -> tuple[Feature, ...]:
        chats, automations, dispatcher = self.chat_router, self.automations, self.dispatcher
        jobs, accounts, left = self.jobs, self.jobs.accounts, self.left_servers
        return (
            Feature(start=jobs.admission.load, refresh=jobs.admission.load),
            Feature(refresh=self._forget_cached),
            Feature(start=self.server_log.start, close=self.server_log.close),
            Feature(
                commands=lambda: [
                    LimitsCommands(jobs),
                    quota_command(jobs, [partial(gpu_line, jobs)]),
                ],
                components=LIMITS_PANELS,
            ),
            Feature(commands=lambda: [history_command(jobs)], components=HISTORY_BUTTONS),
            Feature(commands=lambda: [self.send_to.context_menu()], components=SEND_TO),
            Feature(commands=lambda: [recipe_menu(dispatcher)], components=JOB_BUTTONS),
            Feature(commands=lambda: [self.find.command()], components=FIND),
            Feature(components=FORM_BUTTONS),
            Feature(commands=lambda: [PresetCommands(dispatcher)], components=PRESET_BUTTONS),
            Feature(commands=lambda: [TokenCommands(accounts)] if accounts else []),
            Feature(start=left.start, close=left.close),
            Feature(
                commands=lambda: run_commands(dispatcher),
                components=RUN_SPACE,
                close=self.wishes.close,
            ),
            Feature(
                commands=lambda: [AutomationCommands(automations, dispatcher)],
                start=automations.start,
                refresh=automations.load,
                close=automations.close,
            ),
            Feature(
                commands=chats.commands,
                components=CHAT_BUTTONS,
                start=chats.start,
                refresh=chats.start,
                close=chats.conversations.question_queues.close,
            ),
            *([self.server_spaces.feature] if self.server_spaces else []),
        )

    async def setup_hook(self) -> None:
        """Offer the commands and keep Discord's list up to date."""
        self.http.max_ratelimit_timeout = None
        use_adapter(AcknowledgingAdapter(self))
        for feature in self.features:
            self.add_dynamic_items(*feature.components)
            await feature.start()
        self.offer()
        self.privileged_intents.read(self.application_flags)
        self._unsubscribe = self.catalogue.subscribe(self.offer)
        self._syncing = asyncio.create_task(self._keep_synced(), name="sync commands")
        self.tasks.start(self.recoverer.take_over(), "jobs of closed clients")

    async def close(self) -> None:
        """Leave Discord."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._syncing is not None:
            self._syncing.cancel()
        await self.leave_gateway()
        for feature in self.features:
            await feature.close()
        await super().close()

    def _offer_own(self) -> None:
        """Offer the bot's own commands, as far as there is room and their names are free."""
        for built_in in self.catalogue.built_in.values():
            if self._has_room(built_in.name):
                self.registration.add(built_in.name, partial(self._build_built_in, built_in))
        for feature in self.features:
            for command in feature.commands():
                if isinstance(command, app_commands.ContextMenu) or self._has_room(command.name):
                    self.registration.add(command.name, partial(_same, command))

    def _build_built_in(self, built_in: BuiltIn) -> Any:
        return build_command(built_in.describe(commands_of(self.catalogue.spaces)), self.dispatcher)

    def offer(self) -> None:
        """Put the commands of the catalogue's Spaces on the tree, and have Discord informed."""
        self.registration.clear()
        for space in self.catalogue.spaces[:MAX_COMMANDS]:
            if space.endpoints:
                self.registration.add(space.name, partial(build_command, space, self.dispatcher))
        self._offer_own()
        self._need_content()
        self.crowded = ""
        if len(self.catalogue.spaces) > MAX_COMMANDS:
            self.crowded = (
                f"Discord allows {MAX_COMMANDS} commands; the Spaces after the "
                f"{MAX_COMMANDS}th are not offered."
            )
            log.error(self.crowded)
        self._sync_wanted.set()

    def _has_room(self, name: str) -> bool:
        """Whether Discord accepts another slash command with this name."""
        offered = self.tree.get_commands(type=discord.AppCommandType.chat_input)
        return len(offered) < MAX_COMMANDS and name not in {command.name for command in offered}

    def _chat_added(self) -> None:
        """A server added a chat: if it is the first, offer what belongs to chats."""
        if not self.chat_router.servers_have_chats:
            self.chat_router.servers_have_chats = True
            self.offer()

    def _need_content(self) -> None:
        """Ask Discord for message content, if there are chats."""
        self.privileged_intents.need(
            "conversations", [CONTENT] if self.chat_router.must_hear else []
        )
        if (
            self.is_ready()
            and CONTENT not in self.privileged_intents.asked
            and self.chat_router.must_hear
        ):
            self._renewing = asyncio.create_task(self._renew(), name="renew intents")

    async def _hear(self) -> None:
        """Receive the messages of conversations, even if no chat is on offer."""
        if self._renewing is None:
            self._need_content()
        if self._renewing is not None:
            await asyncio.wait({self._renewing})

    async def _renew(self) -> None:
        try:
            await self.privileged_intents.renew()
        except DISCORD_ERRORS as error:
            log.warning("Discord could not be asked what it allows: %s", type(error).__name__)

    async def _keep_synced(self) -> None:
        pauses = growing_pauses(FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE)
        while True:
            await self._sync_wanted.wait()
            self._sync_wanted.clear()
            try:
                await self.registration.sync(register=self.shards.cluster.leads)
                self.problem = ""
                pauses = growing_pauses(FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE)
            except DISCORD_ERRORS as error:
                self.problem = f"Discord rejected the commands: {error}. Trying again."
                log.error(self.problem)
                await asyncio.sleep(next(pauses))
                self._sync_wanted.set()
            else:
                await asyncio.sleep(SYNC_DELAY)

    async def _forget_cached(self) -> None:
        """Forget what is held in memory of accounts, conversations and added Spaces."""
        self.jobs.store.chats.forget_recent()
        self.refresh_accounts()
        if self.catalogue.added:
            self.catalogue.added.forget_marks()
            await self.catalogue.added.policy.reload()

    def cancel_here(self, target: str) -> str:
        """Cancel a job, or the answer of a conversation, that runs in this process."""
        asking = self.chat_router.conversations.question_queues.of(target).current
        return asking.stop() if asking else self.dispatcher.cancel(target)

    def lead(self) -> None:
        """Register the commands, which another process did until now."""
        self._sync_wanted.set()

    def refresh_accounts(self) -> None:
        """Look members' accounts up again, which another process may have changed."""
        if self.jobs.accounts is not None:
            self.jobs.accounts.forget_known()

    def servers_known(self) -> None:
        """Look at what depends on the servers of a shard."""
        self.left_servers.look()
        self.automations.wake()

    async def refresh(self) -> None:
        """Read again what other processes may have changed."""
        for feature in self.features:
            await feature.refresh()

    async def on_ready(self) -> None:
        """The gateway has reported everything."""
        log.info("connected as %s, in %d servers", self.user, len(self.guilds))
        if self.deaf:
            log.warning(self.deaf)

    async def on_message(self, message: discord.Message) -> None:
        """Handle a message, which may belong to a conversation."""
        await asyncio.gather(self.chat_router.heard(message), self.automations.on_message(message))

    async def on_raw_reaction_add(self, reaction: discord.RawReactionActionEvent) -> None:
        """Somebody reacted to a message."""
        await self.automations.on_reaction(reaction)

    async def on_member_join(self, member: discord.Member) -> None:
        """Somebody joined a server."""
        await self.automations.on_join(member)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """A server added the bot, for the first time or again."""
        if self.server_spaces:
            self.server_spaces.joined(guild.id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """A server removed the bot, so its token and presets are no longer the bot's business."""
        await self.left_servers.removed(guild.id)

    async def on_thread_create(self, thread: discord.Thread) -> None:
        """Somebody opened a thread or a forum post."""
        await self.automations.on_thread(thread)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        """Deleting a job's message cancels the job."""
        self._deleted(event.message_id)

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        """Deleting many messages at once, as moderators do, cancels their jobs too."""
        for message in event.message_ids:
            self._deleted(message)

    def _deleted(self, message: int) -> None:
        self._cancel(lambda ref: ref.message == message, "Its message was deleted.")
        self.chat_router.conversations.deleted(message)

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """Deleting a thread cancels its jobs."""
        self._cancel(lambda ref: ref.is_in(event.thread_id), "Its thread was deleted.")
        self.chat_router.conversations.closed(event.thread_id, "Its thread was deleted.")

    async def on_raw_thread_update(self, event: discord.RawThreadUpdateEvent) -> None:
        """Closing a thread cancels its jobs."""
        if event.data.get("thread_metadata", {}).get("archived"):
            self._cancel(lambda ref: ref.is_in(event.thread_id), "Its thread was closed.")
            self.chat_router.conversations.closed(event.thread_id, "Its thread was closed.")

    def _cancel(self, stands: Callable[[MessageRef], bool], why: str) -> None:
        for running in self.jobs.running:
            if running.job.message_ref and stands(running.job.message_ref):
                running.cancel(why)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Answer a form from before a restart, which discord.py does not know."""
        await tell_expired(interaction)

    async def on_error(self, event_method: str, /, *_: Any, **__: Any) -> None:
        """Log a bug in an event's handler."""
        log.exception("%s failed because of a bug", event_method)

    async def _failed(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        """Report a command that failed before it became a job."""
        cause = getattr(error, "original", error)
        if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
            self._sync_wanted.set()
            await failures.reply(interaction, failures.COMMAND_GONE)
        else:
            await self.tell_failure(interaction, cause)

    async def tell_failure(self, interaction: discord.Interaction, error: BaseException) -> None:
        """Tell the person who is waiting what went wrong, and log it once."""
        await failures.tell(interaction, error)

    @property
    def has_chats(self) -> bool:
        """Whether there is a chat to talk to."""
        return self.chat_router.must_hear


def _same(command: AppCommand) -> AppCommand:
    return command
