"""Offering a Space: reading it on the spot, its best endpoint first, and the form for it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import zlib
from collections.abc import Mapping
from typing import Any, Protocol, cast

import discord
from discord import ui

from spacebot.discord_bot.button_base import bot_of
from spacebot.discord_bot.delivery import DISCORD_ERRORS, NO_PINGS
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.run_space.wishes import Wish, Wishes, ranked
from spacebot.engine import job_text
from spacebot.engine.on_demand import NONE_ALLOWED, one_off_command
from spacebot.errors import (
    EndpointGone,
    SpacebotError,
    SpaceNotAllowed,
    SpaceRenamed,
    kind_of,
)
from spacebot.models import NO_ACCOUNT, Account, Endpoint, File, Space
from spacebot.wording import clip

log = logging.getLogger(__name__)

# A Space that is read this fast gets its form at once: Discord opens a form only as the first
# answer to an interaction, within 3 s.
QUICK = 1.5
NEWS_INTERVAL = 2.0
# Discord allows edits of the answer for 15 minutes.
MAX_READING = 840.0
# How long stopping the bot waits for Discord to accept the notice, in seconds.
STOP_WAIT = 2.0
STOPPED = "⌛ The bot is restarting. Use `/run` again in a minute."
OPTIONS_PER_PAGE = 24
MAX_OPTION_LENGTH = MAX_ID_LENGTH = 100


class HasOffers(Protocol):
    """What an offer needs from the bot."""

    dispatcher: Dispatcher
    wishes: Wishes


def bot_with_offers(interaction: discord.Interaction[Any]) -> HasOffers:
    """The bot that received an interaction."""
    return cast(HasOffers, interaction.client)


async def offer_space(
    interaction: discord.Interaction[Any],
    space: str,
    endpoint: str | None = None,
    *,
    arguments: Mapping[str, Any] | None = None,
    wish: str = "",
    file: discord.Attachment | File | None = None,
) -> None:
    """Answer an interaction with a Space to try, however long that takes.

    `space` is as a member wrote it, `endpoint` an API name or an endpoint's name. `wish` goes into
    the prompt, `file` into the first option that takes it. Raises `SpacebotError` if nothing was
    answered yet.
    """
    bot_of(interaction).dispatcher.check_any_space(interaction)
    await SpaceOffer(interaction, Wish(wish, file, arguments or {})).make(space, endpoint)


class SpaceOffer:
    """One offer, in the private answer to one interaction."""

    def __init__(self, interaction: discord.Interaction[Any], wish: Wish) -> None:
        self.interaction = interaction
        self.wish = wish
        self.bot = bot_with_offers(interaction)
        self.catalogue = self.bot.dispatcher.jobs.catalogue
        if self.catalogue.on_demand is None:
            raise SpaceNotAllowed(NONE_ALLOWED)
        self.guests = self.catalogue.on_demand
        self.space, self.account = "", NO_ACCOUNT
        self._shown = ""

    async def make(self, written: str, endpoint: str | None) -> None:
        """Read the Space, then open the form of a single endpoint, or offer its endpoints."""
        reading = asyncio.create_task(self._read(written, endpoint))
        try:
            done, _ = await asyncio.wait({reading}, timeout=QUICK)
            if done:
                await self._answer(*reading.result(), named=endpoint is not None)
            else:
                await self._wait(reading, written)
        finally:
            reading.cancel()

    async def _read(self, written: str, endpoint: str | None) -> tuple[Space, list[Endpoint]]:
        """The Space, and its endpoints with the best first."""
        name = await self.guests.named(written, str(self.interaction.user.id))
        try:
            space = await self._load(name)
        except SpaceRenamed as error:
            space = await self._load(error.name)
        found = ranked(space, self.wish)
        if endpoint:
            named = [one for one in found if endpoint.lstrip("/") in (one.name, one.api_name[1:])]
            # Naming an endpoint also finds those not offered to everyone.
            api_name = "/" + endpoint.lstrip("/")
            found = named or [await self.catalogue.find(self.space, api_name, account=self.account)]
        if not found:
            raise EndpointGone(_nothing_usable(space))
        self.bot.dispatcher.age.check(self.interaction, found[0])
        return space, found

    async def _load(self, name: str) -> Space:
        self.space = name
        self.account = await account_of(self.interaction, name)
        return await self.catalogue.load(name, self.account)

    async def _answer(self, space: Space, found: list[Endpoint], *, named: bool) -> None:
        """Answer at once: with the form, if there is no choice to make."""
        if named or len(found) == 1:
            await open_form(self.interaction, space, found[0], self.wish)
            return
        answer = await self.interaction.response.send_message(
            offer_text(space, found[0], self.wish),
            view=offer_view(space, found),
            ephemeral=True,
            allowed_mentions=NO_PINGS,
        )
        self._remember(answer.message_id)

    async def _wait(
        self, reading: asyncio.Task[tuple[Space, list[Endpoint]]], written: str
    ) -> None:
        """Say what the bot waits for, in a private message that becomes the offer."""
        if task := asyncio.current_task():
            self.bot.wishes.readings.hold(task)
        text = self._news(written)
        answer = await self.interaction.response.send_message(
            text, ephemeral=True, allowed_mentions=NO_PINGS
        )
        self._shown = text
        try:
            async with asyncio.timeout(MAX_READING):
                while not (await asyncio.wait({reading}, timeout=NEWS_INTERVAL))[0]:
                    await self._show(self._news(written))
            space, found = reading.result()
        except asyncio.CancelledError:
            async with asyncio.timeout(STOP_WAIT):
                await self._show(STOPPED)
            raise
        except TimeoutError:
            await self._show("⏳ The Space is still starting. Use `/run` again in a few minutes.")
        except SpacebotError as error:
            log.info("a Space could not be offered: %s", kind_of(error))
            await self._show(job_text.describe_failure(error))
        else:
            self._remember(answer.message_id)
            await self._show(offer_text(space, found[0], self.wish), offer_view(space, found))

    def _news(self, written: str) -> str:
        """What the Space is waiting for, according to the Hub."""
        note, left = self.guests.news(self.space, self.account)
        about = f", about {job_text.duration(left)} left" if left and left >= 1 else ""
        name = job_text.harmless_line(written, 100)
        return f"⏳ Reading **{name}**{f' · {note}' if note else ''}{about}"

    async def _show(self, text: str, view: ui.View | None = None) -> None:
        if text == self._shown and view is None:
            return
        self._shown = text
        with contextlib.suppress(*DISCORD_ERRORS):
            await self.interaction.edit_original_response(
                content=text, view=view, allowed_mentions=NO_PINGS
            )

    def _remember(self, message: int | None) -> None:
        if message is not None:
            self.bot.wishes.remember(message, self.wish)


async def account_of(interaction: discord.Interaction[Any], space: str) -> Account:
    """The Hugging Face account that a member uses a Space with; raises `HubTokenRefused`."""
    jobs = bot_with_offers(interaction).dispatcher.jobs
    found = await jobs.account(None, str(interaction.user.id), interaction.guild_id)
    return jobs.catalogue.account_for(space, found)


async def open_form(
    interaction: discord.Interaction[Any], space: Space, endpoint: Endpoint, wish: Wish
) -> None:
    """Answer an interaction with an endpoint's form, or run it if it needs no input."""
    dispatcher = bot_with_offers(interaction).dispatcher
    dispatcher.age.check(interaction, endpoint)
    command = one_off_command(space, endpoint)
    await dispatcher.ask(interaction, command, endpoint, wish.arguments_for(endpoint))


def offer_text(space: Space, best: Endpoint, wish: Wish) -> str:
    """The text of an offer."""
    title = job_text.harmless_line(space.title or space.source.space, 100)
    lines = [f"**{title}** · <{space.source.url}>"]
    lines.append(f"`{best.name}`: {job_text.harmless_line(best.description, 300)}")
    if wish.file is not None and wish.file_option(best) is None:
        lines.append("-# It does not accept your kind of file.")
    if wish.text and not wish.is_taken_by(best) and not wish.arguments_for(best):
        lines.append("-# It takes no text: fill in what it asks for.")
    return "\n".join(lines)


def offer_view(space: Space, found: list[Endpoint], start: int = 1) -> ui.View:
    """The button for the best endpoint, and a select with others from `start` on."""
    view = ui.View(timeout=None)
    best, name = found[0], space.source.space
    label = "Open the form" if best.parameters else "Run it"
    style = discord.ButtonStyle.primary
    custom_id = f"try:{key_of(best)}:{name}"
    if len(custom_id) <= MAX_ID_LENGTH:
        view.add_item(ui.Button(label=label, style=style, custom_id=custom_id))
    if len(found) > 1:
        view.add_item(_endpoint_select(name, found, start))
    view.stop()
    return view


def key_of(endpoint: Endpoint) -> str:
    """Four letters that identify an endpoint in a button's id."""
    return f"{zlib.crc32(endpoint.api_name.encode()) & 0xFFFF:04x}"


def _endpoint_select(name: str, found: list[Endpoint], start: int) -> ui.Select[Any]:
    page = found[start : start + OPTIONS_PER_PAGE]
    options = [
        discord.SelectOption(
            label=clip(one.name, MAX_OPTION_LENGTH),
            value=one.api_name,
            description=clip(one.description, MAX_OPTION_LENGTH) or None,
        )
        for one in page
        if len(one.api_name) <= MAX_OPTION_LENGTH
    ]
    following = start + OPTIONS_PER_PAGE
    if len(found) > 1 + OPTIONS_PER_PAGE:
        following = following if following < len(found) else 0
        more = f"More functions ({len(found)} in all)"
        options.append(discord.SelectOption(label=more, value=f"+{following}"))
    return ui.Select(custom_id=f"fn:{name}", options=options, placeholder="Another function")


def _nothing_usable(space: Space) -> str:
    why = f" {job_text.exclusion(space.excluded[0])}" if space.excluded else ""
    return f"{space.source.space} has no function that can be used here.{why}"
