"""A Space with more endpoints than Discord allows subcommands: all of them can be used."""

from __future__ import annotations

from pathlib import Path

from tests.support.asking import is_final, shown
from tests.support.conversations import lab


async def test_every_endpoint_can_be_reached(served, tmp_path: Path) -> None:
    async with lab(tmp_path, it=served("tools")) as home:
        (command,) = [one for one in home.server.registered_commands if one["name"] == "it"]
        listed = {one["name"] for one in command["options"]}
        assert len(listed) == 25
        offered: set[str] = set()
        for number in range(30):
            found = await home.ada.autocomplete(
                "it more", option="endpoint", text=f"tool {number}", channel=home.channel
            )
            offered |= {one["value"] for one in found}
        assert {f"tool_{number}" for number in range(30)} <= listed | offered
        assert not listed & offered

        wanted = sorted(offered)[0]
        form = await home.ada.command("it more", endpoint=wanted, channel=home.channel)
        seen = await home.ada.submit(form, {"Words": "hay", "Strength": "7"})
        await seen.wait(is_final, 20)
        number = wanted.removeprefix("tool_")
        assert f"tool {number} made hay at 7" in shown(seen).content
        # Discord shows /it more above it, and no command above an answer to a button.
        assert f"**endpoint:{wanted}** · " in shown(seen).content

        again = await home.ada.click(shown(seen), "Again")
        await again.wait(is_final, 20)
        assert f"tool {number} made hay at 7" in shown(again).content
        assert f"**/it more endpoint:{wanted}** for " in shown(again).content

        lost = await home.ada.command("it more", endpoint="tool_99", channel=home.channel)
        assert "no endpoint of that name" in shown(lost).content
