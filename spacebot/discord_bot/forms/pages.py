"""The pages of a form, and the buttons between them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from typing import Any

import discord
from cachetools import TTLCache
from discord import ui

from spacebot.discord_bot.button_base import BotModal, ComponentHandler, bot_of
from spacebot.discord_bot.delivery import named_command
from spacebot.discord_bot.forms.drafts import FIELDS_PER_PAGE, FormDraft, FormFinish
from spacebot.discord_bot.forms.fields import fields_of
from spacebot.errors import InputError
from spacebot.models import Endpoint
from spacebot.wording import clip

MAX_TITLE = 45
# How many forms may be open, and for how many seconds.
MAX_DRAFTS, DRAFT_TTL = 5000, 3600.0
FORM_EXPIRED = "⌛ This form is too old, or the bot was restarted. Nothing was run: open it again."
DRAFT_ID = r"(?P<draft>[0-9a-f]{12})"


class Forms:
    """Opens forms, and handles their submissions."""

    def __init__(self) -> None:
        self.drafts = TTLCache[str, FormDraft](MAX_DRAFTS, DRAFT_TTL)

    async def open(
        self,
        interaction: discord.Interaction,
        title: str,
        endpoint: Endpoint,
        arguments: Mapping[str, Any],
        finish: FormFinish,
        *,
        only: Collection[str] | None = None,
    ) -> None:
        """Answer an interaction with a form of an endpoint's options (`only` those named).

        `arguments` is filled in; `finish` is called with everything. Without a field to ask for, it
        is called at once.
        """
        draft = FormDraft(title, endpoint, dict(arguments), fields_of(endpoint, only), finish)
        if not draft.fields:
            await finish(interaction, draft.arguments)
            return
        self.drafts[draft.id] = draft
        await self.show(interaction, draft, 0)

    async def show(self, interaction: discord.Interaction, draft: FormDraft, number: int) -> None:
        """Answer an interaction with a page of a form."""
        await interaction.response.send_modal(FormPage(draft, number, named_command(interaction)))

    async def submitted(
        self, interaction: discord.Interaction, draft: FormDraft, number: int
    ) -> None:
        """Handle a submitted page: show the next one, or run the form."""
        problems = list(draft.problems())
        last = number + 1 >= draft.pages
        wrong = [one for one in problems if last or draft.page_of(one.option) <= number]
        if wrong:
            await self._tell_wrong(interaction, draft, wrong[0])
        elif last:
            await self.finish(interaction, draft)
        else:
            text = _progress_text(draft, number)
            await self._tell(interaction, draft, text, number + 1, run=not draft.missing())

    async def finish(self, interaction: discord.Interaction, draft: FormDraft) -> None:
        """Run the form, unless a value is invalid."""
        problem = next(draft.problems(), None)
        if problem is not None:
            await self._tell_wrong(interaction, draft, problem)
            return
        self.drafts.pop(draft.id, None)
        arguments = {name: value for name, value in draft.arguments.items() if value is not None}
        # The result's message replaces the message between the pages.
        await asyncio.gather(draft.finish(interaction, arguments), _close(draft))

    async def _tell_wrong(
        self, interaction: discord.Interaction, draft: FormDraft, error: InputError
    ) -> None:
        text = f"✏️ {error} What you typed is still there."
        await self._tell(interaction, draft, text, draft.page_of(error.option), wrong=True)

    async def _tell(
        self,
        interaction: discord.Interaction,
        draft: FormDraft,
        text: str,
        page: int,
        *,
        run: bool = False,
        wrong: bool = False,
    ) -> None:
        """Say something between two pages, in the form's private message."""
        view = ui.View(timeout=None)
        count = len(draft.page(page))
        label = "Change it" if wrong else f"Next {count} setting{'s' * (count > 1)}"
        view.add_item(ui.Button(label=label, custom_id=f"form:{draft.id}:{page}"))
        if run:
            style = discord.ButtonStyle.primary
            custom_id = f"form:{draft.id}:run"
            view.add_item(ui.Button(label="Run with these", style=style, custom_id=custom_id))
        view.stop()
        message = interaction.message
        if message is not None and message.id == draft.menu_id:
            await interaction.response.edit_message(content=text, view=view)
        else:
            sent = await interaction.response.send_message(text, view=view, ephemeral=True)
            draft.menu_id = sent.message_id
        draft.menu = interaction


class FormPage(BotModal):
    """One page of a form. `named` is the command that opened it, if a command did."""

    def __init__(self, draft: FormDraft, number: int, named: str) -> None:
        pages = f" ({number + 1} of {draft.pages})" if draft.pages > 1 else ""
        super().__init__(
            f"{draft.id}:{number}",
            title=clip(draft.title, MAX_TITLE - len(pages)) + pages,
            # A form lives no longer than its draft.
            timeout=2 * DRAFT_TTL,
        )
        self.draft = draft
        self.number = number
        self.named = named
        self.labels = [(field, field.label(draft.arguments)) for field in draft.page(number)]
        for _, label in self.labels:
            self.add_item(label)

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        forms: Forms = bot_of(interaction).forms
        # If the draft is gone, the client says that the form is too old.
        if forms.drafts.get(self.draft.id) is not None:
            await super().on_submit(interaction)

    async def submitted(self, interaction: discord.Interaction) -> None:
        interaction.extras["named"] = self.named
        for field, label in self.labels:
            field.take(label.component, self.draft.arguments)
        forms: Forms = bot_of(interaction).forms
        await forms.submitted(interaction, self.draft, self.number)


class FormButton(ComponentHandler, template="^$"):
    """A button between two pages of a form."""

    async def press(self, interaction: discord.Interaction) -> None:
        forms: Forms = bot_of(interaction).forms
        draft = forms.drafts.get(self.ids[0])
        if draft is None:
            await say_expired(interaction)
        else:
            await self.go_on(interaction, forms, draft)

    async def go_on(self, interaction: discord.Interaction, forms: Forms, draft: FormDraft) -> None:
        """Do what this button is for."""
        raise NotImplementedError


class OpenPageButton(FormButton, template=rf"form:{DRAFT_ID}:(?P<page>\d{{1,4}})"):
    """Opens a page."""

    async def go_on(self, interaction: discord.Interaction, forms: Forms, draft: FormDraft) -> None:
        await forms.show(interaction, draft, int(self.ids[1]))


class RunFormButton(FormButton, template=rf"form:{DRAFT_ID}:run"):
    """Runs the form with the values so far."""

    async def go_on(self, interaction: discord.Interaction, forms: Forms, draft: FormDraft) -> None:
        await forms.finish(interaction, draft)


async def _close(draft: FormDraft) -> None:
    if draft.menu is not None:
        with contextlib.suppress(discord.HTTPException):
            await draft.menu.delete_original_response()


async def tell_expired(interaction: discord.Interaction) -> None:
    """Answer a page of an unknown form: discord.py would ignore it."""
    custom_id = str((interaction.data or {}).get("custom_id", ""))
    page = interaction.type is discord.InteractionType.modal_submit
    if page and custom_id.startswith("form:") and "form" not in interaction.extras:
        await say_expired(interaction)


async def say_expired(interaction: discord.Interaction) -> None:
    """Say that a form is too old."""
    await interaction.response.send_message(FORM_EXPIRED, ephemeral=True)


def _progress_text(draft: FormDraft, number: int) -> str:
    done = min((number + 1) * FIELDS_PER_PAGE, len(draft.fields))
    return f"Settings 1–{done} of {len(draft.fields)} are filled in."


FORM_BUTTONS: tuple[type[ui.DynamicItem[Any]], ...] = (OpenPageButton, RunFormButton)
