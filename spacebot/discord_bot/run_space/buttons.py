"""The components of an offer: the button for the best endpoint, and the select of others."""

from __future__ import annotations

from typing import Any, cast

import discord

from spacebot.discord_bot.button_base import ComponentHandler
from spacebot.discord_bot.delivery import answer_privately
from spacebot.discord_bot.run_space.offer import (
    SpaceOffer,
    account_of,
    bot_with_offers,
    key_of,
    offer_view,
    open_form,
)
from spacebot.discord_bot.run_space.wishes import Wish, ranked
from spacebot.errors import EndpointGone
from spacebot.models import Endpoint, Space

SPACE_NAME = r"(?P<space>[\w.-]+/[\w.-]+)"
FUNCTION_GONE = "The Space has changed and no longer has this function. Use `/run` again."
FORM = discord.InteractionResponseType.modal
WISH_FORGOTTEN = (
    "⌛ This offer is over a day old, or the bot was restarted since. A text or file that you gave "
    "with it is no longer in the form: add it again."
)


class OfferHandler(ComponentHandler, template="^$"):
    """Handles a component of an offer by the Space's name in its id, even after a restart."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Continue with the Space's last description; read it again if that is gone."""
        name, dispatcher = self.ids[-1], bot_with_offers(interaction).dispatcher
        dispatcher.check_any_space(interaction)
        catalogue = dispatcher.jobs.catalogue
        remembered = self._wish(interaction)
        wish = remembered or Wish()
        space = await catalogue.last_known(name, await account_of(interaction, name))
        if space is None:
            await SpaceOffer(interaction, wish).make(name, None)
        else:
            await self.chosen(interaction, space, ranked(space, wish), wish)
        if remembered is None and interaction.response.type is FORM:
            await answer_privately(interaction, WISH_FORGOTTEN)

    @staticmethod
    def _wish(interaction: discord.Interaction[Any]) -> Wish | None:
        message = interaction.message
        return bot_with_offers(interaction).wishes.of(message.id) if message else None

    async def chosen(
        self,
        interaction: discord.Interaction[Any],
        space: Space,
        found: list[Endpoint],
        wish: Wish,
    ) -> None:
        """Do what this component is for."""
        raise NotImplementedError


class TryButton(OfferHandler, template=rf"try:(?P<key>[0-9a-f]{{4}}):{SPACE_NAME}"):
    """Opens the form of the endpoint that is offered first."""

    async def chosen(
        self,
        interaction: discord.Interaction[Any],
        space: Space,
        found: list[Endpoint],
        wish: Wish,
    ) -> None:
        """Open it."""
        endpoint = next((one for one in found if key_of(one) == self.ids[0]), None)
        if endpoint is None:
            raise EndpointGone(FUNCTION_GONE)
        await open_form(interaction, space, endpoint, wish)


class FunctionSelect(OfferHandler, template=rf"fn:{SPACE_NAME}"):
    """Opens the form of another endpoint, or shows more of them."""

    async def chosen(
        self,
        interaction: discord.Interaction[Any],
        space: Space,
        found: list[Endpoint],
        wish: Wish,
    ) -> None:
        """Open it, or turn the page."""
        value = str(cast(Any, interaction.data)["values"][0])
        if value.startswith("+") and value[1:].isdecimal():
            start = int(value[1:]) if int(value[1:]) < len(found) else 0
            await interaction.response.edit_message(view=offer_view(space, found, start))
            return
        endpoint = next((one for one in found if one.api_name == value), None)
        if endpoint is None:
            raise EndpointGone(FUNCTION_GONE)
        await open_form(interaction, space, endpoint, wish)


RUN_SPACE: tuple[type[ComponentHandler], ...] = (TryButton, FunctionSelect)
