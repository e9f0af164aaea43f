"""Each kind of event: what it needs, what it matches, how it is described. No Discord needed."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

import pytest

from spacebot.discord_bot.automations import TRIGGERS, values
from spacebot.discord_bot.automations.events import Event, plain_emoji
from spacebot.discord_bot.automations.triggers import DailyTrigger, IntervalTrigger
from spacebot.errors import InputError
from spacebot.models import Endpoint, Parameter

EVENT = Event("message", 1, 2, "Ada", channel=3)
PAINT = Endpoint(
    "space",
    "/paint",
    "paint",
    "Paint",
    parameters=(
        Parameter("prompt", "Prompt", "textbox", required=True, max_length=20),
        Parameter("size", "Size", "slider", default=512, minimum=256, maximum=1024, step=64),
        Parameter("style", "Style", "textbox", default="oil"),
    ),
)
DESCRIBE = Endpoint(
    "space",
    "/describe",
    "describe",
    "Describe",
    parameters=(Parameter("picture", "Picture", "image", required=True),),
)


@pytest.mark.parametrize(
    ("kind", "setting", "kept", "told"),
    [
        ("picture", "", "", "a message with a picture"),
        ("sound", "", "", "a message with a sound"),
        ("voice", "", "", "a voice message"),
        ("video", "", "", "a message with a video"),
        ("file", "", "", "a message with another file"),
        ("link", " YouTube.com ", "youtube.com", "a message with a link to youtube.com"),
        ("link", "", "", "a message with a link"),
        ("text", "Good  Morning, hello", "good morning,hello", "“good morning” or “hello”"),
        ("reaction", "🎵", "🎵", "a reaction with 🎵"),
        ("reaction", "❤️", "❤", "a reaction with ❤"),
        ("reaction", "<:blob:123>", "blob:123", "a reaction with <:blob:123>"),
        ("join", "", "", "somebody joins the server"),
        ("thread", "", "", "a new thread or forum post"),
        ("daily", "8:05", "08:05 UTC", "every day at 08:05 UTC"),
        ("daily", "23:59 Europe/Berlin", "23:59 Europe/Berlin", "every day at 23:59 Europe/Berlin"),
        ("hours", "06", "6", "every 6 hours"),
        ("hours", "1", "1", "every hour"),
    ],
)
def test_what_it_has_to_know(kind: str, setting: str, kept: str, told: str) -> None:
    assert TRIGGERS[kind].check(setting) == kept
    assert told in TRIGGERS[kind].describe(kept)


@pytest.mark.parametrize(
    ("kind", "setting", "why"),
    [
        ("picture", "cats", "does not use"),
        ("text", " , ", "the words to look for"),
        ("text", "*", "the words to look for"),
        ("reaction", "", "the emoji"),
        ("reaction", "tune", "the emoji"),
        ("reaction", "🎵 please", "the emoji"),
        ("daily", "25:00", "the time"),
        ("daily", "", "the time"),
        ("daily", "08:30 Atlantis", "time zone"),
        ("daily", "08:30 ../../etc/passwd", "time zone"),
        ("hours", "0", "the number of hours"),
        ("hours", "soon", "the number of hours"),
    ],
)
def test_what_cannot_be_used_is_told(kind: str, setting: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        TRIGGERS[kind].check(setting)


@pytest.mark.parametrize(
    ("kind", "setting", "event", "fits"),
    [
        ("text", "good morning", {"text": "A GOOD   morning to you"}, True),
        ("text", "hi,hello", {"text": "oh, hello"}, True),
        ("text", "make * tune", {"text": "Make me a nice tune"}, True),
        ("text", "make * tune", {"text": "a tune to make"}, False),
        ("link", "", {"text": "see https://example.org/a, please"}, True),
        ("link", "example.org", {"text": "see <https://EXAMPLE.org>"}, True),
        ("link", "example.org", {"text": "example.org is no link"}, False),
        ("reaction", "🎵", {"emoji": "🎵"}, True),
        ("reaction", "🎵", {"emoji": "🎶"}, False),
        ("join", "", {}, True),
        ("picture", "", {}, False),
    ],
)
def test_what_it_fits(kind: str, setting: str, event: dict[str, Any], fits: bool) -> None:
    assert TRIGGERS[kind].fits(setting, replace(EVENT, **event)) is fits


def test_the_next_time_is_by_the_calendar() -> None:
    zone = "Europe/Berlin"
    before = datetime.datetime(2026, 3, 28, 9, 0, tzinfo=datetime.UTC).timestamp()
    times = [DailyTrigger().next(f"08:30 {zone}", before)]
    times.append(DailyTrigger().next(f"08:30 {zone}", times[0]))
    # The clocks go forward in the night before the 29th.
    hours = [datetime.datetime.fromtimestamp(one, datetime.UTC).hour for one in times]
    assert hours == [6, 6]
    assert times[0] - before == 21.5 * 3600
    assert IntervalTrigger().next("6", before) == before + 6 * 3600


def test_the_first_link_is_taken_without_what_ends_the_sentence() -> None:
    event = replace(EVENT, text="(see https://example.org/a?b=c).")
    assert event.link == "https://example.org/a?b=c"
    assert plain_emoji("<a:dance:42>") == "dance:42"


def test_values_are_read_as_they_are_written() -> None:
    arguments = values.parse(PAINT, "prompt:a {text}: in oil size:512 style:")
    assert arguments == {"prompt": "a {text}: in oil", "size": "512", "style": ""}
    assert values.format_line(arguments) == "prompt:a {text}: in oil size:512 style:"
    with pytest.raises(InputError, match="`prompt`, `size`, `style`"):
        values.parse(PAINT, "a cat")


def test_default_values_of_an_event() -> None:
    assert values.defaults(PAINT, TRIGGERS["text"]) == {"prompt": "{text}"}
    assert values.defaults(PAINT, TRIGGERS["join"]) == {"prompt": "Welcome, {user}!"}
    assert values.defaults(PAINT, TRIGGERS["link"]) == {"prompt": "{link}"}
    assert values.defaults(PAINT, TRIGGERS["daily"]) == {}
    assert values.defaults(DESCRIBE, TRIGGERS["picture"]) == {"picture": "{file}"}


@pytest.mark.parametrize(
    ("endpoint", "arguments", "why"),
    [
        (PAINT, {"prompt": "{words}"}, "There is no {words}"),
        (PAINT, {"size": "512"}, "`prompt` is needed"),
        (PAINT, {"prompt": "{text}", "size": "huge"}, "`size`"),
        (PAINT, {"prompt": "{text}", "size": "5000"}, "`size`"),
        (PAINT, {"prompt": "{file}"}, "`prompt` takes no file"),
        (DESCRIBE, {"picture": "{text}"}, "`picture` takes `{file}`"),
        (DESCRIBE, {}, "`picture` is needed"),
    ],
)
def test_values_that_cannot_be_taken_are_told(endpoint: Endpoint, arguments: Any, why: str) -> None:
    with pytest.raises(InputError) as caught:
        values.check(endpoint, arguments)
    assert why in str(caught.value)


def test_an_event_fills_the_values_in() -> None:
    event = replace(EVENT, text="a {user} by the sea, and much more than fits")
    filled = values.fill(PAINT, {"prompt": "{text}", "style": "{title}"}, event, None)
    # A person's text is not searched for placeholders, and is cut to the option's limit.
    assert filled == {"prompt": "a {user} by the sea,"}
    assert values.fill(PAINT, {"prompt": "{text}"}, EVENT, None) is None
    assert values.fill(DESCRIBE, {"picture": "{file}"}, EVENT, None) is None


def test_intents_are_needed_for_what_is_used_of_a_message() -> None:
    reaction, join = TRIGGERS["reaction"], TRIGGERS["join"]
    assert values.intents_for(reaction, {"prompt": "a cat for {user}"}) == set()
    assert values.intents_for(reaction, {"prompt": "{text}"}) == {"message_content"}
    assert values.intents_for(join, {"prompt": "{user}"}) == {"members"}
    assert values.intents_for(TRIGGERS["daily"], {"prompt": "{date}"}) == set()
