"""The Discord client: its commands, its state for the page, its one error handler."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from spacebot import words
from spacebot.buttons import BUTTONS
from spacebot.catalogue import Catalogue
from spacebot.commands import MOST, build, differ
from spacebot.desk import Desk
from spacebot.errors import SpacebotError
from spacebot.forms import FORM_BUTTONS, Forms, tell_expired
from spacebot.jobs import Jobs
from spacebot.models import BotPhase, BotStatus, Reach, Trouble
from spacebot.presses import PRESSES, SENDING, context_menus
from spacebot.reach import probe

log = logging.getLogger(__name__)

# The least the bot needs in a server: to post, with files, in channels and threads,
# and to open the threads that answers go to.
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    create_public_threads=True,
    attach_files=True,
    embed_links=True,
)
# The gateway's close codes after which it must not be asked again: sharding, version, intents.
FINAL = range(4010, 4014)
RETRY_FIRST, RETRY_MOST = 5.0, 300.0
# Several Spaces answer one after the other when the bot starts: one request for all.
SETTLE = 0.3
# It would warn at every start that the libraries for voice are missing: none is needed.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


class Bot(discord.Client):
    """Discord's side: slash commands that start jobs."""

    def __init__(self, catalogue: Catalogue, jobs: Jobs, *, proxy: str = "") -> None:
        super().__init__(
            # The servers, and that a message was deleted: none of these is privileged.
            intents=discord.Intents(guilds=True, guild_messages=True, dm_messages=True),
            # Messages are followed by their ids: none has to be remembered.
            max_messages=None,
            # Nothing a Space returns may ping anyone.
            allowed_mentions=discord.AllowedMentions.none(),
            proxy=proxy or None,
        )
        self.catalogue = catalogue
        self.jobs = jobs
        self.connected = False
        self.problem = ""
        self.crowded = ""
        self.tree = app_commands.CommandTree(self)
        self.tree.error(self._failed)
        self.desk = Desk(self, jobs)
        self._recovered = False
        self._sync_wanted = asyncio.Event()
        self._syncing: asyncio.Task[None] | None = None

    async def setup_hook(self) -> None:
        """Offer the commands and see that Discord has them, now and at each change."""
        self.add_dynamic_items(*BUTTONS.values(), *FORM_BUTTONS, *SENDING)
        self.offer()
        self.catalogue.changed = self.offer
        self._syncing = asyncio.create_task(self._keep_synced(), name="sync commands")

    async def close(self) -> None:
        """Leave Discord."""
        if self._syncing is not None:
            self._syncing.cancel()
        await super().close()

    def offer(self) -> None:
        """Make the commands of the catalogue's Spaces the tree's, and have Discord told."""
        self.tree.clear_commands(guild=None)
        for space in self.catalogue.spaces[:MOST]:
            if space.endpoints:
                self.tree.add_command(build(space, self.desk))
        for menu in context_menus(self.desk):
            self.tree.add_command(menu)
        self.crowded = ""
        if len(self.catalogue.spaces) > MOST:
            self.crowded = (
                f"Discord takes {MOST} commands; the Spaces after the {MOST}th are not offered."
            )
            log.error(self.crowded)
        self._sync_wanted.set()

    async def _keep_synced(self) -> None:
        pause = RETRY_FIRST
        while True:
            await self._sync_wanted.wait()
            self._sync_wanted.clear()
            try:
                await self._sync()
                pause = RETRY_FIRST
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                self.problem = f"Discord did not take the commands: {error}. Trying again."
                log.error(self.problem)
                await asyncio.sleep(pause)
                pause = min(2 * pause, RETRY_MOST)
                self._sync_wanted.set()
            else:
                await asyncio.sleep(SETTLE)

    async def _sync(self) -> None:
        """Register the commands where they differ from what is registered.

        `CommandTree.sync` sends the whole list each time, and new names count
        against 200 a day. While a Space has not been heard of yet, what is
        registered and not ours is left standing: it may be that Space's.
        """
        assert self.application_id is not None
        theirs = await self.http.get_global_commands(self.application_id)
        ours = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        if not self.catalogue.complete:
            names = {command["name"] for command in ours}
            ours += [dict(command) for command in theirs if command["name"] not in names]
        if differ(ours, theirs):
            await self.http.bulk_upsert_global_commands(self.application_id, payload=ours)
            log.info("registered %d commands with Discord", len(ours))
        self.registered = len(ours)
        self.problem = ""

    async def on_ready(self) -> None:
        """The gateway has told everything."""
        self.connected = True
        log.info("connected as %s, in %d servers", self.user, len(self.guilds))
        # Ready comes again after a connection that could not be resumed.
        if not self._recovered:
            self._recovered = True
            await self.desk.recover()

    async def on_resumed(self) -> None:
        """The connection was lost and is back."""
        self.connected = True

    async def on_disconnect(self) -> None:
        """The connection was lost; discord.py tries again by itself."""
        self.connected = False

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        """Whoever deletes a job's message cancels the job."""
        self._cancel_at("message", event.message_id, "Its message was deleted.")

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """Whoever deletes a thread cancels its jobs."""
        self._cancel_at("thread", event.thread_id, "Its thread was deleted.")

    async def on_raw_thread_update(self, event: discord.RawThreadUpdateEvent) -> None:
        """Whoever closes a thread cancels its jobs."""
        if event.data.get("thread_metadata", {}).get("archived"):
            self._cancel_at("thread", event.thread_id, "Its thread was closed.")

    def _cancel_at(self, kind: str, snowflake: int, why: str) -> None:
        for running in self.jobs.running:
            place = running.job.place
            if place.get(kind) == snowflake or (
                kind == "thread" and place.get("channel") == snowflake
            ):
                running.cancel(why)

    @property
    def forms(self) -> Forms:
        """The open forms."""
        return self.desk.forms

    async def pressed(self, interaction: discord.Interaction[Any], button: str, *ids: str) -> None:
        """Do what a button is for; failures are told."""
        try:
            await PRESSES[button](self.desk, interaction, *ids)
        except Exception as error:
            await self.tell_failure(interaction, error)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Answer what discord.py does not know: a form from before a restart."""
        await tell_expired(interaction)

    async def on_error(self, event_method: str, /, *_: Any, **__: Any) -> None:
        """Log a bug in an event's handler."""
        log.exception("%s met a bug", event_method)

    async def _failed(
        self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError
    ) -> None:
        """Tell whoever waits for a command that failed before it became a job."""
        cause = getattr(error, "original", error)
        if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
            said = (
                "❌ This command has changed or is no longer offered. Type / to see what there is."
            )
            self._sync_wanted.set()
        else:
            await self.tell_failure(interaction, cause)
            return
        await self._say(interaction, said)

    async def tell_failure(
        self, interaction: discord.Interaction[Any], error: BaseException
    ) -> None:
        """Tell whoever pressed, or filled in a form, what went wrong; a bug is logged."""
        if isinstance(error, discord.NotFound) and error.code == 10062:
            log.warning("an interaction was gone before it could be acknowledged")
            return
        if not isinstance(error, SpacebotError):
            log.error("an interaction failed", exc_info=error)
        await self._say(interaction, words.failure(error))

    async def _say(self, interaction: discord.Interaction[Any], said: str) -> None:
        done = interaction.response.is_done()
        send = interaction.followup.send if done else interaction.response.send_message
        await send(said, ephemeral=True)

    def state(self) -> BotStatus:
        """The state for the page."""
        reason = self.problem or self.crowded
        phase = BotPhase.CONNECTED if self.connected else BotPhase.CONNECTING
        if not self.connected and self.is_ready():
            phase = BotPhase.RETRYING
            reason = "The connection to Discord was lost. It is being made again."
        return BotStatus(
            phase=phase,
            reason=reason,
            name=str(self.user) if self.user else None,
            servers=len(self.guilds),
            latency=self.latency if math.isfinite(self.latency) else None,
            invite=self.invite,
            trouble=Trouble.NETWORK if phase is BotPhase.RETRYING else None,
            shards=self.shard_count or 1,
            commands=self.registered,
        )

    @property
    def invite(self) -> str | None:
        """The address that adds the bot to a server, with the least it needs."""
        if self.application_id is None:
            return None
        return discord.utils.oauth_url(
            self.application_id, permissions=PERMISSIONS, scopes=("bot", "applications.commands")
        )


async def reached(proxy: str) -> Reach:
    """Whether Discord can be reached from here, through the proxy if there is one."""
    return await probe(Route.BASE, str(DiscordWebSocket.DEFAULT_GATEWAY), proxy=proxy)


async def keep_running(
    token: str, make: Callable[[], Bot], tell: Callable[[Bot | None, BotStatus], None]
) -> None:
    """Run the bot until it is cancelled or cannot go on; `tell` hears how it stands.

    What can heal (network, Discord down) is tried again with growing pauses.
    What cannot (a refused token) is not: Discord resets a token after 1,000
    identifies a day.
    """
    pause = RETRY_FIRST
    while True:
        try:
            bot = make()
            tell(bot, BotStatus(BotPhase.CONNECTING))
            async with bot:
                await bot.start(token)
            return
        except Exception as caught:
            error = _network_error(caught)
            status = diagnose(error, pause)
            if status.phase is BotPhase.FAILED:
                log.error(status.reason, exc_info=None if _is_told(error) else error)
            else:
                log.warning("%s (%r)", status.reason, error)
            tell(None, status)
            if status.phase is BotPhase.FAILED:
                return
        await asyncio.sleep(pause)
        pause = min(2 * pause, RETRY_MOST)


def _network_error(error: Exception) -> Exception:
    """What was meant: discord.py stumbles when its first connection to the gateway fails.

    It then asks the missing connection for its sequence, an AttributeError.
    """
    cause = error.__context__
    if isinstance(error, AttributeError) and isinstance(cause, aiohttp.ClientError | OSError):
        return cause
    return error


def _without_traceback(record: logging.LogRecord) -> bool:
    """Make one line of what discord.py logs at each reconnect."""
    if record.exc_info and str(record.msg).startswith("Attempting a reconnect"):
        record.msg = f"Disconnected (%s). {record.msg}"
        record.args = (type(record.exc_info[1]).__name__, *(record.args or ()))
        record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
    return True


logging.getLogger("discord.client").addFilter(_without_traceback)


def _is_told(error: BaseException) -> bool:
    """Whether the sentence says it all, so that a traceback would only bury it."""
    return isinstance(
        error, discord.LoginFailure | discord.PrivilegedIntentsRequired | discord.ConnectionClosed
    )


def diagnose(error: Exception, pause: float) -> BotStatus:
    """What ended the bot → what to tell, and whether it can heal."""
    code = error.code if isinstance(error, discord.ConnectionClosed) else None
    match error:
        case discord.LoginFailure() | discord.ConnectionClosed() if code in (None, 4004):
            return BotStatus(
                BotPhase.FAILED,
                "Discord refused DISCORD_TOKEN. In the Developer Portal, under Bot, press Reset "
                "Token, set the new one as DISCORD_TOKEN, and start again.",
                trouble=Trouble.TOKEN,
            )
        case discord.PrivilegedIntentsRequired():
            return BotStatus(
                BotPhase.FAILED,
                "Discord refused an intent. In the Developer Portal, under Bot, switch Message "
                "Content Intent on, and start again.",
                trouble=Trouble.INTENT,
            )
        case discord.ConnectionClosed() if code in FINAL:
            return BotStatus(
                BotPhase.FAILED,
                f"Discord closed the connection for good ({code}). Update Spacebot and start "
                "again; if it stays, please report it.",
            )
        case aiohttp.ClientError() | OSError() | TimeoutError():
            return BotStatus(
                BotPhase.RETRYING,
                f"Discord cannot be reached from here; trying again in {words.duration(pause)}. "
                "If it stays so, this host may block Discord: set DISCORD_PROXY.",
                trouble=Trouble.NETWORK,
            )
        case discord.HTTPException() | discord.GatewayNotFound() | discord.ConnectionClosed():
            return BotStatus(
                BotPhase.RETRYING,
                f"Discord has trouble; trying again in {words.duration(pause)}.",
                trouble=Trouble.DISCORD,
            )
        case _:
            return BotStatus(
                BotPhase.FAILED,
                "The bot stopped by a mistake of its own; its log says where. Start it again, and "
                "please report it.",
                trouble=Trouble.BUG,
            )
