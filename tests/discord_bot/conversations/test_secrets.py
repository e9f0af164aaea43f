"""A password in a conversation is used only for questions of the member who entered it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.conversations import LAST, Lab, answer, forked, lab, opened, spoken
from tests.support.loopback import Channel, Message, User


async def begun(it: Lab) -> Channel:
    """Ada's conversation, begun with a key of hers."""
    arguments: dict[str, Any] = {"message": "one", "key": "ada-key"}
    thread = await opened(it.ada, "keyed", it.channel, **arguments)
    assert "paid with ada-key" in spoken(thread)[-1].content
    return thread


async def asked_for_key(place: Channel) -> Message:
    """The answer that asks the person who spoke for their own key."""
    await place.wait(lambda channel: "Enter" in spoken(channel)[-1].buttons(), 20)
    said = spoken(place)[-1]
    assert "`key`" in said.content
    assert "ada-key" not in said.content
    return said


async def enter(user: User, message: Message, key: str) -> None:
    """Press Enter and fill in the form."""
    form = await user.click(message, "Enter")
    assert form.modal is not None, form.describe()
    assert [part["label"] for part in form.modal["components"]] == ["API key"]
    await user.submit(form, {"API key": key})


async def test_a_fork_asks_its_owner_for_a_key_of_their_own(served, tmp_path: Path):
    async with lab(tmp_path, keyed=served("keyed")) as it:
        thread = await begun(it)
        fork = await forked(it.ben, spoken(thread)[-1])
        it.ben.say("two", channel=fork)
        said = await asked_for_key(fork)
        await enter(it.ben, said, "ben-key")
        await answer(fork, "two: paid with ben-key")
        it.ben.say("three", channel=fork)
        await answer(fork, "three: paid with ben-key")


async def test_ones_own_fork_takes_ones_own_key_along(served, tmp_path: Path):
    async with lab(tmp_path, keyed=served("keyed")) as it:
        thread = await begun(it)
        fork = await forked(it.ada, spoken(thread)[-1])
        it.ada.say("two", channel=fork)
        await answer(fork, "two: paid with ada-key")


async def test_who_joins_an_open_conversation_pays_for_their_own_questions(served, tmp_path: Path):
    async with lab(tmp_path, keyed=served("keyed")) as it:
        thread = await begun(it)
        await it.ada.click(spoken(thread)[-1], "Open to all")
        it.ben.say("two", channel=thread)
        said = await asked_for_key(thread)
        await enter(it.ben, said, "ben-key")
        last = await answer(thread, "two: paid with ben-key")
        it.ada.say("three", channel=thread)
        last = await answer(thread, "three: paid with ada-key")
        await it.ben.click(last, LAST)
        await answer(thread, "three: paid with ben-key")


async def test_a_chat_does_not_ask_for_an_optional_key_that_was_left_out(served, tmp_path: Path):
    async with lab(tmp_path, keyed=served("keyed")) as it:
        thread = await opened(it.ada, "keyed", it.channel, message="one")
        await it.ada.click(spoken(thread)[-1], "Open to all")
        it.ben.say("two", channel=thread)
        await answer(thread, "two: paid with no key")
