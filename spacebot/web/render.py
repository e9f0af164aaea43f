"""Everything the page shows → HTML. Jinja escapes whatever comes from a Space."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from spacebot.models import BotPhase, JobStage, OptionType, OwnerStatus, Status
from spacebot.spaces.inputs import CommandOptions
from spacebot.web import setup_guide
from spacebot.web.access import OwnerAccess
from spacebot.web.markdown import to_html
from spacebot.web.plots import history_plots
from spacebot.web.tryout.conversations import TryOutQuestion
from spacebot.web.tryout.file_cache import CachedFile
from spacebot.wording import file_size, short_time

PHASE_LABELS = {
    BotPhase.OFF: "No token set",
    BotPhase.CONNECTING: "Connecting",
    BotPhase.CONNECTED: "Connected",
    BotPhase.RETRYING: "Trying again",
    BotPhase.FAILED: "Stopped",
}
STAGE_LABELS = {
    JobStage.WAKING: "Waking the Space",
    JobStage.WAITING: "Waiting for a free place",
    JobStage.SENDING: "Sending files to the Space",
    JobStage.QUEUED: "In the Space’s queue",
    JobStage.RUNNING: "The Space is working",
    JobStage.FETCHING: "Fetching the result",
}


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message of the try-out: text in Discord's markdown, and the files under it."""

    text: str
    files: tuple[tuple[CachedFile, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RunningLine:
    """A job's progress: a line in Discord's markdown, and the stage for screen readers."""

    line: str
    stage: str
    partial: RenderedMessage | None = None


@dataclass(frozen=True, slots=True)
class ThreadHeader:
    """A thread that contains a result, and the line in the message that it starts from."""

    title: str
    line: str


@dataclass(frozen=True)
class PageSection:
    """A part of the page that updates itself; `digest` changes with `html`."""

    name: str
    html: str

    @cached_property
    def digest(self) -> str:
        """A short name for exactly this content."""
        return hashlib.sha256(self.html.encode()).hexdigest()[:10]


def sections(status: Status, *, token: bool, hosted: bool) -> tuple[PageSection, ...]:
    """The page's parts in order, a part's own slots after it."""
    parts: Any = _templates.get_template("sections.html").module
    guide = setup_guide.guide_steps(status, token=token, hosted=hosted)
    told = any(step.wrong for step in guide)
    shown = [
        PageSection("state", parts.state(status)),
        PageSection("alert", parts.alert(status.bot, told, status.trouble)),
        PageSection("setup", _html("guide.html", guide=guide, done=setup_guide.is_finished(guide))),
        PageSection("counts", parts.counts(status)),
        PageSection("processes", parts.processes(status.cluster)),
        PageSection("history", _history(status)),
        PageSection("failures", parts.failures(status.failures)),
        PageSection("spaces", parts.spaces(len(status.spaces), status.server_spaces)),
    ]
    for index, space in enumerate(status.spaces):
        html = parts.space(space, len(status.spaces), status.paused)
        shown.append(PageSection(f"space-{index}", html))
    return tuple(shown)


def _html(template: str, **values: Any) -> str:
    return _templates.get_template(template).render(values)


def _history(status: Status) -> str:
    drawn = history_plots(status.history, status.span)
    return _html("history.html", plots=drawn, hour=len(status.history) * status.span <= 3600)


def owner(status: Status, more: OwnerStatus, name: str) -> PageSection:
    """The owner's view. `name` is theirs on Hugging Face, if they signed in there."""
    html = _html("owner.html", status=status, more=more, name=name, STAGES=STAGE_LABELS)
    return PageSection("owner", html)


def sign_in(access: OwnerAccess, name: str) -> PageSection:
    """How to sign in as the owner; nothing if nobody can."""
    return PageSection("owner", _html("stranger.html", way=access, name=name))


def shell(*, tryout: bool, any_space: bool) -> str:
    """The page's frame, with places for the sections and the try-out."""
    return _html("shell.html", tryout=tryout, any_space=any_space)


def form(command: str, form: CommandOptions) -> str:
    """The form of a command."""
    return _html(
        "form.html", command=command, options=form.options, rest=form.rest, Type=OptionType
    )


def turn(
    command: str,
    bot: str,
    messages: Iterable[RenderedMessage] = (),
    running: RunningLine | None = None,
    problem: str = "",
    said: TryOutQuestion | None = None,
    header: str = "",
    thread: ThreadHeader | None = None,
    private: bool = False,
) -> str:
    """A use of a command: who used it, then its messages, its progress, or its problem.

    `said` is the message to a chat that is answered, `header` the line above a
    command's result, in Discord's markdown; `thread` is where its messages are, if
    not in the channel, and `private` says that nobody else sees them.
    """
    shown, line, stage = list(messages), problem, "It did not work." if problem else ""
    if running:
        shown, line, stage = [running.partial] * bool(running.partial), running.line, running.stage
    elif not shown and not line:
        line = f"{bot} is thinking…"
    return _html(
        "turn.html",
        command=command,
        bot=bot,
        messages=shown,
        line=line,
        stage=stage,
        problem=problem,
        said=said,
        header=header,
        thread=thread,
        private=private,
    )


def _accept(file_type: str) -> str:
    """Gradio's "image" or ".png" as a file field's "image/*" or ".png"."""
    return file_type if file_type.startswith(".") or "/" in file_type else f"{file_type}/*"


_templates = Environment(
    loader=PackageLoader("spacebot.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {
    "discord": to_html,
    "size": file_size,
    "seconds": short_time,
    "accept": _accept,
}
_templates.globals |= {"PHASES": PHASE_LABELS}
