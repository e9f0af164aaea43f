"""Forms: options that do not fit into a command, page by page."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from spacebot.discord_bot.forms.pages import DRAFT_TTL
from tests.e2e.conftest import Place
from tests.support.asking import is_final, shown
from tests.support.bot_in_loop import Home
from tests.support.loopback import Interaction, Message

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def result(seen: Interaction) -> Message:
    """The final answer to an interaction."""
    await seen.wait(is_final, 30)
    return shown(seen)


def told(message: Message) -> Any:
    """The JSON in a Space's text."""
    text = message.content.replace("\\", "")
    return json.loads(text[text.index("{" if "{" in text else "[") : text.rindex("\n")])


def labels(form: Interaction) -> list[str]:
    """The labels of a form's fields."""
    assert form.modal is not None, form.describe()
    return [part["label"] for part in form.modal["components"]]


async def test_more_settings_than_a_command_takes_are_in_a_form(place: Place) -> None:
    form = await place.ada.command("many", prompt="sea", more=True, channel=place.channel)
    assert form.modal is not None
    assert form.modal["title"] == "/many (1 of 2)"
    assert labels(form) == [f"Setting {number}" for number in (23, 24, 25, 26, 27)]
    menu = await place.ada.submit(form, {"Setting 23": "99"})
    assert shown(menu).ephemeral
    assert "Settings 1–5 of 7 are filled in." in shown(menu).content
    assert list(shown(menu).buttons()) == ["Next 2 settings", "Run with these"]
    form = await place.ada.click(shown(menu), "Next 2 settings")
    assert labels(form) == ["Setting 28", "Setting 29"]
    seen = await place.ada.submit(form, {"Setting 29": "3"})
    message = await result(seen)
    assert not message.ephemeral
    assert told(message)["settings"] == [*range(23), 99, *range(24, 29), 3]
    await menu.wait(lambda one: shown(one).deleted, 5)


async def test_a_form_can_be_run_before_its_last_page(place: Place) -> None:
    form = await place.ada.command("many", prompt="sea", more=True, channel=place.channel)
    menu = await place.ada.submit(form, {"Setting 25": "1"})
    message = await result(await place.ada.click(shown(menu), "Run with these"))
    assert told(message)["settings"] == [*range(25), 1, *range(26, 30)]


async def test_an_invalid_value_is_explained_and_stays_in_the_form(place: Place) -> None:
    form = await place.ada.command("many", prompt="sea", more=True, channel=place.channel)
    menu = await place.ada.submit(form, {"Setting 23": "5000", "Setting 24": "8"})
    assert "must be between 0 and 100: you gave 5000." in shown(menu).content
    form = await place.ada.click(shown(menu), "Change it")
    assert form.modal is not None
    typed = [part["component"].get("value") for part in form.modal["components"]]
    assert typed[:2] == ["5000", "8"]
    menu = await place.ada.submit(form, {"Setting 23": "50"})
    message = await result(await place.ada.click(shown(menu), "Run with these"))
    assert told(message)["settings"][22:25] == [22, 50, 8]


async def test_without_more_no_form_opens(place: Place) -> None:
    seen = await place.ada.command("many", prompt="sea", channel=place.channel)
    assert told(await result(seen))["settings"] == [*range(30)]


async def test_a_form_that_is_too_old_says_so(place: Place, home: Home) -> None:
    form = await place.ada.command("many", prompt="sea", more=True, channel=place.channel)
    menu = await place.ada.submit(form)
    later = await place.ada.click(shown(menu), "Next 2 settings")
    home.bot.forms.drafts.expire(time.monotonic() + DRAFT_TTL)
    for late in (
        await place.ada.click(shown(menu), "Run with these"),
        await place.ada.submit(later),
    ):
        assert "This form is too old" in shown(late).content
        assert shown(late).ephemeral


async def test_each_kind_of_field_comes_back_as_it_was_and_as_it_is_changed(place: Place) -> None:
    first = await result(
        await place.ada.command(
            "studio mixed", prompt="a", size="Large one", loud=True, channel=place.channel
        )
    )
    assert told(first) == ["a", "l", ["red"], "style 2", True, "as before"]
    form = await place.ada.click(first, "Edit…")
    menu = await place.ada.submit(form)
    again = await result(await place.ada.click(shown(menu), "Run with these"))
    assert told(again) == ["a", "l", ["red"], "style 2", True, "as before"]
    form = await place.ada.click(first, "Edit…")
    changed = {"Prompt": "b", "Size": "Small one", "Tags": ["green", "blue"], "Loud": False}
    menu = await place.ada.submit(form, changed | {"Style": "style 9"})
    form = await place.ada.click(shown(menu), "Next 1 setting")
    message = await result(await place.ada.submit(form, {"Notes": ""}))
    assert told(message) == ["b", "s", ["green", "blue"], "style 9", False, ""]


async def test_files_of_a_form_stay_unless_they_are_replaced(place: Place) -> None:
    first = await result(
        await place.ada.command(
            "studio join",
            first=("a.txt", b"four"),
            second=("b.txt", b"seven.."),
            caption="one",
            channel=place.channel,
        )
    )
    assert "one: \\[4, 7]" in first.content
    form = await place.ben.click(first, "Edit…")
    assert form.modal is not None
    kept = {part["label"]: part.get("description") for part in form.modal["components"]}
    assert kept["First"] == "Now: a.txt. Leave this empty to keep it."
    replaced = {"Second": ("c.txt", b"nine bytes"), "Caption": "two"}
    message = await result(await place.ben.submit(form, replaced))
    assert "two: \\[4, 10]" in message.content
    assert message.content.startswith("**/studio join** for <@" + str(place.ben.id))
