"""The pages of /history. The ids of a page's buttons hold its state, so it survives a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord
from discord import ui

from spacebot.discord_bot.button_base import AGAIN, ComponentHandler, bot_of
from spacebot.discord_bot.delivery import NO_PINGS
from spacebot.engine.jobs import JobManager, values_line
from spacebot.engine.store import PastJob
from spacebot.engine.store.history import MAX_FAVOURITES
from spacebot.errors import InputError
from spacebot.models import JobEnding
from spacebot.spaces.outputs.text import escape
from spacebot.wording import clip

# Discord allows five rows of buttons: four jobs, and the pages.
JOBS_PER_PAGE = 4
MAX_COMMAND, MAX_WORDS, MAX_VALUES = 32, 40, 200
NOTHING_YET = "You have no jobs here yet."
NOTHING_FOUND = "None of your jobs here match."
NOT_YOURS = "This job is no longer stored, or it is not yours."
TOO_MANY_STARS = f"You already have {MAX_FAVOURITES} favourites, the maximum. Remove a ⭐ first."
MARKS = {
    JobEnding.DONE.value: "✅",
    JobEnding.FAILED.value: "❌",
    JobEnding.CANCELLED.value: "🛑",
    JobEnding.REJECTED.value: "✏️",
    JobEnding.LOST.value: "⚠️",
}


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page: its number from 0, and the search."""

    number: int = 0
    starred: bool = False
    command: str = ""
    words: str = ""

    @property
    def key(self) -> str:
        """The page as part of an id, in at most 80 characters."""
        command = self.command.replace("|", "")[:MAX_COMMAND]
        return f"{self.number}:{int(self.starred)}:{command}|{self.words[:MAX_WORDS]}"

    @classmethod
    def of_ids(cls, number: str, starred: str, query: str) -> HistoryPage:
        """The page that an id stands for."""
        command, _, words = query.partition("|")
        return cls(int(number), starred == "1", command, words)

    def matches(self, job: PastJob) -> bool:
        """Whether a job matches the search."""
        text = f"{job.command} {_values(job)}".casefold()
        wanted = self.words.casefold().split()
        return self.command.casefold().lstrip("/") in job.command.casefold() and all(
            word in text for word in wanted
        )


async def show(
    jobs: JobManager, interaction: discord.Interaction, page: HistoryPage
) -> dict[str, Any]:
    """A page's message, in its current state."""
    user = str(interaction.user.id)
    kept = await jobs.store.history.of(user, interaction.guild_id, starred=page.starred)
    found = [job for job in kept if page.matches(job)]
    last = max(0, (len(found) - 1) // JOBS_PER_PAGE)
    page = replace(page, number=min(page.number, last))
    start = page.number * JOBS_PER_PAGE
    shown = found[start : start + JOBS_PER_PAGE]
    if not shown:
        return {"content": NOTHING_FOUND if kept or page.starred else NOTHING_YET, "view": None}
    lines = [_line(start + place, job) for place, job in enumerate(shown, 1)]
    lines.append(f"-# {start + 1}–{start + len(shown)} of {len(found)}")
    return {"content": "\n".join(lines)[:2000], "view": _view(page, shown, last)}


def _line(number: int, job: PastJob) -> str:
    mark = MARKS.get(job.state, "⏳")
    values = escape(clip(_values(job), MAX_VALUES))
    star = " ⭐" if job.starred else ""
    return f"{number}. {mark}{star} **{job.command}** {values} · <t:{int(job.created)}:R>"


def _values(job: PastJob) -> str:
    """The values or the question, on one line."""
    return " ".join(job.said.split()) if job.said is not None else values_line(job.arguments)


def _view(page: HistoryPage, shown: Sequence[PastJob], last: int) -> ui.View:
    view = ui.View(timeout=None)
    start = page.number * JOBS_PER_PAGE
    for row, job in enumerate(shown):
        if job.said is None:
            # A question is asked again in its conversation, which knows what came before.
            view.add_item(AGAIN.on(job.id, label=f"Again {start + row + 1}").item(row))
        label = "Remove the star" if job.starred else "Favourite"
        star = ui.Button[Any](
            label=label, emoji="⭐", custom_id=f"star:{job.id}:{page.key}", row=row
        )
        view.add_item(star)
        if link := _link(job):
            view.add_item(ui.Button(label="Show", url=link, row=row))
    for number, label in ((page.number - 1, "◀ Newer"), (page.number + 1, "Older ▶")):
        if 0 <= number <= last:
            key = replace(page, number=number).key
            view.add_item(ui.Button(label=label, custom_id=f"history:{key}", row=JOBS_PER_PAGE))
    view.stop()
    return view


def _link(job: PastJob) -> str:
    """The link to the answer, or to a conversation's question; private answers have none."""
    ref, is_question = job.message_ref, job.said is not None
    message = ref.origin if is_question else ref.message
    if ref.private or not ref.channel or not (message or is_question):
        return ""
    parts = (ref.guild or "@me", ref.channel, *([message] if message else []))
    return f"https://discord.com/channels/{'/'.join(map(str, parts))}"


PAGE_ID = r"(?P<number>\d{1,4}):(?P<starred>[01]):(?P<query>.*)"


class TurnHistoryPage(ComponentHandler, template=rf"(?s)history:{PAGE_ID}"):
    """Turns to another page."""

    async def press(self, interaction: discord.Interaction) -> None:
        """Show it."""
        jobs = bot_of(interaction).dispatcher.jobs
        shown = await show(jobs, interaction, HistoryPage.of_ids(*self.ids))
        await interaction.response.edit_message(**shown, allowed_mentions=NO_PINGS)


class StarJob(ComponentHandler, template=rf"(?s)star:(?P<job>[0-9a-f]{{12}}):{PAGE_ID}"):
    """Stars or unstars one of the member's own jobs."""

    async def press(self, interaction: discord.Interaction) -> None:
        """Do so, and update the page."""
        jobs, user = bot_of(interaction).dispatcher.jobs, str(interaction.user.id)
        job, *page = self.ids
        history, starred = jobs.store.history, await jobs.store.history.stars(user)
        if job in starred:
            await history.unstar(user, job)
        else:
            record = await jobs.store.get(job)
            if record is None or record.user != user:
                raise InputError(NOT_YOURS)
            if len(starred) >= MAX_FAVOURITES:
                raise InputError(TOO_MANY_STARS)
            await history.star(user, job)
        shown = await show(jobs, interaction, HistoryPage.of_ids(*page))
        await interaction.response.edit_message(**shown, allowed_mentions=NO_PINGS)


HISTORY_BUTTONS: tuple[type[ComponentHandler], ...] = (TurnHistoryPage, StarJob)
