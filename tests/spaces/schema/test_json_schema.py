"""Typed functions have options of their types, and a required sign-in is reported."""

from __future__ import annotations

from pathlib import Path

from spacebot.models import OptionType
from spacebot.spaces import inputs
from tests.support.asking import ask
from tests.support.conversations import lab


async def test_typed_values_arrive_as_their_functions_take_them(served, tmp_path: Path):
    async with lab(tmp_path, it=served("typed")) as home:

        async def said(command: str, **arguments: object) -> str:
            return (await ask(home.ada, f"it {command}", arguments, channel=home.channel)).content

        (space,) = home.home.catalogue.spaces
        options = {
            one.name: one for each in space.endpoints for one in inputs.options(each).options
        }
        assert options["age"].type is OptionType.INTEGER
        assert not options["age"].required
        assert [one.label for one in options["kind"].choices] == ["cat", "dog"]
        assert "(words, separated by commas)" in options["tags"].description
        assert "(numbers, separated by commas)" in options["numbers"].description
        assert options["numbers"].required
        assert "Tom, None, None, cat, None" in await said("describe", name="Tom")
        whole = {"name": "Tom", "age": 3, "tags": "old, very sly", "kind": "dog", "nickname": "T"}
        assert "'old', 'very sly'], dog, 'T'" in await said("describe", **whole)
        for numbers in ("1, 2.5, -4", "1 2.5 -4", "[1, 2.5, -4]"):
            answer = await said("statistics", numbers=numbers)
            assert '"mean": -0.17' in answer
            assert '"span": 6.5' in answer
        assert "`numbers` must be a number like 7" in await said("statistics", numbers="1, two")


async def test_a_wanted_sign_in_is_told(served, tmp_path: Path):
    url = served("typed")
    async with lab(tmp_path, it=url) as home:
        answer = await ask(home.ada, "it greet", {"text": "hi"}, channel=home.channel)
        assert "needs your own sign-in to Hugging Face" in answer.content
        answer = await ask(home.ada, "it draw", {"text": "hi"}, channel=home.channel)
        assert "hi without a sign-in: True" in answer.content
        (space,) = home.home.catalogue.spaces
        reasons = {one.api_name: one.reason for one in space.excluded}
        assert "which Discord cannot give" in reasons["/publish"]
