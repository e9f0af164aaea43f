"""The events that an automation can wait for, each one a small class."""

# ruff: noqa: ARG002 - a kind need not use all that every kind is handed
from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Sequence

import discord

from spacebot.discord_bot.automations.events import Event, plain_emoji
from spacebot.discord_bot.gateway.intents import CONTENT, MEMBERS
from spacebot.engine.store import Automation
from spacebot.errors import InputError
from spacebot.spaces import inputs

HOUR_SECONDS = 3600.0
MAX_INTERVAL_HOURS = 24 * 7
# Other kinds handle messages with these.
MEDIA_CATEGORIES = ("image", "audio", "video")


class Trigger:
    """A kind of event.

    `source` is the kind of `Event` that can trigger it. `label` is its name for people; without the
    privileged intents in `needs`, it never occurs. `gives` is the text that a command gets by
    default.
    """

    source = "message"
    label = ""
    needs: frozenset[str] = frozenset()
    gives = "{text}"
    takes_files = False

    def check(self, setting: str) -> str:
        """The setting to store; raises InputError."""
        if setting.strip():
            raise InputError("This event does not use `match`. Leave it out.")
        return ""

    def fits(self, setting: str, event: Event) -> bool:
        """Whether this is such an event."""
        return True

    def files(self, event: Event) -> Sequence[discord.Attachment]:
        """The event's files that it is about: the command runs once for each."""
        return event.files[:1]

    def next(self, setting: str, after: float) -> float | None:
        """When the clock triggers it next after `after`, in epoch seconds; None for other kinds."""
        return None

    def describe(self, setting: str) -> str:
        """The event in words, within a sentence."""
        return self.label.casefold()


class AttachmentTrigger(Trigger):
    """A message with files of a category: "image", "audio", "video"; "" for any other file."""

    needs = frozenset({CONTENT})
    takes_files = True

    def __init__(self, label: str, category: str) -> None:
        self.label = label
        self.category = category

    def fits(self, setting: str, event: Event) -> bool:
        return bool(self.files(event))

    def files(self, event: Event) -> Sequence[discord.Attachment]:
        return [file for file in event.files if self._is_one(file)]

    def _is_one(self, file: discord.Attachment) -> bool:
        if self.category:
            return is_of_category(file, (self.category,)) and not file.is_voice_message()
        return not is_of_category(file, MEDIA_CATEGORIES)


class VoiceMessageTrigger(Trigger):
    """A voice message."""

    label = "A voice message"
    needs = frozenset({CONTENT})
    takes_files = True

    def fits(self, setting: str, event: Event) -> bool:
        return bool(self.files(event))

    def files(self, event: Event) -> Sequence[discord.Attachment]:
        return [file for file in event.files if file.is_voice_message()]


class LinkTrigger(Trigger):
    """A message with a link; only to one site, if `match` names it."""

    label = "A message with a link"
    needs = frozenset({CONTENT})
    gives = "{link}"

    def check(self, setting: str) -> str:
        return setting.strip().casefold()

    def fits(self, setting: str, event: Event) -> bool:
        return bool(event.link) and setting in event.link.casefold()

    def describe(self, setting: str) -> str:
        return f"a message with a link to {setting}" if setting else self.label.casefold()


class TextTrigger(Trigger):
    """A message with certain words: any of those separated by commas, where `*` stands for
    anything.

    Regular expressions are not supported here: one can be made to compute for hours.
    """

    label = "A message with certain words"
    needs = frozenset({CONTENT})

    def check(self, setting: str) -> str:
        phrases = [" ".join(phrase.split()) for phrase in setting.casefold().split(",")]
        if not any(phrase.strip("* ") for phrase in phrases):
            raise InputError(
                "`match` is needed: the words to look for, like `good morning, hello`. "
                "`*` stands for anything."
            )
        return ",".join(phrase for phrase in phrases if phrase.strip("* "))

    def fits(self, setting: str, event: Event) -> bool:
        text = " ".join(event.text.casefold().split())
        return any(contains_phrase(text, phrase) for phrase in setting.split(","))

    def describe(self, setting: str) -> str:
        return f"a message with “{setting.replace(',', '” or “')}”"


class ReactionTrigger(Trigger):
    """A reaction with an emoji, once for each message."""

    source = "reaction"
    label = "A reaction"

    def check(self, setting: str) -> str:
        emoji = plain_emoji(setting)
        own = re.fullmatch(r"\w+:\d+", emoji)
        drawn = len(emoji) <= 16 and not emoji.isascii() and not re.search(r"[^\W\d]|\s", emoji)
        if not own and not drawn:
            raise InputError("`match` is needed: the emoji to react with, like 🎵.")
        return emoji

    def fits(self, setting: str, event: Event) -> bool:
        return event.emoji == setting

    def describe(self, setting: str) -> str:
        own = re.fullmatch(r"(\w+):(\d+)", setting)
        return f"a reaction with {f'<:{setting}>' if own else setting}"


class JoinTrigger(Trigger):
    """Somebody joins the server."""

    source = "join"
    label = "Somebody joins the server"
    needs = frozenset({MEMBERS})
    gives = "Welcome, {user}!"


class NewThreadTrigger(Trigger):
    """A new thread, or a new post in a forum."""

    source = "thread"
    label = "A new thread or forum post"
    gives = "{title}"


class TimedTrigger(Trigger):
    """A kind that the clock triggers."""

    source = "time"
    gives = ""


class DailyTrigger(TimedTrigger):
    """A time of day, in a time zone."""

    label = "Every day at a time"

    def check(self, setting: str) -> str:
        clock, _, zone = setting.strip().partition(" ")
        found = re.fullmatch(r"(\d{1,2}):(\d{2})", clock)
        if found is None or int(found[1]) > 23 or int(found[2]) > 59:
            raise InputError("`match` is needed: the time, like `08:30` or `08:30 Europe/Berlin`.")
        try:
            zoneinfo.ZoneInfo(zone.strip() or "UTC")
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise InputError(
                "There is no such time zone. Write one like `Europe/Berlin`, or none for UTC."
            ) from error
        return f"{int(found[1]):02}:{found[2]} {zone.strip() or 'UTC'}"

    def next(self, setting: str, after: float) -> float:
        clock, _, zone = setting.partition(" ")
        hour, minute = map(int, clock.split(":"))
        now = datetime.datetime.fromtimestamp(after, zoneinfo.ZoneInfo(zone))
        due = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if due.timestamp() <= after:
            # By the calendar, not in steps of 24 hours: two days a year have another length.
            due += datetime.timedelta(days=1)
        return due.timestamp()

    def describe(self, setting: str) -> str:
        return f"every day at {setting}"


class IntervalTrigger(TimedTrigger):
    """Every so many hours."""

    label = "Every so many hours"

    def check(self, setting: str) -> str:
        number = setting.strip()
        if not number.isdecimal() or not 1 <= int(number) <= MAX_INTERVAL_HOURS:
            raise InputError(
                f"`match` is needed: the number of hours, from 1 to {MAX_INTERVAL_HOURS}."
            )
        return str(int(number))

    def next(self, setting: str, after: float) -> float:
        return after + int(setting) * HOUR_SECONDS

    def describe(self, setting: str) -> str:
        return "every hour" if setting == "1" else f"every {setting} hours"


def is_of_category(file: discord.Attachment, categories: tuple[str, ...]) -> bool:
    """Whether an attachment is of one of these categories."""
    return inputs.is_kind(file.filename, file.content_type, categories)


def contains_phrase(text: str, phrase: str) -> bool:
    """Whether a text contains the parts of a phrase, separated by `*`, in order."""
    at = 0
    for part in phrase.split("*"):
        found = text.find(part.strip(), at)
        if found < 0:
            return False
        at = found + len(part.strip())
    return True


def listens(automation: Automation, event: Event) -> bool:
    """Whether an automation waits for this."""
    kind = TRIGGERS.get(automation.kind)
    if kind is None or kind.source != event.source:
        return False
    here = event.source == "join" or int(automation.channel) in (event.channel, event.above)
    return here and kind.fits(automation.setting, event)


TRIGGERS: dict[str, Trigger] = {
    "picture": AttachmentTrigger("A message with a picture", "image"),
    "sound": AttachmentTrigger("A message with a sound", "audio"),
    "voice": VoiceMessageTrigger(),
    "video": AttachmentTrigger("A message with a video", "video"),
    "file": AttachmentTrigger("A message with another file", ""),
    "link": LinkTrigger(),
    "text": TextTrigger(),
    "reaction": ReactionTrigger(),
    "join": JoinTrigger(),
    "thread": NewThreadTrigger(),
    "daily": DailyTrigger(),
    "hours": IntervalTrigger(),
}
