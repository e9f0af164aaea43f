"""The buttons under a message as data, and the base class of their handlers.

A `ButtonSpec` says what a button shows and who may press it; Discord's messages and
the page both use it. A button's state is in its custom_id, so it survives a restart.
Posted messages keep their ids forever, so a spec's name and the format of its ids
never change. A `ButtonHandler` defines what a press does, in `buttons` for jobs and
in `conversations` for answers.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Flag, auto
from typing import Any, ClassVar, Self

import discord

from spacebot.engine import follow_ups
from spacebot.models import Endpoint
from spacebot.spaces import inputs

BUTTONS_PER_ROW = 5
# Discord allows five rows, and the last one is taken.
MAX_FOLLOW_UPS = 4 * BUTTONS_PER_ROW
SECONDARY, PRIMARY = discord.ButtonStyle.secondary, discord.ButtonStyle.primary


class Presser(Flag):
    """Who may press a button. OWNER asked for the job, or began the conversation."""

    OWNER = auto()
    # Anyone who may speak in the conversation.
    SPEAKER = auto()
    # May manage messages in the channel.
    MODERATOR = auto()
    ANYONE = auto()


@dataclass(frozen=True, slots=True)
class ButtonSpec:
    """What a button shows, what its id contains, and who may press it.

    The custom_id is `name`, 12 hex digits of a job or conversation, then `more`, a pattern.
    """

    name: str
    label: str = ""
    emoji: str | None = None
    style: discord.ButtonStyle = SECONDARY
    allowed: Presser = Presser.ANYONE
    id_pattern: str = ""

    @property
    def template(self) -> str:
        """The pattern of its custom_ids, with a group for each id."""
        return rf"{self.name}:([0-9a-f]{{12}}){self.id_pattern}"

    def on(self, *ids: str, label: str = "") -> PlacedButton:
        """The button for this job or conversation."""
        return PlacedButton(self, ids, label or self.label)


@dataclass(frozen=True, slots=True)
class PlacedButton:
    """A button under one message."""

    spec: ButtonSpec
    ids: tuple[str, ...]
    label: str

    def item(self, row: int) -> discord.ui.Button[Any]:
        """The button as discord.py's item."""
        return discord.ui.Button(
            label=self.label,
            emoji=self.spec.emoji,
            style=self.spec.style,
            custom_id=":".join((self.spec.name, *self.ids)),
            row=row,
        )


Rows = Sequence[Sequence[PlacedButton]]

CANCEL = ButtonSpec("cancel", "Cancel", allowed=Presser.OWNER | Presser.MODERATOR)
AGAIN = ButtonSpec("again", "Again", "🔁")
VARY = ButtonSpec("vary", "Vary", "🎲")
EDIT = ButtonSpec("edit", "Edit…", "✏️")
SEND = ButtonSpec("send", "Send to…", "➡️")
RECIPE = ButtonSpec("recipe", "Recipe", "🧾")
SAVE = ButtonSpec("save", "Save as…", "💾")
DELETE = ButtonSpec("delete", "Delete", "🗑️", allowed=Presser.OWNER | Presser.MODERATOR)
SEND_ME = ButtonSpec("mail", "Send me this", "📩")
# A follow-up that the Space's owner declared: its key, and its place.
FOLLOW = ButtonSpec("then", style=PRIMARY, id_pattern=r":([0-9a-f]{4}):(\d{1,2})")


def bot_of(interaction: discord.Interaction) -> Any:
    """The `Bot` that received an interaction, from a layer above."""
    return interaction.client


class ComponentHandler(discord.ui.DynamicItem[Any], template="^$"):
    """Handles presses of a button, or choices in a select, by the custom_id alone.

    A subclass implements `press`. Its errors reach the bot's one error handler: discord.py would
    only log them, and Discord would say that the application did not respond.
    """

    def __init__(self, item: discord.ui.Item[Any], ids: tuple[str, ...]) -> None:
        super().__init__(item)
        self.ids = ids

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction,  # noqa: ARG003
        item: discord.ui.Item[Any],
        match: re.Match[str],
        /,
    ) -> Self:
        """The handler of a press; `ids` are the groups of the template."""
        return cls(item, match.groups())

    async def callback(self, interaction: discord.Interaction) -> None:
        """Answer a press."""
        try:
            await self.press(interaction)
        except Exception as error:
            await bot_of(interaction).tell_failure(interaction, error)

    async def press(self, interaction: discord.Interaction) -> None:
        """Do what this button is for."""
        raise NotImplementedError


class BotModal(discord.ui.Modal):
    """A form. A subclass implements `submitted`; failures reach the bot's error handler.

    Its custom_id starts with `name` and is new each time it is shown. After a restart, the bot
    says that a form with such an id is too old.
    """

    def __init__(self, name: str, *, title: str, timeout: float) -> None:
        custom_id = f"form:{name}:{secrets.token_hex(6)}"
        super().__init__(title=title, timeout=timeout, custom_id=custom_id)

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Answer what was filled in."""
        interaction.extras["form"] = self.custom_id
        await self.submitted(interaction)

    async def submitted(self, interaction: discord.Interaction) -> None:
        """Do what this form is for."""
        raise NotImplementedError

    async def on_error(self, interaction: discord.Interaction, error: Exception, /) -> None:
        """Tell the person who filled it in."""
        await bot_of(interaction).tell_failure(interaction, error)


class ButtonHandler(ComponentHandler, template="^$"):
    """Handles the presses of the button that `spec` describes."""

    spec: ClassVar[ButtonSpec]

    def __init_subclass__(cls, *, spec: ButtonSpec | None = None) -> None:
        super().__init_subclass__(template=spec.template if spec else "^$")
        if spec is not None:
            cls.spec = spec


def roles_of(interaction: discord.Interaction, owner: str) -> Presser:
    """The roles of the person who pressed, for something that belongs to `owner`."""
    roles = Presser.ANYONE
    if str(interaction.user.id) == owner:
        roles |= Presser.OWNER
    if interaction.guild_id is not None and interaction.permissions.manage_messages:
        roles |= Presser.MODERATOR
    return roles


def to_view(rows: Rows) -> discord.ui.View:
    """These rows of buttons, for a message."""
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(rows):
        for button in row:
            view.add_item(button.item(number))
    # Stopped, so that discord.py does not hold it for its whole life.
    view.stop()
    return view


def cancel_view(job: str) -> discord.ui.View:
    """The button under a running job."""
    return to_view([[CANCEL.on(job)]])


def again_view(job: str) -> discord.ui.View:
    """The button under a job whose result was lost."""
    return to_view([[AGAIN.on(job, label="Run again")]])


def failed_view(job: str) -> discord.ui.View:
    """The buttons under a job that failed."""
    return to_view(failed_rows(job))


def send_me_view(job: str) -> discord.ui.View:
    """The button under each message of a private result except the last."""
    return to_view([[SEND_ME.on(job)]])


def failed_rows(job: str) -> Rows:
    """The buttons under a job that failed."""
    return [[AGAIN.on(job), EDIT.on(job), DELETE.on(job)]]


def result_rows(
    job: str,
    endpoint: Endpoint,
    values: Sequence[Any],
    *,
    private: bool = False,
    follows: bool = False,
) -> Rows:
    """The buttons under a result: first the owner's own, then the common ones.

    `values` are what the Space returned. A `private` result can be dismissed in Discord itself, so
    it has a button to send it on instead. A result that `follows` another cannot be saved without
    it.
    """
    then = follow_ups.follow_up_buttons(endpoint.then, values)
    own = [FOLLOW.on(job, one.key, str(one.index), label=one.label) for one in then]
    usual = [AGAIN.on(job)]
    usual += [VARY.on(job)] * bool(inputs.seed_parameters(endpoint))
    usual += [EDIT.on(job)] * bool(endpoint.parameters)
    usual += [SEND.on(job)] * any(value is not None for value in values)
    last = SEND_ME.on(job) if private else DELETE.on(job)
    # The owner's own buttons take precedence if there is no room for all.
    saved = not follows and len(own) < MAX_FOLLOW_UPS - 1
    keep = [RECIPE.on(job), *([SAVE.on(job)] if saved else [])]
    if len(usual) + len(keep) < BUTTONS_PER_ROW:
        return [*_in_rows(own[:MAX_FOLLOW_UPS]), [*usual, *keep, last]]
    room = -len(own) % BUTTONS_PER_ROW
    if len(keep) <= room or len(own) > MAX_FOLLOW_UPS - BUTTONS_PER_ROW:
        return [*_in_rows([*own[: MAX_FOLLOW_UPS - len(keep)], *keep]), [*usual, last]]
    return [*_in_rows(own), usual, [*keep, last]]


def _in_rows(buttons: Sequence[PlacedButton]) -> list[Sequence[PlacedButton]]:
    return [
        buttons[start : start + BUTTONS_PER_ROW]
        for start in range(0, len(buttons), BUTTONS_PER_ROW)
    ]


def is_running(message: discord.Message) -> bool:
    """Whether a message still shows an unfinished job."""
    return any(re.fullmatch(CANCEL.template, one) for one in custom_ids(message))


def job_under(message: discord.Message) -> str | None:
    """The id of the job whose buttons are under a message."""
    for custom_id in custom_ids(message):
        spec = BUTTONS.get(custom_id.partition(":")[0])
        if spec is not None and (match := re.fullmatch(spec.template, custom_id)):
            return match[1]
    return None


def custom_ids(message: discord.Message) -> list[str]:
    """The ids of the buttons under a message."""
    return [
        child.custom_id
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for child in row.children
        if isinstance(child, discord.Button) and child.custom_id
    ]


BUTTONS: dict[str, ButtonSpec] = {
    spec.name: spec
    for spec in (CANCEL, AGAIN, VARY, EDIT, SEND, RECIPE, SAVE, DELETE, SEND_ME, FOLLOW)
}
