"""Running a command with earlier values, asking for those that cannot be reused."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import discord

from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.models import Endpoint
from spacebot.spaces import inputs


async def rerun(
    dispatcher: Dispatcher,
    interaction: discord.Interaction[Any],
    command: str,
    endpoint: Endpoint,
    values: Mapping[str, Any],
    *,
    before: Collection[str],
    **more: Any,
) -> None:
    """Run an endpoint, in its current form, with what is left of earlier values.

    `before` names the options that had a value. Those without one now are asked for: secrets, files
    that are gone, and values that the Space no longer takes. Options that are gone are left out.
    """
    # A built-in command checks its values itself, against what the server has.
    built_in = endpoint.space in dispatcher.jobs.catalogue.built_in
    fitting = dict(values) if built_in else inputs.still_fitting(endpoint, values)
    by_option = {
        option.name: parameter.name
        for parameter in endpoint.parameters
        for option in inputs.own_options(parameter)
    }
    lost = set(before) - fitting.keys()
    asked = {by_option[name] for name in lost & by_option.keys()}
    await dispatcher.run_or_ask(interaction, command, endpoint, fitting, ask=asked, **more)
