"""The setup guide's words, and the reports on the connection to Discord."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spacebot.discord_bot.gateway import reach
from spacebot.models import BotPhase, BotProblem, BotStatus, Reachability, Status
from spacebot.web.setup_guide import (
    StepState,
    guide_steps,
    is_finished,
    network_problem,
    wrong_kind,
)
from tests.support.apps import free_port
from tests.support.browser.scripted_program import CONNECTED, OFF, space_status
from tests.support.loopback import DiscordServer
from tests.support.loopback.server import TOKEN

KEY = "0123456789abcdef" * 4
REACHED = Reachability("", "", 1.0)
BLOCKED = Reachability("its host name cannot be resolved", "the proxy does not answer", 1.0)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1000000000000000000", "a number such as the Application ID"),
        (KEY, "the application's Public Key"),
        ("aB3_-" * 6 + "xy", "the OAuth2 Client Secret"),
        ("hf_abcdefghijklmnop", "a token of Hugging Face"),
        ("https://discord.com/api/webhooks/1/x", "the address of a webhook"),
        ("https://discord.com/oauth2/authorize?client_id=1", "an address"),
        ("mfa.abcdefghijklmnopqrstuv", "a person's account"),
        ("your-token-here", "a placeholder"),
        (f'"{TOKEN}"', "a value in quotes"),
        (f"Bot:{TOKEN}", "a word before it"),
        ("no", "is not a bot token"),
    ],
)
def test_what_is_no_bots_token_is_recognised(value: str, said: str) -> None:
    told = wrong_kind(value)
    assert said in told
    assert "press Reset Token" in told
    # Any value may be a secret.
    assert value not in told.split("Token and")[0] or len(value) < 3


def test_a_bots_token_may_be_tried() -> None:
    assert wrong_kind(TOKEN) == ""
    assert (
        wrong_kind("MTAwMDAwMDAwMDAwMDAwMDAw.G1abcd.abcdefghijklmnopqrstuvwxyz0123456789AB") == ""
    )


def marks(status: Status, *, token: bool = True) -> dict[str, StepState]:
    return {step.key: step.mark for step in guide_steps(status, token=token, hosted=False)}


def in_order(*found: StepState) -> dict[str, StepState]:
    return dict(zip(("application", "token", "reach", "invite", "command"), found, strict=True))


def test_each_step_is_ticked_off_when_it_is_done() -> None:
    now, done, later = StepState.NOW, StepState.DONE, StepState.LATER
    status = Status(OFF)
    assert marks(status, token=False) == in_order(now, later, later, later, later)
    # A token is neither right nor missing until Discord has checked it.
    status = Status(BotStatus(BotPhase.CONNECTING))
    assert marks(status) == in_order(done, StepState.SET, later, later, later)
    status = Status(replace(CONNECTED, servers=0))
    assert marks(status) == in_order(done, done, done, now, later)
    status = Status(CONNECTED)
    assert marks(status) == in_order(done, done, done, done, now)
    guide = guide_steps(replace(status, answered=True), token=True, hosted=False)
    assert is_finished(guide)


def test_a_problem_is_shown_at_the_step_that_fixes_it() -> None:
    refused = BotStatus(BotPhase.FAILED, "Discord refused it.", trouble=BotProblem.TOKEN)
    assert marks(Status(refused))["token"] is StepState.WRONG
    intent = BotStatus(BotPhase.FAILED, "Switch it on.", trouble=BotProblem.INTENT)
    (token,) = [
        s for s in guide_steps(Status(intent), token=True, hosted=False) if s.key == "token"
    ]
    assert token.wrong == "Switch it on."
    network = BotStatus(BotPhase.RETRYING, "Not reached.", trouble=BotProblem.NETWORK)
    later, wrong = StepState.LATER, StepState.WRONG
    blocked = marks(Status(network, reach=BLOCKED))
    assert blocked == in_order(StepState.DONE, StepState.SET, wrong, later, later)
    assert marks(Status(network, reach=REACHED))["reach"] is StepState.DONE
    # Without a token, the first step can be done whether or not Discord is reached.
    assert marks(Status(OFF, reach=BLOCKED), token=False)["application"] is StepState.NOW
    down = BotStatus(BotPhase.RETRYING, "Discord has trouble.", trouble=BotProblem.DISCORD)
    assert marks(Status(down)) == in_order(StepState.DONE, StepState.SET, wrong, later, later)


def test_advice_is_in_nobodys_way() -> None:
    bot = replace(CONNECTED, servers=0, advice="Switch it on.")
    assert marks(Status(bot)) == in_order(
        StepState.DONE, StepState.DONE, StepState.DONE, StepState.NOW, StepState.LATER
    )
    guide = guide_steps(Status(replace(bot, servers=1), answered=True), token=True, hosted=False)
    assert is_finished(guide)
    assert [step.advice for step in guide if step.advice] == ["Switch it on."]


def test_a_problem_that_no_step_fixes_shows_no_guide() -> None:
    bug = BotStatus(BotPhase.FAILED, "A mistake.", trouble=BotProblem.BUG)
    assert guide_steps(Status(bug), token=True, hosted=False) == ()


def test_the_way_out_is_told() -> None:
    assert network_problem(REACHED) == ""
    told = network_problem(replace(BLOCKED, gateway=""))
    assert told.startswith(
        "discord.com cannot be reached from here (its host name cannot be resolved)."
    )
    assert "DISCORD_PROXY" in told
    through = network_problem(replace(BLOCKED, proxy="HTTPS_PROXY"))
    assert "cannot be reached through HTTPS_PROXY" in through
    assert "Check the proxy" in through


def test_the_guide_names_a_real_command_and_the_right_place_for_the_token() -> None:
    status = Status(OFF, (space_status(),))
    local = {step.key: step.text for step in guide_steps(status, token=False, hosted=False)}
    hosted = {step.key: step.text for step in guide_steps(status, token=False, hosted=True)}
    assert "/demo compose" in local["command"]
    assert ".env" in local["token"]
    assert "New secret" in hosted["token"]


async def test_a_probe_reaches_discord() -> None:
    async with DiscordServer() as server:
        found = await reach.probe(server.api_url)
        assert (found.api, found.gateway, found.proxy) == ("", "", "")
        through = await reach.probe(server.api_url, proxy=f"http://127.0.0.1:{free_port()}")
        assert (through.api, through.proxy) == ("the proxy does not answer", "DISCORD_PROXY")
        server.limits.fail("GET /gateway", 503)
        halfway = await reach.probe(server.api_url, server.gateway_url)
        assert (halfway.api, halfway.gateway) == ("it answered with the error 503", "")


async def test_a_probe_tells_what_is_in_the_way() -> None:
    nobody = f"127.0.0.1:{free_port()}"
    found = await reach.probe(f"http://{nobody}", f"ws://{nobody}")
    assert found.api == found.gateway == "the connection was refused"
    unknown = await reach.probe("https://discord.example/api", "wss://gateway.example")
    assert unknown.api == unknown.gateway == "its host name cannot be resolved"
