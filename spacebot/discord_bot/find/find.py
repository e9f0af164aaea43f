"""`/find`: asking, showing what was found, trying it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Protocol, cast

import discord
from discord import app_commands, ui

from spacebot.discord_bot.button_base import ComponentHandler, bot_of
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.find.answers import findings_message
from spacebot.discord_bot.find.sought import Sought
from spacebot.discord_bot.open_menus import MENU_EXPIRED, MENU_ID, MENU_TTL, OpenMenus
from spacebot.discord_bot.registration.commands import EVERYWHERE, INSTALL_TYPES
from spacebot.engine.space_finder import Answer, Findings, SpaceFinder
from spacebot.models import File

MAX_WISH = 200
# Each holds up to ten answers.
MAX_OPEN = 1000
FIND_NAME = "find"
DESCRIPTION = "Find a command or a Space for what you want to do"
WISH = "What you want, in your own words: remove the background, a song about rain"
FILE = "What it is about: a picture, a sound, a video, a text"


class OfferSpace(Protocol):
    """Opens a Space's form; a `file` goes into the first option that takes it."""

    async def __call__(
        self,
        interaction: discord.Interaction[Any],
        space: str,
        *,
        wish: str,
        file: File | None,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class FoundMenu:
    """What was found for a member."""

    sought: Sought
    answers: tuple[Answer, ...]


class Find:
    """Finds commands and Spaces for a wish, and tries one where it was found."""

    def __init__(
        self, dispatcher: Dispatcher, finder: SpaceFinder, offer_space: OfferSpace | None = None
    ) -> None:
        self.dispatcher = dispatcher
        self.finder = finder
        self.menus: OpenMenus[FoundMenu] = OpenMenus(MAX_OPEN)
        self._offer_space = offer_space

    @classmethod
    def over(cls, dispatcher: Dispatcher, offer_space: OfferSpace) -> Find:
        """What finds the Hub's Spaces as far as the owner lets members use them."""
        catalogue = dispatcher.jobs.catalogue
        spaces, hub = catalogue.on_demand, catalogue.hub
        if spaces is None or not spaces.policy.is_open:
            return cls(dispatcher, SpaceFinder(hub, allows=lambda _: False))
        finder = SpaceFinder(hub, allows=spaces.policy.allows, known=spaces.last_known)
        return cls(dispatcher, finder, offer_space)

    def command(self) -> app_commands.Command[Any, ..., Any]:
        """The command `/find`."""

        @app_commands.describe(wish=WISH, file=FILE)
        async def find(
            interaction: discord.Interaction[Any],
            wish: app_commands.Range[str, 1, MAX_WISH],
            file: discord.Attachment | None = None,
        ) -> None:
            await self.answer(interaction, Sought.of(wish, file))

        return app_commands.Command(
            name=FIND_NAME,
            description=DESCRIPTION,
            callback=find,
            allowed_contexts=EVERYWHERE,
            allowed_installs=INSTALL_TYPES,
        )

    async def answer(self, interaction: discord.Interaction[Any], sought: Sought) -> None:
        """Answer an interaction by what is found, to this member alone."""
        self.dispatcher.check_any_space(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        found = await self._find(interaction, sought)
        menu = self.menus.add(FoundMenu(sought, found.answers))
        shown = findings_message(menu, sought, found, only_commands=self._offer_space is None)
        await interaction.edit_original_response(**shown)

    async def _find(self, interaction: discord.Interaction[Any], sought: Sought) -> Findings:
        spaces = await self.dispatcher.jobs.catalogue.spaces_in(interaction.guild_id)
        adult = self.dispatcher.age.takes(interaction)
        return await self.finder.find(sought.for_finder, spaces, adult=adult)

    async def ask_wish(
        self,
        interaction: discord.Interaction[Any],
        thing: discord.Attachment | File | str,
        label: str,
    ) -> None:
        """Ask what is to be done with a thing, then find it."""
        await interaction.response.send_modal(WishForm(self, thing, label))

    async def try_one(
        self, interaction: discord.Interaction[Any], menu: FoundMenu, answer: Answer
    ) -> None:
        """Open the form of what was found, filled with the wish and its file."""
        sought = menu.sought
        if not answer.command and self._offer_space is not None:
            await self._offer_space(interaction, answer.space, wish=sought.prompt, file=sought.file)
            return
        # As it is offered now.
        endpoint = (await self.dispatcher.commands_for(interaction)).get(answer.command)
        if endpoint is None:
            await interaction.response.send_message(MENU_EXPIRED, ephemeral=True)
            return
        arguments = sought.arguments(endpoint)
        await self.dispatcher.ask(interaction, answer.command, endpoint, arguments)


class WishForm(ui.Modal):
    """Asks what a member wants to do with something."""

    def __init__(self, find: Find, thing: discord.Attachment | File | str, label: str) -> None:
        # After a restart the bot says that a form of this name is too old.
        custom_id = f"form:find:{secrets.token_hex(6)}"
        super().__init__(title="Another Space", timeout=MENU_TTL, custom_id=custom_id)
        self._find = find
        self._thing = thing
        self._text: ui.TextInput[Any] = ui.TextInput(max_length=MAX_WISH)
        self.add_item(ui.Label(text=label, component=self._text))

    async def on_submit(self, interaction: discord.Interaction[Any], /) -> None:
        """Find it."""
        interaction.extras["form"] = self.custom_id
        await self._find.answer(interaction, Sought.of(self._text.value, self._thing))

    async def on_error(self, interaction: discord.Interaction[Any], error: Exception, /) -> None:
        """Hand what fails to the bot's one error handler."""
        await bot_of(interaction).tell_failure(interaction, error)


class TryAnswer(ComponentHandler, template=rf"find:{MENU_ID}"):
    """Tries what was picked of the answers."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Open its form."""
        find: Find = cast(Any, interaction.client).find
        menu = find.menus.get(self.ids[0])
        picked = cast(Any, interaction.data)["values"][0]
        answers = dict(enumerate(menu.answers, 1)) if menu else {}
        answer = answers.get(int(picked)) if picked.isdecimal() else None
        if menu is None or answer is None:
            await interaction.response.send_message(MENU_EXPIRED, ephemeral=True)
        else:
            await find.try_one(interaction, menu, answer)


FIND: tuple[type[ComponentHandler], ...] = (TryAnswer,)
