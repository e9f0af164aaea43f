"""Buttons under a server command's results follow its moderators' current settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.support.asking import ask, is_final, shown
from tests.support.loopback import Interaction
from tests.support.server_spaces import town


def text_of(seen: Interaction) -> str:
    """The answers to an interaction besides the message that was pressed."""
    answers = [one for one in [*seen.followups, seen.message] if one and one is not seen.source]
    return "\n".join(one.text for one in answers)


async def test_private_results_stay_private_and_a_paused_command_runs_no_more(
    served: Callable[[str], str], tmp_path: Path
):
    async with town(tmp_path, {"ada/fast": served("fast")}) as lab:
        ada, here = lab.place.ada, lab.place.channel
        one = {"space": "ada/fast", "endpoint": "/echo"}
        private = {**one, "name": "quiet", "answer": "Privately, to the person who asked"}
        await lab.space("add", private)
        result = await ask(ada, "quiet", text="my secret", channel=here)
        assert result.ephemeral
        again = await ada.click(result, "Again")
        await again.wait(is_final, 30)
        assert shown(again).ephemeral
        form = await ada.click(result, "Edit…")
        edited = await ada.submit(form, {"Text": "another secret"})
        await edited.wait(is_final, 30)
        assert shown(edited).ephemeral
        for what, back in (("pause", "resume"), ("remove", "")):
            await lab.space(what, {"name": "quiet"})
            for label in ("Again", "Edit…"):
                seen = await ada.click(result, label)
                assert seen.modal is None
                await seen.wait(text_of, 20)
                assert "This server has no command for /echo" in text_of(seen)
            if back:
                await lab.space(back, {"name": "quiet"})
        # Another command of the same Space is public: this answer stays private.
        await lab.space("add", {"space": "ada/fast", "name": "loud"})
        again = await ada.click(result, "Again")
        await again.wait(is_final, 30)
        assert shown(again).ephemeral
        assert all("secret" not in message.content for message in here.messages)
