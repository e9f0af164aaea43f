"""Registering commands: a command that Discord refuses costs no other Space its command."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from spacebot.discord_bot.registration import rules
from spacebot.models import BotPhase, Source
from tests.e2e.conftest import Place, discord
from tests.support.asking import ask
from tests.support.bot_in_loop import at_home
from tests.support.loopback.commands import CommandCheck
from tests.support.loopback.errors import ApiError, Problems


def puts(place: Place) -> list[int]:
    """Discord's response to each registration."""
    made = place.server.requests
    return [r.status for r in made if r.method == "PUT" and r.path.endswith("/commands")]


def registered(place: Place) -> dict[str, list[str]]:
    """Each registered slash command with its options."""
    return {
        one["name"]: [option["name"] for option in one.get("options", ())]
        for one in place.server.registered_commands
        if one["type"] == 1
    }


async def test_bounds_that_contradict_each_other_cost_no_command(served, tmp_path: Path):
    sources = [Source(served(name), name=name) for name in ("contrary", "fast")]
    async with discord() as place, at_home(place.server, *sources, folder=tmp_path) as home:
        assert puts(place) == [200]
        assert {"contrary", "fast"} <= registered(place).keys()
        assert home.bot.state().reason == ""
        assert "hi" in (await ask(place.ada, "fast echo", text="hi", channel=place.channel)).content
        (steps, speed, whole) = next(
            one["options"] for one in place.server.registered_commands if one["name"] == "contrary"
        )
        for option in (steps, speed, whole):
            assert "min_value" not in option
            assert "max_value" not in option


async def test_what_discord_refuses_all_the_same_is_left_out_and_told(served, tmp_path, caplog):
    sources = [Source(served(name), name=name) for name in ("fast", "stateful", "contrary")]
    async with discord() as place:
        place.server.commands.refused = {"sleep", "contrary"}
        async with at_home(place.server, *sources, folder=tmp_path) as home:
            assert puts(place) == [400, 200]
            now = registered(place)
            assert "contrary" not in now
            assert {"fast", "stateful"} <= now.keys()
            assert "echo" in now["fast"]
            assert "sleep" not in now["fast"]
            state = home.bot.state()
            assert state.phase is BotPhase.CONNECTED
            assert state.reason == (
                "Not registered with Discord: /fast sleep: Discord says: Not this name; "
                "/contrary: Discord says: Not this name."
            )
            assert caplog.text.count("left out /contrary") == 1
            # The next registration does not send the refused command again.
            home.bot.offer()
            await home.bot.registration.sync()
            assert puts(place) == [400, 200]
            assert caplog.text.count("left out /contrary") == 1
            seen = await ask(place.ada, "fast echo", text="hi", channel=place.channel)
            assert "hi" in seen.content


async def test_a_space_whose_command_cannot_be_made_costs_no_other(served, tmp_path, monkeypatch):
    from spacebot.discord_bot import client

    build = client.build_command

    def broken(space: Any, dispatcher: Any) -> Any:
        if space.name == "stateful":
            raise TypeError("minimum cannot be larger than maximum")
        return build(space, dispatcher)

    monkeypatch.setattr(client, "build_command", broken)
    sources = [Source(served(name), name=name) for name in ("fast", "stateful")]
    async with discord() as place, at_home(place.server, *sources, folder=tmp_path) as home:
        assert "fast" in registered(place)
        assert "stateful" not in registered(place)
        assert home.bot.state().reason.startswith("Not registered with Discord: /stateful: ")


def option(**changes: Any) -> dict[str, Any]:
    """An option that Discord accepts, apart from the changes."""
    return {"type": 4, "name": "one", "description": "One"} | changes


def command(*options: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A command that Discord accepts, apart from the changes."""
    return {"type": 1, "name": "paint", "description": "Paint", "options": [*options]} | changes


def choices(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [{"name": f"n{n}", "value": n} | changes for n in range(count)]


def refused(sent: dict[str, Any]) -> bool:
    """Whether the loopback Discord refuses it."""
    problems = Problems()
    CommandCheck(problems, ()).check(sent)
    try:
        problems.raise_any()
    except ApiError:
        return True
    return False


TEXT = {"type": 3, "choices": []}
BROKEN = [
    command(name="Paint"),
    command(name="pa int"),
    command(name=""),
    command(name="x" * 33),
    command(description=""),
    command(description="x" * 101),
    command(*[option(name=f"o{n}") for n in range(26)]),
    command(option(), option()),
    command(option(), option(name="two", required=True)),
    command(option(type=99)),
    command(option(description="")),
    command(option(name="Ä")),
    command(option(min_value=10, max_value=0)),
    command(option(min_value=1.5)),
    command(option(max_value=2**53 + 1)),
    command(option(type=10, min_value=2.0**54)),
    command(option(type=3, min_value=1)),
    command(option(type=3, min_length=7000)),
    command(option(type=3, max_length=0)),
    command(option(type=3, min_length=9, max_length=8)),
    command(option(max_length=3)),
    command(option(choices=choices(26))),
    command(option(choices=choices(2, name="same"))),
    command(option(choices=choices(1, name=""))),
    command(option(choices=choices(1, name="x" * 101))),
    command(option(choices=choices(1, value="text"))),
    command(option(choices=choices(1, value=1.5))),
    command(option(type=3, choices=choices(1))),
    command(option(type=3, choices=choices(1, value="x" * 101))),
    command(option(type=3, choices=choices(1, value=""))),
    command(option(type=5, choices=choices(1))),
    command(option(type=5, autocomplete=True)),
    command(option(choices=choices(1), autocomplete=True)),
    command(option(type=1), option(name="two")),
    command(option(type=2)),
    command(option(type=1, options=[option(type=1)])),
    command(*[option(name=f"o{n}", description="x" * 100, type=3, choices=[
        {"name": f"{m}" + "x" * 90, "value": "y" * 90} for m in range(2)]) for n in range(20)]),
    {"type": 3, "name": "x" * 33},
]  # fmt: skip


@pytest.mark.parametrize("sent", BROKEN)
def test_a_broken_rule_is_found_before_it_is_sent(sent: dict[str, Any]):
    assert refused(sent)
    assert rules.find_problem(sent)
    assert rules.fit_command(sent)[0] is None or rules.fit_command(sent)[1]


def test_only_the_broken_subcommand_is_left_out():
    good = option(type=1, name="good", options=[option()])
    bad = option(type=1, name="bad", options=[option(min_value=10, max_value=0)])
    fit, whys = rules.fit_command(command(good, bad))
    assert fit == command(good)
    assert whys == ["/paint bad: option one: its minimum is above its maximum"]
    assert rules.fit_command(command(bad))[0] is None


def test_the_rules_are_never_laxer_than_discord():
    """Random commands: Discord accepts exactly what passes the check here."""
    dice = random.Random(15)
    values = [None, -1, 0, 1, 10, 1.5, 2**53, 2**54, "", "a", "x" * 101]
    passed = 0
    for _ in range(20_000):
        options = []
        for number in range(dice.randrange(3)):
            changes = {
                key: value
                for key in ("min_value", "max_value")
                if dice.random() < 0.3 and (value := dice.choice(values[:8])) is not None
            }
            changes |= {
                key: dice.choice([0, 1, 6000, 6001])
                for key in ("min_length", "max_length")
                if dice.random() < 0.2
            }
            if dice.random() < 0.3:
                changes["choices"] = [
                    {"name": dice.choice(["a", "b", ""]), "value": dice.choice(values[1:])}
                    for _ in range(dice.randrange(3))
                ]
            if dice.random() < 0.1:
                changes["autocomplete"] = True
            if dice.random() < 0.3:
                changes["required"] = True
            kind = dice.choice([3, 4, 5, 10, 11])
            options.append(option(name=f"o{dice.randrange(9)}{number}", type=kind, **changes))
        sent = command(*options)
        fine = not rules.find_problem(sent)
        passed += fine
        assert fine is not refused(sent), (sent, rules.find_problem(sent))
    assert 1000 < passed < 19_000
