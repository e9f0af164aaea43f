"""The texts of a job's message, the same in Discord and on the page.

Everything here is Discord markdown that cannot ping: mentions of the requester come
from the caller, users' text is escaped by `inputs.describe`, and Spaces' text goes
through `harmless_line`.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

from spacebot.errors import (
    InputError,
    JobCancelled,
    LimitReached,
    NotAllowed,
    QuotaExceeded,
    SpacebotError,
    SpaceRaised,
    ValuesRejected,
)
from spacebot.models import ExcludedEndpoint, Job, JobStage, Progress
from spacebot.spaces import inputs
from spacebot.spaces.outputs.text import code, escape, plain_line

BAR_WIDTH = 12
MAX_DESCRIPTION = 300
MAX_UNIT_LENGTH = 20
MAX_ENDPOINT_NAME, MAX_REASON = 100, 300
STARTING = "-# ⏳ Starting"
BUG = "Something went wrong in the bot. Try again; if it keeps happening, tell the bot's owner."


def header_line(job: Job, named: str = "", *, options: bool = True) -> str:
    """The line above an answer, as `request_line` words it: small if it says only the options."""
    line = request_line(job, named, options=options)
    return f"-# {line}" if line and job.command == named else line


def request_line(job: Job, named: str = "", *, options: bool = True) -> str:
    """The command, who asked for it, and its `options`.

    `named` is the command that Discord names above the message, with its user: the line
    repeats neither, and is empty if there is nothing else to say.
    """
    if job.command == named:
        asked = ""
    elif named and job.command.startswith(f"{named} "):
        asked = f"**{job.command.removeprefix(named).lstrip()}**"
    else:
        asked = f"**{job.command}** for {job.requester.mention}"
    values = inputs.summarize(job.endpoint, job.arguments, MAX_DESCRIPTION) if options else ""
    return " · ".join(filter(None, [asked, values]))


def under(header: str, *lines: str) -> str:
    """Lines under a header that may be empty."""
    return "\n".join(filter(None, [header, *lines]))


def progress_line(now: Progress, since: float | None = None) -> str:
    """A job's progress in one small line; `since` is when it started, in epoch seconds.

    Discord updates the elapsed time itself, without edits.
    """
    line = STAGE_WRITERS[now.stage](now)
    note = harmless_line(now.note, 120) if now.note else ""
    if note:
        line += f" · {note}"
    if since is not None:
        line += f" · started <t:{int(since)}:R>"
    return f"-# {line}"


def _waking(now: Progress) -> str:
    if now.step:
        return f"⏳ Trying the Space again in {duration(now.eta or 0)} (try {now.step:g})"
    about = f", about {duration(now.eta)} left" if now.eta and now.eta >= 1 else ""
    return "💤 Reaching the Space" + about


def _waiting(now: Progress) -> str:
    if now.rank is None or now.size is None:
        return "⏳ Starting"
    return f"⏳ In line here: {now.rank} of {now.size}"


def _queued(now: Progress) -> str:
    if now.rank is None:
        return "⏳ In the Space's queue"
    place = f"{now.rank} of {now.size}" if now.size else str(now.rank)
    about = f", about {duration(now.eta)}" if now.eta and now.eta >= 1 else ""
    return f"⏳ In the Space's queue: {place}{about}"


def _running(now: Progress) -> str:
    parts = ["⚙️ Working"]
    if now.fraction is not None:
        full = round(now.fraction * BAR_WIDTH)
        parts = [f"⚙️ {'▰' * full}{'▱' * (BAR_WIDTH - full)} {now.fraction:.0%}"]
    if now.step is not None and now.steps:
        unit = (
            f" {harmless_line(now.unit, MAX_UNIT_LENGTH)}"
            if now.unit and now.unit != "steps"
            else ""
        )
        parts.append(f"{now.step:g} of {now.steps:g}{unit}")
    elif now.fraction is None and now.eta and now.eta >= 1:
        parts.append(f"about {duration(now.eta)}")
    return " · ".join(parts)


STAGE_WRITERS = {
    JobStage.WAKING: _waking,
    JobStage.WAITING: _waiting,
    JobStage.SENDING: lambda _: "📤 Sending it to the Space",
    JobStage.QUEUED: _queued,
    JobStage.RUNNING: _running,
    JobStage.FETCHING: lambda _: "📥 Fetching the result",
}


def harmless_line(text: str, limit: int) -> str:
    """A Space's text, which may contain HTML, as one harmless line of about `limit` characters."""
    return escape(plain_line(text, limit))


def exclusion(excluded: ExcludedEndpoint) -> str:
    """Which endpoint has no command and why, as harmless Markdown: both texts are the Space's."""
    reason = harmless_line(excluded.reason.rstrip("."), MAX_REASON)
    return f"{code(plain_line(excluded.api_name, MAX_ENDPOINT_NAME))}: {reason}."


def duration(seconds: float) -> str:
    """Seconds as a person says them: "40 s", "3 min", "2 h 10 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def clock_time(at: float) -> str:
    """Epoch seconds as a time of day in UTC, rounded up; with the date if not today."""
    then = datetime.fromtimestamp(math.ceil(at / 60) * 60, UTC)
    time_of_day = f"{then:%H:%M} UTC"
    if then.date() == datetime.now(UTC).date():
        return time_of_day
    return f"{time_of_day} on {then.day} {then:%B}"


UNSAVED = (
    "-# ⚠️ The bot could not save this, so the buttons under it may not work. To ask again, use "
    "the command."
)


def duration_line(seconds: float) -> str:
    """How long a result took, as a small line."""
    return f"-# Done in {seconds:.1f} s" if seconds < 10 else f"-# Done in {duration(seconds)}"


def _left_empty(error: SpaceRaised) -> str:
    named = ", ".join(f"`{name}`" for name in error.empty[:3])
    return f"\nLeft empty: {named}. The Space may need it." if named else ""


def describe_failure(error: BaseException) -> str:
    """What went wrong, for the person who is waiting, and what to do next."""
    match error:
        case SpaceRaised() if str(error).strip():
            said = harmless_line(str(error), 1200)
            return f"❌ The Space says: {said}{_left_empty(error)}"
        case SpaceRaised():
            return (
                "❌ The Space failed and did not say why. "
                "Try other values or another file; if it happens again, tell the author of the "
                "Space."
                f"{_left_empty(error)}"
            )
        case JobCancelled():
            return f"🛑 {error}"
        case QuotaExceeded() | LimitReached():
            return f"⏳ {error}"
        case NotAllowed():
            return f"🚫 {error}"
        case ValuesRejected() if str(error).strip():
            return f"✏️ The Space says: {harmless_line(str(error), 1200)}"
        case ValuesRejected():
            return "✏️ The Space rejected these values without saying why. Try others."
        case InputError():
            return f"✏️ {error}"
        case SpacebotError():
            return f"❌ {error}"
        case _:
            return f"❌ {BUG}"
