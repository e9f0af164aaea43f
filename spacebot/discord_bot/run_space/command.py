"""/run: any Space of the Hub that the owner allows, once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import discord
from discord import app_commands

from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.registration.commands import FOR_EVERYONE
from spacebot.discord_bot.run_space.offer import offer_space
from spacebot.engine.catalogue import Catalogue, marked_spaces
from spacebot.engine.on_demand import RUN, is_hub_name
from spacebot.engine.space_finder import MAX_SUGGESTIONS, SUGGESTION_TIMEOUT, suggest_spaces
from spacebot.errors import SpacebotError
from spacebot.models import Choice, is_among
from spacebot.spaces.inputs.components.base import MAX_CHOICE_LENGTH
from spacebot.wording import clip

Choices = list[app_commands.Choice[str]]


def run_commands(dispatcher: Dispatcher) -> Iterator[app_commands.Command[Any, ..., Any]]:
    """The command, if the owner lets members use other Spaces."""
    on_demand = dispatcher.jobs.catalogue.on_demand
    if on_demand is None or not on_demand.policy.is_open:
        return

    @app_commands.describe(
        space="Its name (owner/name), or the address of its page",
        endpoint="One of its functions; by default, the most likely one",
        wish="What you want; it goes into the prompt",
        file="A file to use",
    )
    async def use(
        interaction: discord.Interaction[Any],
        space: str,
        endpoint: str | None = None,
        wish: str = "",
        file: discord.Attachment | None = None,
    ) -> None:
        await offer_space(interaction, space, endpoint, wish=wish, file=file)

    run = app_commands.Command(
        name=RUN,
        description="Run any Space on Hugging Face, once",
        callback=use,
        **FOR_EVERYONE,
    )

    @run.autocomplete("space")
    async def suggest_space(interaction: discord.Interaction[Any], text: str) -> Choices:
        adult = dispatcher.age.takes(interaction)
        guild = interaction.guild_id
        return _choices(await _spaces(dispatcher.jobs.catalogue, text, guild, adult=adult))

    @run.autocomplete("endpoint")
    async def suggest_endpoint(interaction: discord.Interaction[Any], text: str) -> Choices:
        space = str(interaction.namespace.space or "")
        return _choices(await _endpoints(dispatcher.jobs.catalogue, space, text))

    yield run


async def _spaces(
    catalogue: Catalogue, text: str, guild: int | None, *, adult: bool
) -> list[Choice]:
    """The Spaces whose names contain a text: the server's, the owner's, then the Hub's."""
    on_demand = catalogue.on_demand
    assert on_demand is not None
    policy = on_demand.policy
    marked = await marked_spaces(catalogue, guild, adult=adult)
    own = [one.source.space for one in catalogue.spaces if adult or not one.nsfw]
    own += [pattern for pattern in policy.allowed if policy.allows(pattern)]
    return await suggest_spaces(
        on_demand.hub,
        text,
        filter(is_hub_name, own),
        added=_added(catalogue, guild, marked, adult=adult),
        allows=policy.allows,
        adult=adult,
        marked=marked,
    )


async def _added(
    catalogue: Catalogue, guild: int | None, marked: Collection[str], *, adult: bool
) -> list[str]:
    """The Spaces that a server added, without the marked ones."""
    if catalogue.added is None or guild is None:
        return []
    found = await catalogue.added.spaces(str(guild), wait=SUGGESTION_TIMEOUT)
    shown = [one for one in found if not is_among(marked, one.source.space, one.hub_id)]
    return [one.source.space for one in shown if adult or not one.nsfw]


async def _endpoints(catalogue: Catalogue, space: str, text: str) -> list[Choice]:
    """The functions of a Space that was read before; typing alone never reads one."""
    try:
        known = await catalogue.last_known(space)
    except SpacebotError:
        return []
    wanted = text.strip().casefold()
    found = [one for one in (known.endpoints if known else ()) if wanted in one.name.casefold()]
    return [
        Choice(clip(f"{one.name}: {one.description}", MAX_CHOICE_LENGTH), one.name)
        for one in found[:MAX_SUGGESTIONS]
    ]


def _choices(found: list[Choice]) -> Choices:
    return [app_commands.Choice(name=one.label, value=str(one.value)) for one in found]
