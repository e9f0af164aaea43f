"""A command does what the Space's page does before its button is pressed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from spacebot.models import AutocompleteRequest, Requester, Source
from spacebot.spaces.client import DescriptionCache, SpaceDescription
from spacebot.spaces.client.page.filled_pages import MAX_ASKS
from spacebot.spaces.schema.wiring.javascript import constant_arguments
from tests.support.apps import pages
from tests.support.asking import ask
from tests.support.bot_in_loop import at_home
from tests.support.conversations import lab
from tests.support.loopback import DiscordServer, User


async def test_a_dependent_list_follows_the_entered_value(served, tmp_path: Path):
    async with lab(tmp_path, it=served("pages")) as home:

        async def visit(**arguments: str) -> str:
            return (await ask(home.ada, "it visit", arguments, channel=home.channel)).content

        assert "Rivoli, Paris, France" in await visit()
        # Options left out take the values that the page sets.
        assert "Corso, Rome, Italy" in await visit(country="Italy")
        assert "Calzaiuoli, Florence, Italy" in await visit(country="Italy", city="Florence")
        assert "Condotti, Rome, Italy" in await visit(country="Italy", street="Condotti")
        # The next command starts without values of the last one.
        assert "Merciere, Lyon, France" in await visit(city="Lyon")
        refused = await visit(country="France", city="Rome")
        assert "`city` has no choice `Rome`. Pick from `Paris`, `Lyon`." in refused


async def test_what_is_typed_is_completed_from_the_page(served, tmp_path: Path):
    async with lab(tmp_path, it=served("pages")) as home:

        async def complete(option: str, text: str = "", **arguments: str) -> list[str]:
            found = await home.ada.autocomplete(
                "it visit", arguments, option=option, text=text, channel=home.channel
            )
            return [one["name"] for one in found]

        assert await complete("city") == ["Paris", "Lyon"]
        assert await complete("city", country="Italy") == ["Rome", "Florence"]
        assert await complete("city", "flo", country="Italy") == ["Florence"]
        assert await complete("street", country="Italy", city="Florence") == ["Calzaiuoli"]
        assert await complete("street", country="Italy") == ["Corso", "Condotti"]
        # Half a word is not a country yet.
        asked = pages.CALLS["offer"]
        assert await complete("city", country="Italy") == ["Rome", "Florence"]
        assert pages.CALLS["offer"] == asked


async def test_what_opens_with_the_page_is_there_for_a_command(served, tmp_path: Path):
    async with lab(tmp_path, it=served("pages")) as home:

        async def say(**arguments: str) -> str:
            return (await ask(home.ada, "it say", arguments, channel=home.channel)).content

        assert "hello tenor: hi" in await say(text="hi", voice="tenor")
        assert "hello alto: hi" in await say(text="hi")
        # Once more in the same session, whose page is already open.
        assert "hello bass: hi" in await say(text="hi", voice="bass")
        assert "hello alto: hi" in await say(text="hi")


def option(server: DiscordServer, command: str, name: str) -> dict[str, Any] | None:
    """An option of a subcommand as it is registered."""
    (group,) = (one for one in server.registered_commands if one["name"] == "it")
    (found,) = (one for one in group["options"] if one["name"] == command)
    return next((one for one in found["options"] if one["name"] == name), None)


async def test_what_opens_with_the_page_is_in_the_registered_commands(served, tmp_path: Path):
    address = served("pages")
    async with lab(tmp_path, it=address) as home:
        await home.server.wait(lambda server: option(server, "draw", "lora"))
        voice = option(home.server, "say", "voice")
        assert voice
        assert [one["name"] for one in voice["choices"]] == ["alto", "tenor", "bass"]
        lora, steps = (option(home.server, "draw", name) for name in ("lora", "steps"))
        assert lora
        assert steps
        assert [one["name"] for one in lora["choices"]] == ["none", "manga"]
        assert steps["max_value"] == 50

        async def draw(**arguments: str | int) -> list[str]:
            drawn = await ask(home.ada, "it draw", arguments, channel=home.channel)
            # The options that the member set stand above it.
            (line,) = [one for one in drawn.content.split("\n") if one[:1].isdigit()]
            return line.split()

        # Every session draws its own seed, unless the member sets one.
        first, second = await draw(), await draw(lora="manga", steps=50)
        assert first[0] != second[0]
        assert first[1:] == ["25", "none"]
        assert second[1:] == ["50", "manga"]
        assert (await draw(seed=7))[0] == "7"


async def test_another_seed_at_each_start_registers_nothing_again(served, tmp_path: Path):
    source = Source(served("pages"), name="it")
    async with DiscordServer() as server:
        server.limits.enforced = False
        seeds, registered = [], []
        for _ in range(2):
            async with at_home(server, source, folder=tmp_path) as home:
                await asyncio.gather(*home.catalogue._opening.values())
                if home.catalogue._reading is not None:
                    await home.catalogue._reading
                home.bot.offer()
                await home.bot.registration.sync()
                (endpoint,) = (e for e in home.catalogue.spaces[0].endpoints if e.name == "draw")
                seeds += [one.default for one in endpoint.parameters if one.option == "seed"]
                registered.append(puts(server))
                seed = option(server, "draw", "seed")
                assert seed
                assert seed["description"] == "Seed (0 to 1000000)"
        assert seeds[0] != seeds[1]
        assert registered[0] == registered[1]


def puts(server: DiscordServer) -> int:
    return sum(one.method == "PUT" and one.path.endswith("/commands") for one in server.requests)


async def test_a_page_that_cannot_be_opened_keeps_what_was_known(tmp_path: Path):
    known = SpaceDescription(
        {"components": [{"id": 3, "type": "dropdown"}]}, {}, {3: {"value": "b"}}
    )
    kept = DescriptionCache(tmp_path)
    kept.save("a/b", known)
    assert kept.load("a/b") == known
    fresh = SpaceDescription({"components": [{"id": 3, "type": "dropdown"}]}, {"x": 1})
    assert fresh.after(known).opened == known.opened
    other = SpaceDescription({"components": [{"id": 3, "type": "slider"}]}, {})
    assert other.after(known).opened == {}


async def test_a_range_is_that_of_the_chosen_model(served, tmp_path: Path):
    async with lab(tmp_path, it=served("pages")) as home:

        async def make(**arguments: str | int) -> str:
            return (await ask(home.ada, "it make", arguments, channel=home.channel)).content

        pages.GO_ON.set()
        assert "small 128 plain" in await make()
        assert "large 256 plain" in await make(model="large")
        assert "large 2048 plain" in await make(model="large", width=2048)
        assert "`width` must be between 64 and 512: you gave 2048." in await make(width=2048)


async def test_an_event_that_fails_or_is_a_command_or_is_slow_costs_nobody_the_job(
    served, tmp_path: Path
):
    async with lab(tmp_path, it=served("pages")) as home:

        async def make(**arguments: str | int) -> str:
            return (await ask(home.ada, "it make", arguments, channel=home.channel)).content

        pages.GO_ON.set()
        made = pages.CALLS["make"]
        assert r"small 128 bold \[note of bold]" in await make(style="bold")
        # The page would also have run it when the style changed.
        assert pages.CALLS["make"] == made + 1
        failed = await make(style="broken")
        assert "small 128 broken" in failed
        assert "That style is broken." in failed

        pages.GO_ON.clear()
        slow = pages.CALLS["slow"]
        try:
            assert "large 256 plain" in await make(model="large")
            assert pages.CALLS["slow"] == slow + 1
            # It is known to be slow, so it does not run again.
            assert "large 256 plain" in await make(model="large")
            assert pages.CALLS["slow"] == slow + 1
        finally:
            pages.GO_ON.set()


async def test_what_the_page_does_is_told_in_the_recipe_and_on_the_page(served, tmp_path: Path):
    async with lab(tmp_path, it=served("pages")) as home:
        pages.GO_ON.clear()
        try:
            result = await ask(home.ada, "it make", {"model": "large"}, channel=home.channel)
        finally:
            pages.GO_ON.set()
        pressed = await home.ada.click(result, "Recipe")
        assert pressed.message
        (told,) = (one for one in pressed.message.content.split("\n") if "page ran first" in one)
        assert "Model sets Width" in told
        # Neither events that nothing started nor events that took too long.
        assert "Style sets Note" not in told
        assert "Model sets Note" not in told
        assert "width:" not in pressed.message.content
        untouched = await ask(home.ada, "it make", channel=home.channel)
        pressed = await home.ada.click(untouched, "Recipe")
        assert pressed.message
        assert "page ran first" not in pressed.message.content

        (status,) = home.home.catalogue.status(lambda _: (0, 0))
        assert "Country sets City" in status.page_events
        assert "opening the page sets Voice" in status.page_events
        told = {one.api_name: one.reason for one in status.page_excluded}
        (why,) = (why for what, why in told.items() if "Made" in what)
        assert why == "it is a command by itself"
        assert told["Model sets Note"] == "it runs for longer than 2 s"

        def not_run() -> dict[str, str]:
            (status,) = home.home.catalogue.status(lambda _: (0, 0))
            return {one.api_name: one.reason for one in status.page_excluded}

        await ask(home.ada, "it make", {"style": "broken"}, channel=home.channel)
        assert not_run()["Style sets Note"] == "it failed the last time"
        await ask(home.ada, "it make", {"style": "bold"}, channel=home.channel)
        assert "Style sets Note" not in not_run()


async def test_a_hidden_list_is_as_the_open_tab_sets_it_or_is_offered(served, tmp_path: Path):
    async with lab(tmp_path, it=served("pages")) as home:
        film = await ask(home.ada, "it film", {"prompt": "a cat"}, channel=home.channel)
        assert "a cat / text to video / 5B / " in film.content
        arguments = {"prompt": "a cat", "model_size": "14B"}
        film = await ask(home.ada, "it film", arguments, channel=home.channel)
        assert "a cat / text to video / 14B / " in film.content
        (space,) = home.home.catalogue.spaces
        (endpoint,) = (one for one in space.endpoints if one.api_name == "/film")
        assert {one.label for one in endpoint.parameters} == {"Prompt", "Model size"}


async def test_a_hidden_mode_is_as_the_pressed_button_sets_it(served, tmp_path: Path):
    async with lab(tmp_path, it=served("pages")) as home:

        async def press(button: str, **arguments: str) -> str:
            arguments = {"text": "hi", **arguments}
            return (await ask(home.ada, f"it {button}", arguments, channel=home.channel)).content

        assert "hi / final / red" in await press("print")
        assert "hi / final / blue" in await press("proof", colour="blue")
        # A button's values do not leak into the next.
        assert "hi / draft / blue" in await press("sketch", colour="blue")
        assert option(home.server, "print", "mode") is None


@pytest.mark.parametrize(
    ("script", "constants"),
    [
        ("(a, b, c) => [a, 'x, y', 3]", {1: "x, y", 2: 3}),
        ("(...all) => ['x', ...all.slice(1)]", {0: "x"}),
        ("function (...all) { return [...all.slice(0, 2), true]; }", {2: True}),
        ("async () => { return [window.x(1, 2), null, 'z'] }", {2: "z"}),
        ("(a, b, c) => { alert('x'); return [a, 'b', c] }", {}),
        ("(a, b, c, d) => [a, b, c, 'more than it takes']", {}),
        ("() => 'one'", {}),
        ("not a function", {}),
        (True, {}),
        ("(a) => [" + "[" * 4000, {}),
        ("(" * 5001, {}),
    ],
)
def test_constants_among_the_arguments_of_a_script(script: Any, constants: dict[int, Any]):
    assert constant_arguments(script, 3) == constants


async def test_one_person_s_typing_asks_a_space_only_so_often(
    served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # However slow this machine is.
    monkeypatch.setattr("spacebot.spaces.client.page.filled_pages.ASK_WINDOW", 1000.0)
    async with lab(tmp_path, it=served("pages")) as home:

        async def complete(user: User, query: str) -> list[str]:
            found = await user.autocomplete(
                "it pick", query=query, option="match", channel=home.channel
            )
            return [one["name"] for one in found]

        before = pages.CALLS["find"]
        for number in range(MAX_ASKS):
            assert await complete(home.ada, f"q{number}") == [f"q{number} one", f"q{number} two"]
        # A repeated question is free; a new one is answered from what was last known.
        assert await complete(home.ada, "q0") == ["q0 one", "q0 two"]
        last = f"q{MAX_ASKS - 1}"
        assert await complete(home.ada, "further") == [f"{last} one", f"{last} two"]
        assert pages.CALLS["find"] == before + MAX_ASKS
        # Nobody else waits for that.
        assert await complete(home.ben, "further") == ["further one", "further two"]


async def test_visitors_of_the_page_share_what_one_person_may_ask(served, tmp_path: Path):
    async with lab(tmp_path, it=served("pages")) as home:
        catalogue = home.home.catalogue
        (endpoint,) = (one for one in catalogue.spaces[0].endpoints if one.name == "pick")

        async def complete(requester: Requester, query: str) -> list[str]:
            found = await catalogue.suggest(
                AutocompleteRequest(endpoint, "match", "", {"query": query}, requester)
            )
            return [one.label for one in found]

        def visitor(number: int) -> Requester:
            return Requester(f"tryout:{number}", "you", share="tryout")

        before = pages.CALLS["find"]
        for number in range(MAX_ASKS):
            assert await complete(visitor(number), f"v{number}") == [
                f"v{number} one",
                f"v{number} two",
            ]
        last = f"v{MAX_ASKS - 1}"
        assert await complete(visitor(MAX_ASKS), "further") == [f"{last} one", f"{last} two"]
        assert pages.CALLS["find"] == before + MAX_ASKS
        assert await complete(Requester("ada", "ada"), "further") == ["further one", "further two"]


async def test_typing_does_not_wait_for_a_slow_page(
    served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    async with lab(tmp_path, it=served("pages")) as home:

        async def complete(query: str) -> list[str]:
            found = await home.ada.autocomplete(
                "it pick", query=query, option="match", channel=home.channel
            )
            return [one["name"] for one in found]

        assert await complete("quick") == ["quick one", "quick two"]
        monkeypatch.setattr("spacebot.engine.catalogue.catalogue.AUTOCOMPLETE_TIMEOUT", 0.3)
        pages.GO_ON.clear()
        try:
            before = pages.CALLS["find"]
            assert await complete("slow") == ["quick one", "quick two"]
            assert pages.CALLS["find"] == before + 1
            assert not pages.GO_ON.is_set()
        finally:
            pages.GO_ON.set()
