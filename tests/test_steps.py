"""What a page does in steps, a command does in the same steps."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from tests.e2e.ask import ask
from tests.talking import lab


def picture(size: int) -> tuple[str, bytes]:
    """A red picture as an attachment."""
    held = io.BytesIO()
    Image.new("RGB", (size, size), "red").save(held, "PNG")
    return "red.png", held.getvalue()


async def test_a_step_prepares_what_the_next_one_takes(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:
        given = {"picture": picture(8), "detail": 3}
        answer = await ask(home.ada, "it model", given, channel=home.channel)
        # Red turned round, what the session kept, and what was asked for.
        for part in ("0,", "255,", '"width": 8', '"detail": 3', "Prepared"):
            assert part in answer.content, answer.content
        (prepared,) = answer.attachments
        colour = Image.open(io.BytesIO(prepared.data)).convert("RGB").getpixel((0, 0))
        assert colour == (0, 255, 255)

        given = {"picture": picture(8), "invert": False}
        answer = await ask(home.ada, "it model", given, channel=home.channel)
        assert '"detail": 5' in answer.content

        # A step that fails ends the job with its own words.
        failed = await ask(home.ada, "it model", {"picture": picture(2)}, channel=home.channel)
        assert "The picture is too small." in failed.content


async def test_a_seed_is_drawn_as_on_the_page(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:
        fixed = {"prompt": "a cat", "seed": 7, "randomize_seed": False}
        answer = await ask(home.ada, "it draw", fixed, channel=home.channel)
        assert "a cat with 7" in answer.content
        answer = await ask(home.ada, "it draw", {"prompt": "a cat"}, channel=home.channel)
        seed = int(answer.content.partition("a cat with ")[2][:4])
        assert 1000 <= seed <= 9999
        assert f"Seed**: {seed}" in answer.content
