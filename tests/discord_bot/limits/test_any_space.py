"""`/limits run` also holds for the buttons under earlier offers and results of `/run`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from spacebot.models import Source
from tests.support.asking import is_final, shown
from tests.support.loopback import Interaction
from tests.support.server_spaces import Town, told, town

OFF = "have turned off `/run` and `/find`"


def text_of(seen: Interaction) -> str:
    """The answers to an interaction besides the message that was pressed."""
    answers = [one for one in [*seen.followups, seen.message] if one and one is not seen.source]
    return "\n".join(one.text for one in answers)


async def converse(lab: Town) -> None:
    """Begin a conversation by /run."""
    chat = {"space": "ada/stateful", "endpoint": "chat", "wish": "hello"}
    form = await lab.place.ada.command("run", chat, channel=lab.place.channel)
    seen = await lab.place.ada.submit(form, {})
    await seen.wait(lambda one: shown(one).thread is not None, 60)
    await thread_says(lab, "You said: hello")


async def refused_in_conversation(lab: Town) -> None:
    """Continue it."""
    thread = lab.place.channel.threads[-1]
    lab.place.ada.say(f"{lab.place.server.bot.mention} more", channel=thread)
    await thread_says(lab, OFF)


async def thread_says(lab: Town, text: str) -> None:
    thread = lab.place.channel.threads[-1]
    await thread.wait(lambda one: any(text in said.text for said in one.messages), 60)


async def test_buttons_and_forms_from_before_run_nothing(
    served: Callable[[str], str], tmp_path: Path
):
    spaces = {"ada/fast": served("fast"), "ada/stateful": served("stateful")}
    async with town(tmp_path, spaces, Source(served("fast"), "/echo", "own")) as lab:
        ada, here = lab.place.ada, lab.place.channel
        offer = await ada.command("run", space="ada/fast", wish="hi", channel=here)
        await offer.wait(lambda one: "Open the form" in shown(one).buttons(), 30)
        form = await ada.click(shown(offer), "Open the form")
        seen = await ada.submit(form, {})
        await seen.wait(is_final, 30)
        result = shown(seen)
        open_form = await ada.click(shown(offer), "Open the form")
        await converse(lab)
        limits = await lab.mod.command("limits run", {"who": "Nobody"}, channel=here)
        assert "/run" in await told(limits)
        pressed = [await ada.click(result, label) for label in ("Again", "Edit…")]
        pressed.append(await ada.click(shown(offer), "Open the form"))
        pressed.append(await ada.choose(shown(offer), "/sleep"))
        pressed.append(await ada.submit(open_form, {}))
        for one in pressed:
            assert one.modal is None
            await one.wait(text_of, 20)
            assert OFF in text_of(one)
        await refused_in_conversation(lab)
        # Commands that everyone is offered still work.
        own = await ada.command("own", text="hello", channel=here)
        await own.wait(is_final, 30)
        assert "hello" in shown(own).content
