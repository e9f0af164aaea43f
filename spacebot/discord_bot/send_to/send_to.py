"""Send to: the commands, of any Space here, that take what a message contains."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

import discord
from discord import app_commands, ui

from spacebot.discord_bot.button_base import SEND, ComponentHandler, bot_of
from spacebot.discord_bot.buttons import JobButton, job_id_of, outputs_of
from spacebot.discord_bot.delivery import DISCORD_ERRORS, MessageWriter
from spacebot.discord_bot.delivery.attachments import attachments_of, embedded_pictures, text_of
from spacebot.discord_bot.dispatcher import Dispatcher
from spacebot.discord_bot.find import Find
from spacebot.discord_bot.open_menus import MENU_EXPIRED, MENU_ID, OpenMenus
from spacebot.discord_bot.registration.commands import FOR_EVERYONE
from spacebot.discord_bot.send_to.menus import (
    SendItem,
    SendMenu,
    TargetCommand,
    placed,
    targets_for,
)
from spacebot.engine import recipes
from spacebot.models import Endpoint, MessageRef
from spacebot.wording import clip

TARGETS_PER_PAGE = 25
# Discord's limit for the label of a form's field.
MAX_LABEL = 45
# How long the other messages of a result are looked for, in seconds: the press must be answered
# within 3.
MESSAGE_SEARCH_TIMEOUT = 1.0
MAX_OPEN_MENUS = 5000
NOTHING_TO_SEND = "There is no picture, sound, video, file or text to send here."
NO_TARGET = "No command here accepts **{}**. Another Space might:"


class SendTo:
    """Offers a message's content to the commands that take it, in menus that only one user sees."""

    def __init__(self, dispatcher: Dispatcher, find: Find) -> None:
        self.dispatcher = dispatcher
        self.find = find
        self.menus: OpenMenus[SendMenu] = OpenMenus(MAX_OPEN_MENUS)

    def context_menu(self) -> app_commands.ContextMenu:
        """The command in a message's own menu (right click → Apps)."""

        async def use(interaction: discord.Interaction, message: discord.Message) -> None:
            await self.offer(interaction, [message], await job_id_of(self.dispatcher, message))

        return app_commands.ContextMenu(
            name="Use in a Space…",
            callback=use,
            **FOR_EVERYONE,
        )

    async def offer(
        self,
        interaction: discord.Interaction,
        messages: Sequence[discord.Message],
        job: str | None,
    ) -> None:
        """Ask what to send, if the messages contain several items, and where to."""
        items = await _items_of(self.dispatcher, messages, job)
        if not items:
            await interaction.response.send_message(NOTHING_TO_SEND, ephemeral=True)
            return
        commands = await self.dispatcher.commands_for(interaction)
        menu = SendMenu(items[:TARGETS_PER_PAGE], interaction)
        if len(items) == 1:
            menu.chosen = items[0]
        menu.id = self.menus.add(menu)
        await interaction.response.send_message(**self.show(menu, commands), ephemeral=True)

    def targets(
        self,
        interaction: discord.Interaction[Any],
        commands: Mapping[str, Endpoint],
        item: SendItem,
    ) -> list[TargetCommand]:
        """Those of these commands that take an item and may answer there."""
        return targets_for(commands, item, nsfw=self.dispatcher.age.takes(interaction))

    async def redraw(self, interaction: discord.Interaction, menu: SendMenu, page: int = 0) -> None:
        """Update a menu, with the commands that there are by now."""
        menu.shown = interaction
        commands = await self.dispatcher.commands_for(interaction)
        await interaction.response.edit_message(**self.show(menu, commands, page))

    def show(
        self, menu: SendMenu, commands: Mapping[str, Endpoint], page: int = 0
    ) -> dict[str, Any]:
        """A menu's message in its current state: a text and its selects."""
        view = ui.View(timeout=None)
        if menu.chosen is None:
            view.add_item(_item_select(menu))
            view.stop()
            return {"content": "What do you want to send?", "view": view}
        found = self.targets(menu.shown, commands, menu.chosen)
        if shown := found[page * TARGETS_PER_PAGE : (page + 1) * TARGETS_PER_PAGE]:
            view.add_item(_target_select(menu, shown))
        for number, label in ((page - 1, "◀ Back"), (page + 1, "More ▶")):
            if 0 <= number * TARGETS_PER_PAGE < len(found):
                view.add_item(ui.Button(label=label, custom_id=f"turn:{menu.id}:{number}"))
        view.add_item(ui.Button(label="Another Space…", emoji="🔎", custom_id=f"another:{menu.id}"))
        view.stop()
        what = discord.utils.escape_markdown(menu.chosen.label)
        where = f"Where to? **{what}** can go to:" if found else NO_TARGET.format(what)
        return {"content": where, "view": view}


async def _result_messages(
    dispatcher: Dispatcher, pressed: discord.Message, job: str
) -> list[discord.Message]:
    """The messages of a result, in order, as far as they can be fetched before Discord gives up."""
    ref = await _ref_of(dispatcher, pressed, job)
    if ref is None or pressed.id not in ref.more:
        return [pressed]
    writer = MessageWriter(dispatcher.client, ref)

    async def one(message: int, channel: int | None) -> discord.Message | None:
        with contextlib.suppress(*DISCORD_ERRORS):
            async with asyncio.timeout(MESSAGE_SEARCH_TIMEOUT):
                return await writer.look(message, channel=channel)
        return None

    others = [each for each in ref.messages if each[0] != pressed.id]
    found = await asyncio.gather(*(one(*each) for each in others))
    return sorted((*filter(None, found), pressed), key=lambda message: message.id)


async def _ref_of(dispatcher: Dispatcher, pressed: discord.Message, job: str) -> MessageRef | None:
    """Where a result is. Its button can be pressed just before that is recorded."""
    deadline = time.monotonic() + MESSAGE_SEARCH_TIMEOUT
    while True:
        running = dispatcher.jobs.find(job)
        record = await dispatcher.jobs.store.get(job)
        ref = record.message_ref if record else None
        known = ref is not None and pressed.id in (ref.message, *ref.more)
        if known or running is None or time.monotonic() > deadline:
            return ref
        await asyncio.sleep(0.05)


async def _items_of(
    dispatcher: Dispatcher, messages: Sequence[discord.Message], job: str | None
) -> list[SendItem]:
    """The items in messages; a result's text is what the Space returned, without the header."""
    found = [SendItem(one) for message in messages for one in attachments_of(message)]
    if job is not None:
        _, kept = await dispatcher.jobs.archive.recall(job)
        text = recipes.result_text(kept.endpoint, await outputs_of(dispatcher, job))
    else:
        found += [SendItem(one) for one in embedded_pictures(messages[-1])]
        text = text_of(messages[-1])
        if messages[-1].author == dispatcher.client.user:
            # An answer's text, without the small lines that the bot added.
            text = re.sub(r"^-# .*\n?", "", text, flags=re.MULTILINE)
    return placed([*found, SendItem(text)] if text.strip() else found)


def _item_select(menu: SendMenu) -> ui.Select[Any]:
    options = [
        discord.SelectOption(label=item.label, value=str(number), description=item.details or None)
        for number, item in enumerate(menu.items)
    ]
    return ui.Select(custom_id=f"what:{menu.id}", options=options)


def _target_select(menu: SendMenu, found: Sequence[TargetCommand]) -> ui.Select[Any]:
    options = [
        discord.SelectOption(
            label=target.command,
            value=target.command,
            description=clip(target.endpoint.description, 100) or None,
        )
        for target in found
    ]
    return ui.Select(custom_id=f"to:{menu.id}", options=options, placeholder="Choose a command")


class SendButton(JobButton, spec=SEND):
    """Offers the commands that take what the result is."""

    async def run(self, dispatcher: Dispatcher, interaction: discord.Interaction) -> None:
        assert interaction.message is not None
        messages = await _result_messages(dispatcher, interaction.message, self.job)
        await bot_of(interaction).send_to.offer(interaction, messages, self.job)


class MenuHandler(ComponentHandler, template="^$"):
    """Handles a component of a menu in memory; an expired menu says so."""

    async def press(self, interaction: discord.Interaction) -> None:
        send_to: SendTo = bot_of(interaction).send_to
        menu = send_to.menus.get(self.ids[0])
        if menu is None:
            await interaction.response.send_message(MENU_EXPIRED, ephemeral=True)
        else:
            await self.chosen(send_to, interaction, menu)

    async def chosen(
        self, send_to: SendTo, interaction: discord.Interaction, menu: SendMenu
    ) -> None:
        """Do what this component is for."""
        raise NotImplementedError

    @staticmethod
    def value(interaction: discord.Interaction) -> str:
        """The choice in a select."""
        return cast(Any, interaction.data)["values"][0]


class ChooseItem(MenuHandler, template=rf"what:{MENU_ID}"):
    """Chooses what to send."""

    async def chosen(
        self, send_to: SendTo, interaction: discord.Interaction, menu: SendMenu
    ) -> None:
        menu.chosen = menu.items[int(self.value(interaction))]
        await send_to.redraw(interaction, menu)


class ChooseTarget(MenuHandler, template=rf"to:{MENU_ID}"):
    """Chooses the command, and runs it."""

    async def chosen(
        self, send_to: SendTo, interaction: discord.Interaction, menu: SendMenu
    ) -> None:
        assert menu.chosen is not None
        dispatcher, command, item = send_to.dispatcher, self.value(interaction), menu.chosen
        commands = await dispatcher.commands_for(interaction)
        found = send_to.targets(interaction, commands, item)
        target = next((one for one in found if one.command == command), None)
        if target is None:
            await interaction.response.send_message(MENU_EXPIRED, ephemeral=True)
            return
        arguments = {target.option: item.value}
        # The menu is done; the job may take long.
        running = dispatcher.run_or_ask(interaction, command, target.endpoint, arguments)
        await asyncio.gather(running, _close(menu))


class ChangePage(MenuHandler, template=rf"turn:{MENU_ID}:(?P<page>\d{{1,3}})"):
    """Shows another page of the commands."""

    async def chosen(
        self, send_to: SendTo, interaction: discord.Interaction, menu: SendMenu
    ) -> None:
        await send_to.redraw(interaction, menu, int(self.ids[1]))


class FindAnother(MenuHandler, template=rf"another:{MENU_ID}"):
    """Looks for another Space that takes the item."""

    async def chosen(
        self, send_to: SendTo, interaction: discord.Interaction[Any], menu: SendMenu
    ) -> None:
        """Ask what to do with it."""
        assert menu.chosen is not None
        value = menu.chosen.value
        what = "this text" if isinstance(value, str) else menu.chosen.label
        await send_to.find.ask_wish(interaction, value, clip(f"What to do with {what}?", MAX_LABEL))


async def _close(menu: SendMenu) -> None:
    with contextlib.suppress(discord.HTTPException):
        await menu.shown.delete_original_response()


SEND_TO: tuple[type[ComponentHandler], ...] = (
    SendButton,
    ChooseItem,
    ChooseTarget,
    ChangePage,
    FindAnother,
)
