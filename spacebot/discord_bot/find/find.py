"""`/find`: asking, showing the findings, trying one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import discord
from discord import app_commands, ui

from spacebot.discord_bot.button_base import BotModal, ComponentHandler
from spacebot.discord_bot.delivery.attachments import pending_file
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.find.answers import findings_message
from spacebot.discord_bot.open_menus import MENU_EXPIRED, MENU_ID, MENU_TTL, OpenMenus
from spacebot.discord_bot.registration.commands import FOR_EVERYONE
from spacebot.discord_bot.run_space import Wish, offer_space
from spacebot.engine.catalogue import hidden_spaces
from spacebot.engine.space_finder import Answer, SpaceFinder, SpaceQuery
from spacebot.models import File

MAX_WISH = 200
# Each holds up to ten answers.
MAX_OPEN = 1000
FIND_NAME = "find"
DESCRIPTION = "Find a command or a Space for what you want to do"
WISH = "What you want, in your own words: remove the background, a song about rain"
FILE = "A file the wish is about: a picture, sound, video or text"
# What a wish can be about: a file, or a text.
Thing = discord.Attachment | File | str


@dataclass(frozen=True, slots=True)
class FoundMenu:
    """What was found for a member, and the values for its forms."""

    wish: Wish
    answers: tuple[Answer, ...]


class Find:
    """Finds commands and Spaces for a wish, and tries them on the spot."""

    def __init__(self, dispatcher: Dispatcher, finder: SpaceFinder) -> None:
        self.dispatcher = dispatcher
        self.finder = finder
        self.menus: OpenMenus[FoundMenu] = OpenMenus(MAX_OPEN)

    @classmethod
    def over(cls, dispatcher: Dispatcher) -> Find:
        """How to search the Hub for Spaces that the owner allows members to use."""
        catalogue = dispatcher.jobs.catalogue
        spaces, hub = catalogue.on_demand, catalogue.hub
        if spaces is None or not spaces.policy.is_open:
            return cls(dispatcher, SpaceFinder(hub, allows=lambda _space, _hub_id: False))
        finder = SpaceFinder(hub, allows=spaces.policy.allows, known=spaces.last_known)
        return cls(dispatcher, finder)

    def command(self) -> app_commands.Command[Any, ..., Any]:
        """The command `/find`."""

        @app_commands.describe(wish=WISH, file=FILE)
        async def find(
            interaction: discord.Interaction[Any],
            wish: app_commands.Range[str, 1, MAX_WISH],
            file: discord.Attachment | None = None,
        ) -> None:
            await self.answer(interaction, wish, file)

        return app_commands.Command(
            name=FIND_NAME,
            description=DESCRIPTION,
            callback=find,
            **FOR_EVERYONE,
        )

    async def answer(
        self, interaction: discord.Interaction[Any], text: str, thing: Thing | None
    ) -> None:
        """Answer an interaction privately with the results for a wish."""
        self.dispatcher.check_any_space(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        wish = _wish(text, thing)
        query = _query(text, wish.file)
        catalogue, guild = self.dispatcher.jobs.catalogue, interaction.guild_id
        spaces = await catalogue.spaces_in(guild)
        adult = self.dispatcher.age.takes(interaction)
        hidden = await hidden_spaces(catalogue, guild, adult=adult)
        own = catalogue.connections
        found = await self.finder.find(query, spaces, adult=adult, hidden=hidden, own=own)
        # A menu stays for an hour and would hold the endpoints of its Spaces in memory.
        answers = tuple(replace(one, endpoint=None) for one in found.answers)
        menu = self.menus.add(FoundMenu(wish, answers))
        await interaction.edit_original_response(**findings_message(menu, query, found))

    async def ask_wish(
        self, interaction: discord.Interaction[Any], thing: Thing, label: str
    ) -> None:
        """Ask what to do with an item, then search for it."""
        await interaction.response.send_modal(WishForm(self, thing, label))

    async def try_one(
        self, interaction: discord.Interaction[Any], menu: FoundMenu, answer: Answer
    ) -> None:
        """Open the form of a finding, filled with the wish and its file."""
        wish = menu.wish
        if not answer.command:
            await offer_space(interaction, answer.space, wish=wish.text, file=wish.file)
            return
        # In its current form.
        endpoint = (await self.dispatcher.commands_for(interaction)).get(answer.command)
        if endpoint is None:
            await interaction.response.send_message(MENU_EXPIRED, ephemeral=True)
            return
        self.dispatcher.age.check(interaction, endpoint)
        filled = wish.arguments_for(endpoint)
        await self.dispatcher.ask(interaction, answer.command, endpoint, filled)


def _wish(text: str, thing: Thing | None) -> Wish:
    """The values for forms: a text to work on is the prompt, otherwise the wish itself."""
    if isinstance(thing, str):
        return Wish(thing)
    return Wish(text, pending_file(thing) if isinstance(thing, discord.Attachment) else thing)


def _query(text: str, file: Any) -> SpaceQuery:
    """What to search for."""
    return SpaceQuery(text, file.name, file.mime) if isinstance(file, File) else SpaceQuery(text)


class WishForm(BotModal):
    """Asks what a member wants to do with something."""

    def __init__(self, find: Find, thing: Thing, label: str) -> None:
        super().__init__("find", title="Another Space", timeout=MENU_TTL)
        self._find = find
        self._thing = thing
        self._text: ui.TextInput[Any] = ui.TextInput(max_length=MAX_WISH)
        self.add_item(ui.Label(text=label, component=self._text))

    async def submitted(self, interaction: discord.Interaction) -> None:
        """Search for it."""
        await self._find.answer(interaction, self._text.value, self._thing)


class TryAnswer(ComponentHandler, template=rf"find:{MENU_ID}"):
    """Tries the chosen answer."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Open its form."""
        find: Find = cast(Any, interaction.client).find
        menu = find.menus.get(self.ids[0])
        picked = cast(Any, interaction.data)["values"][0]
        answers = {str(number): one for number, one in enumerate(menu.answers, 1)} if menu else {}
        answer = answers.get(picked)
        if menu is None or answer is None:
            await interaction.response.send_message(MENU_EXPIRED, ephemeral=True)
        else:
            await find.try_one(interaction, menu, answer)


FIND: tuple[type[ComponentHandler], ...] = (TryAnswer,)
