"""Send to: the commands, of any Space here, that take what a message has."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Sequence
from typing import Any, cast

import discord
from discord import ui

from spacebot import recipes
from spacebot.attachments import attached, pictured, words_of
from spacebot.buttons import SEND, PressHandler
from spacebot.desk import Desk
from spacebot.inputs.base import clip
from spacebot.offers import Item, Offer, Target, targets
from spacebot.places import TROUBLE, Place, Writer
from spacebot.presses.base import JobButton
from spacebot.presses.outputs import outputs_of

PAGE = 25
# So long the other messages of a result are looked for: the press is answered within 3 s.
LOOK = 1.0
ID = r"(?P<offer>[0-9a-f]{12})"
EXPIRED = "⌛ This menu is too old, or the bot was restarted. Open it again."
NOTHING = "There is no picture, sound, video, file or text to send here."
NOBODY_TAKES = "No command here takes this."


class Send(JobButton, spec=SEND):
    """Offers the commands that take what the result is."""

    async def run(self, desk: Desk, interaction: discord.Interaction[Any]) -> None:
        """Offer them to whoever pressed."""
        assert interaction.message is not None
        messages = await _whole(desk, interaction.message, self.job)
        await offer(desk, interaction, await items_of(desk, messages, self.job))


async def _whole(desk: Desk, pressed: discord.Message, job: str) -> list[discord.Message]:
    """The messages of a result, in order, as far as they can be seen before Discord gives up."""
    place = await _place_of(desk, pressed, job)
    if place is None or pressed.id not in place.more:
        return [pressed]
    writer = Writer(desk.client, place)

    async def one(message: int, channel: int | None) -> discord.Message | None:
        with contextlib.suppress(*TROUBLE):
            async with asyncio.timeout(LOOK):
                return await writer.look(message, channel=channel)
        return None

    others = [each for each in place.messages if each[0] != pressed.id]
    found = await asyncio.gather(*(one(*each) for each in others))
    return sorted((*filter(None, found), pressed), key=lambda message: message.id)


async def _place_of(desk: Desk, pressed: discord.Message, job: str) -> Place | None:
    """Where a result stands. It can be pressed a moment before that is written down."""
    deadline = time.monotonic() + LOOK
    while True:
        running = desk.jobs.find(job)
        record = await desk.jobs.store.get(job)
        place = Place.from_json(record.place) if record else None
        known = place is not None and pressed.id in (place.message, *place.more)
        if known or running is None or time.monotonic() > deadline:
            return place
        await asyncio.sleep(0.05)


async def items_of(desk: Desk, messages: Sequence[discord.Message], job: str | None) -> list[Item]:
    """What messages have to send; a result's text is what the Space returned, without its head."""
    found = [Item(one) for message in messages for one in attached(message)]
    if job is not None:
        _, kept = await desk.jobs.kept.recall(job)
        text = recipes.texts(kept.endpoint, await outputs_of(desk, job))
    else:
        found += [Item(one) for one in pictured(messages[-1])]
        text = words_of(messages[-1])
        if messages[-1].author == desk.client.user:
            # What an answer says, without the small lines that the bot put there.
            text = re.sub(r"^-# .*\n?", "", text, flags=re.MULTILINE)
    return [*found, Item(text)] if text.strip() else found


async def offer(desk: Desk, interaction: discord.Interaction[Any], items: Sequence[Item]) -> None:
    """Answer privately by the menus: what to send, if there are several things, and where to."""
    fitting = [item for item in items if targets(desk.jobs.catalogue, item)]
    if not fitting:
        said = NOBODY_TAKES if items else NOTHING
        await interaction.response.send_message(said, ephemeral=True)
        return
    opened = Offer(fitting[:PAGE], interaction)
    if len(fitting) == 1:
        opened.chosen = fitting[0]
    desk.offers.add(opened)
    await interaction.response.send_message(**_shown(desk, opened, 0), ephemeral=True)


def _shown(desk: Desk, opened: Offer, page: int) -> dict[str, Any]:
    """The menu as it stands: a text and its selects."""
    view = ui.View(timeout=None)
    if opened.chosen is None:
        view.add_item(_item_select(opened))
        view.stop()
        return {"content": "What do you want to send?", "view": view}
    found = targets(desk.jobs.catalogue, opened.chosen)
    view.add_item(_target_select(opened, found[page * PAGE : (page + 1) * PAGE]))
    for number, label in ((page - 1, "◀ Back"), (page + 1, "More ▶")):
        if 0 <= number * PAGE < len(found) and number >= 0:
            view.add_item(ui.Button(label=label, custom_id=f"turn:{opened.id}:{number}"))
    view.stop()
    what = discord.utils.escape_markdown(opened.chosen.label)
    return {"content": f"Where to? **{what}** can go to:", "view": view}


def _item_select(opened: Offer) -> ui.Select[Any]:
    options = [
        discord.SelectOption(label=item.label, value=str(number))
        for number, item in enumerate(opened.items)
    ]
    return ui.Select(custom_id=f"what:{opened.id}", options=options)


def _target_select(opened: Offer, found: Sequence[Target]) -> ui.Select[Any]:
    options = [
        discord.SelectOption(
            label=target.command,
            value=target.command,
            description=clip(target.endpoint.description, 100) or None,
        )
        for target in found
    ]
    return ui.Select(custom_id=f"to:{opened.id}", options=options, placeholder="Choose a command")


class Menu(PressHandler, template="^$"):
    """A part of the menu. What is chosen, and who asks, are in memory: an old one says so."""

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Find the menu, and go on with it."""
        desk: Desk = cast(Any, interaction.client).desk
        opened = desk.offers.get(self.ids[0])
        if opened is None:
            await interaction.response.send_message(EXPIRED, ephemeral=True)
        else:
            await self.chosen(desk, interaction, opened)

    async def chosen(
        self, desk: Desk, interaction: discord.Interaction[Any], opened: Offer
    ) -> None:
        """What this part does."""
        raise NotImplementedError

    @staticmethod
    def value(interaction: discord.Interaction[Any]) -> str:
        """What was picked in a select."""
        return cast(Any, interaction.data)["values"][0]


class ChooseItem(Menu, template=rf"what:{ID}"):
    """Chooses what to send."""

    async def chosen(
        self, desk: Desk, interaction: discord.Interaction[Any], opened: Offer
    ) -> None:
        """Go on to where it may go."""
        opened.chosen = opened.items[int(self.value(interaction))]
        opened.menu = interaction
        await interaction.response.edit_message(**_shown(desk, opened, 0))


class ChooseTarget(Menu, template=rf"to:{ID}"):
    """Chooses the command, and runs it."""

    async def chosen(
        self, desk: Desk, interaction: discord.Interaction[Any], opened: Offer
    ) -> None:
        """Ask for what else the command needs, then run it."""
        assert opened.chosen is not None
        command, item = self.value(interaction), opened.chosen
        target = next(
            (one for one in targets(desk.jobs.catalogue, item) if one.command == command), None
        )
        if target is None:
            await interaction.response.send_message(EXPIRED, ephemeral=True)
            return
        given = {target.option: item.value}
        # The menu has served; the job may take long.
        running = desk.run_or_ask(interaction, command, target.endpoint, given)
        await asyncio.gather(running, _close(opened))


class Turn(Menu, template=rf"turn:{ID}:(?P<page>\d{{1,3}})"):
    """Turns to another page of the commands."""

    async def chosen(
        self, desk: Desk, interaction: discord.Interaction[Any], opened: Offer
    ) -> None:
        """Show the page."""
        opened.menu = interaction
        await interaction.response.edit_message(**_shown(desk, opened, int(self.ids[1])))


async def _close(opened: Offer) -> None:
    with contextlib.suppress(discord.HTTPException):
        await opened.menu.delete_original_response()


SENDING: tuple[type[ui.DynamicItem[Any]], ...] = (ChooseItem, ChooseTarget, Turn)
