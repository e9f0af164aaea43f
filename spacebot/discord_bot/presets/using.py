"""Running a preset: its values, for the command as it is now."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import discord

from spacebot.discord_bot.buttons import rerun
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.run_space import Wish
from spacebot.discord_bot.run_space.offer import account_of
from spacebot.engine.jobs import arguments_of
from spacebot.engine.on_demand import is_one_off
from spacebot.engine.store import Preset
from spacebot.errors import InputError
from spacebot.models import Endpoint, File
from spacebot.spaces import inputs

# How long reading a Space may delay the answer, which Discord wants within 3 s: a Space not read
# for an hour is then used as last read.
READ_WAIT = 0.8
ELSEWHERE = "This preset runs a command of a server. Use it in that server."


class PresetRun:
    """One use of a preset by an interaction."""

    def __init__(
        self, dispatcher: Dispatcher, interaction: discord.Interaction[Any], preset: Preset
    ) -> None:
        self.dispatcher = dispatcher
        self.interaction = interaction
        self.preset = preset
        self.catalogue = dispatcher.jobs.catalogue

    async def start(self, prompt: str, file: discord.Attachment | None, *, edit: bool) -> None:
        """Run the preset, asking for values that cannot be reused.

        `prompt` and `file` replace what is saved; `edit` asks for everything. Raises
        `SpacebotError`.
        """
        endpoint = await self._endpoint()
        saved = arguments_of(self.preset)
        given = {name: one for name, one in saved.items() if _is_kept(one)}
        given |= self._instead(endpoint, prompt, file)
        command, named = self.preset.command, self.preset.arguments
        options = {one.name for part in endpoint.parameters for one in inputs.own_options(part)}
        # The value of a removed option may belong to another option by now.
        if edit or not named.keys() <= options:
            fitting = inputs.still_fitting(endpoint, given)
            await self.dispatcher.ask(self.interaction, command, endpoint, fitting)
            return
        await rerun(self.dispatcher, self.interaction, command, endpoint, given, before=named)

    def _instead(
        self, endpoint: Endpoint, prompt: str, file: discord.Attachment | None
    ) -> dict[str, Any]:
        """The values entered with the preset; raises `InputError` if the command takes none like
        them."""
        wish = Wish(prompt, file)
        if file is not None and wish.file_option(endpoint) is None:
            raise InputError(f"{self.preset.command} takes no file like this one. Leave it out.")
        given = wish.arguments_for(endpoint)
        if prompt and prompt not in given.values():
            raise InputError(f"{self.preset.command} takes no prompt. Leave it out.")
        return given

    async def _endpoint(self) -> Endpoint:
        """The preset's endpoint as offered here now; raises `SpacebotError`."""
        space, guild = self.preset.space, self.interaction.guild_id
        named = space, self.preset.api_name, self.preset.command
        if is_one_off(self.preset.command):
            self.dispatcher.check_any_space(self.interaction)
            account = await account_of(self.interaction, space)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(READ_WAIT):
                    await self.catalogue.load(space, account)
            return await self.catalogue.find(*named, account)
        configured = space in self.catalogue.connections or space in self.catalogue.built_in
        if guild is None and not configured:
            raise InputError(ELSEWHERE)
        return await self.catalogue.find(*named, guild=str(guild or ""))


def _is_kept(value: Any) -> bool:
    """Whether a value can be reused: a file only while it is stored."""
    return not isinstance(value, File) or (value.path is not None and value.path.exists())
