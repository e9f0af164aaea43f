"""What sits under a running job or a result.

A button's state is in its id, so it outlives a restart: it is answered by its
id alone, and nothing has to remember the message it is under. What a press does
is in `presses`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Protocol, Self, cast

import discord

from spacebot.followups import Button

JOB = r"(?P<job>[0-9a-f]{12})"
ROW = 5
# Five rows are all, and the last one is taken.
MOST_FOLLOW_UPS = 4 * ROW
SECONDARY, PRIMARY = discord.ButtonStyle.secondary, discord.ButtonStyle.primary


class Bot(Protocol):
    """What buttons and forms need of the Discord client."""

    async def pressed(self, interaction: discord.Interaction[Any], button: str, *ids: str) -> None:
        """Do what a button under a result is for."""
        ...

    async def tell_failure(
        self, interaction: discord.Interaction[Any], error: BaseException
    ) -> None:
        """Tell whoever pressed what went wrong, and log it."""
        ...


def bot_of(interaction: discord.Interaction[Any]) -> Bot:
    """The bot that an interaction reached."""
    return cast(Bot, interaction.client)


class ById(discord.ui.DynamicItem[Any], template="^$"):
    """A button or select that is made again from its id: the groups of its template, in order.

    A subclass implements `press`. Whatever fails there reaches the bot's one error handler:
    discord.py would only log it, and Discord say that the application did not respond.
    """

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003
        item: discord.ui.Item[Any],  # noqa: ARG003
        match: re.Match[str],
        /,
    ) -> Self:
        """Make it again from its id."""
        return cls(*match.groups())

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Answer a press."""
        try:
            await self.press(interaction)
        except Exception as error:
            await bot_of(interaction).tell_failure(interaction, error)

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """What this is for."""
        raise NotImplementedError


class JobButton(ById, template="^$"):
    """A button that belongs to a job. Its id is its name, the job's id, and what else it needs."""

    name: str
    label: str = ""
    emoji: str | None = None
    style = SECONDARY

    def __init__(self, job: str, *more: str, label: str | None = None) -> None:
        self.ids = (job, *more)
        super().__init__(
            discord.ui.Button(
                label=self.label if label is None else label,
                emoji=self.emoji,
                style=self.style,
                custom_id=":".join((self.name, *self.ids)),
            )
        )

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Have the bot do it."""
        await bot_of(interaction).pressed(interaction, self.name, *self.ids)


class Cancel(JobButton, template=rf"cancel:{JOB}"):
    """Stops a job: for the one who asked, and for moderators."""

    name, label = "cancel", "Cancel"


class Again(JobButton, template=rf"again:{JOB}"):
    """Runs a job again with the same values, for whoever presses."""

    name, label, emoji = "again", "Again", "🔁"


class Vary(JobButton, template=rf"vary:{JOB}"):
    """Runs a job again with another seed."""

    name, label, emoji = "vary", "Vary", "🎲"


class Edit(JobButton, template=rf"edit:{JOB}"):
    """Opens a form with the values as they were."""

    name, label, emoji = "edit", "Edit…", "✏️"


class Send(JobButton, template=rf"send:{JOB}"):
    """Offers the commands that take what the result is."""

    name, label, emoji = "send", "Send to…", "➡️"


class Recipe(JobButton, template=rf"recipe:{JOB}"):
    """Shows what the result was made with."""

    name, label, emoji = "recipe", "Recipe", "🧾"


class Delete(JobButton, template=rf"delete:{JOB}"):
    """Deletes the result: for the one who asked, and for moderators."""

    name, label, emoji = "delete", "Delete", "🗑️"


class SendMe(JobButton, template=rf"mail:{JOB}"):
    """Sends a private result by direct message: Discord forgets private messages."""

    name, label, emoji = "mail", "Send me this", "📩"


class Follow(JobButton, template=rf"then:{JOB}:(?P<key>[0-9a-f]{{4}}):(?P<index>\d{{1,2}})"):
    """Calls another endpoint of the Space, as its owner declared it."""

    name, style = "then", PRIMARY


def cancel_view(job: str) -> discord.ui.View:
    """The buttons under a running job."""
    return _view([Cancel(job)])


def again_view(job: str) -> discord.ui.View:
    """The button under a job whose result was lost."""
    return _view([Again(job, label="Run again")])


def failed_view(job: str) -> discord.ui.View:
    """The buttons under a job that failed."""
    return _view([Again(job), Edit(job), Delete(job)])


def send_me_view(job: str) -> discord.ui.View:
    """The button under each message of a private result but the last."""
    return _view([SendMe(job)])


def result_view(
    job: str,
    *,
    edits: bool,
    varies: bool,
    sends: bool,
    private: bool = False,
    then: Iterable[Button] = (),
) -> discord.ui.View:
    """The buttons under a result: first the owner's own, then the same for all.

    Discord itself dismisses a `private` one, which can be sent on instead.
    """
    own = [Follow(job, one.key, str(one.index), label=one.label) for one in then]
    usual: list[JobButton] = [Again(job)]
    usual += [Vary(job)] * varies + [Edit(job)] * edits + [Send(job)] * sends
    room = len(usual) < ROW - 1
    if room:
        usual += [Recipe(job)]
    elif own:
        own = [*own[: MOST_FOLLOW_UPS - 1], Recipe(job)]
    usual.append(SendMe(job) if private else Delete(job))
    if not room and not own:
        return _view([*usual, Recipe(job)])
    return _view(usual, before=own[:MOST_FOLLOW_UPS])


def read(view: discord.ui.View) -> list[tuple[str, str, str, str]]:
    """(name, label, emoji, id but the name) of each button, to show them where Discord does not."""
    return [
        (one.name, str(one.item.label), str(one.item.emoji or ""), ":".join(one.ids))
        for one in view.children
        if isinstance(one, JobButton)
    ]


def is_running(message: discord.Message) -> bool:
    """Whether a message still shows a job under way."""
    return any(one.startswith("cancel:") for one in custom_ids(message))


def job_under(message: discord.Message) -> str | None:
    """The id of the job whose buttons are under a message."""
    found = (re.fullmatch(rf"[a-z]+:{JOB}(:.*)?", one) for one in custom_ids(message))
    return next((match["job"] for match in found if match), None)


def custom_ids(message: discord.Message) -> list[str]:
    """The ids of the buttons under a message."""
    return [
        child.custom_id
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for child in row.children
        if isinstance(child, discord.Button) and child.custom_id
    ]


def _view(
    items: Iterable[discord.ui.Item[Any]], before: Iterable[discord.ui.Item[Any]] = ()
) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    row = 0
    for place, item in enumerate(before):
        item.row = place // ROW
        row = item.row + 1
        view.add_item(item)
    for place, item in enumerate(items):
        item.row = row + place // ROW
        view.add_item(item)
    # Stopped, so that discord.py does not remember it for as long as it lives.
    view.stop()
    return view


BUTTONS: dict[str, type[JobButton]] = {
    button.name: button
    for button in (Cancel, Again, Vary, Edit, Send, Recipe, Delete, SendMe, Follow)
}
