"""Keeping the client running: what ends it, what to report, and whether it can recover."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import replace

import aiohttp
import discord

from spacebot.concurrency import growing_pauses
from spacebot.discord_bot.client import FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE, Bot
from spacebot.engine import job_text
from spacebot.errors import StoreError
from spacebot.models import BotPhase, BotProblem, BotStatus

log = logging.getLogger(__name__)

# The gateway's close codes after which it must not be retried: sharding, version, intents.
FINAL_CLOSE_CODES = range(4010, 4014)
# Bots that share an address should not all return in the second in which a limit ends.
MAX_JITTER = 30.0
SET_PROXY = "If this continues, this host may block Discord: set DISCORD_PROXY."
CHECK_PROXY = "If this continues, check the proxy: it must pass HTTPS and WebSockets on to Discord."


async def keep_running(
    token: str,
    make: Callable[[], Bot],
    tell: Callable[[Bot | None, BotStatus], None],
    proxy: str = "",
) -> None:
    """Run the bot until it is cancelled or cannot continue; `tell` receives its status.

    `proxy` is the setting that names the proxy to Discord, if there is one.

    Temporary failures (network, Discord or the database down) are retried with growing
    pauses. Permanent ones (a rejected token) are not: Discord resets a token after 1,000
    identifies a day.
    """
    pauses = growing_pauses(FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE)
    refused = False
    while True:
        bot = None
        try:
            bot = make()
            if refused:
                bot.privileged_intents.refuse()
            tell(bot, BotStatus(BotPhase.CONNECTING))
            async with bot:
                try:
                    await bot.start(token)
                finally:
                    # Closing it makes it forget.
                    if bot.is_ready():
                        pauses = growing_pauses(FIRST_RETRY_PAUSE, MAX_RETRY_PAUSE)
            return
        except Exception as caught:
            error = _network_error(caught, known=bot is None or bot.user is not None)
            if isinstance(error, discord.PrivilegedIntentsRequired) and not refused:
                # Despite the application's flags: everything else works without it.
                log.warning("Discord refused a privileged intent: going on without")
                refused = True
                continue
            pause = next(pauses)
            status = diagnose(error, pause, proxy)
            limit = bot.limits.limit if bot else None
            if bot and limit and status.trouble in (BotProblem.DISCORD, BotProblem.NETWORK):
                status = replace(
                    status,
                    reason=bot.limits.sentence(limit),
                    trouble=BotProblem.DISCORD,
                    until=limit.until,
                )
                pause = limit.seconds_left + random.uniform(0, MAX_JITTER)
            if status.phase is BotPhase.FAILED:
                log.error(status.reason, exc_info=None if _is_told(error) else error)
            else:
                log.warning("%s (%s)", status.reason, _brief(error))
            tell(None, status)
            if status.phase is BotPhase.FAILED:
                return
        await asyncio.sleep(pause)


def _network_error(error: Exception, *, known: bool) -> Exception:
    """The underlying error: before the bot is `known` to Discord, discord.py takes a proxy's or
    firewall's answer for Discord's."""
    if not known and isinstance(error, TypeError | KeyError):
        return aiohttp.ClientError(f"not Discord's answer: {error}")
    return error


def _brief(error: Exception) -> str:
    """An error for the log, without Cloudflare's pages and headers with passwords."""
    match error:
        case aiohttp.ClientResponseError() | discord.HTTPException(code=0):
            return f"{type(error).__name__} {error.status}"
        case _:
            return repr(error)


def _is_told(error: BaseException) -> bool:
    """Whether the sentence says everything, so that a traceback would only bury it."""
    return isinstance(
        error, discord.LoginFailure | discord.PrivilegedIntentsRequired | discord.ConnectionClosed
    )


def diagnose(error: Exception, pause: float, proxy: str = "") -> BotStatus:
    """What ended the bot → what to report, and whether it can recover."""
    code = error.code if isinstance(error, discord.ConnectionClosed) else None
    match error:
        case discord.LoginFailure() | discord.ConnectionClosed() if code in (None, 4004):
            return BotStatus(
                BotPhase.FAILED,
                "Discord refused DISCORD_TOKEN. In the Developer Portal, under Bot, press Reset "
                "Token, set the new one as DISCORD_TOKEN, and start again.",
                trouble=BotProblem.TOKEN,
            )
        case discord.PrivilegedIntentsRequired():
            return BotStatus(
                BotPhase.FAILED,
                "Discord refused an intent. In the Developer Portal, under Bot, switch Message "
                "Content Intent on, and start again.",
                trouble=BotProblem.INTENT,
            )
        case discord.ConnectionClosed() if code in FINAL_CLOSE_CODES:
            return BotStatus(
                BotPhase.FAILED,
                f"Discord closed the connection for good ({code}). Update Spacebot and start "
                "again; if that does not help, please report it.",
            )
        case aiohttp.ClientError() | OSError() | TimeoutError():
            return BotStatus(
                BotPhase.RETRYING,
                f"Discord cannot be reached {f'through {proxy}' if proxy else 'from here'}; trying "
                f"again in {job_text.duration(pause)}. {CHECK_PROXY if proxy else SET_PROXY}",
                trouble=BotProblem.NETWORK,
            )
        case (
            discord.HTTPException()
            | discord.RateLimited()
            | discord.GatewayNotFound()
            | discord.ConnectionClosed()
        ):
            return BotStatus(
                BotPhase.RETRYING,
                f"Discord is having problems; trying again in {job_text.duration(pause)}.",
                trouble=BotProblem.DISCORD,
            )
        case StoreError():
            return BotStatus(BotPhase.RETRYING, str(error), trouble=BotProblem.STORE)
        case _:
            return BotStatus(
                BotPhase.FAILED,
                "The bot stopped because of a bug; the log has the details. Start it again, and "
                "please report it.",
                trouble=BotProblem.BUG,
            )
