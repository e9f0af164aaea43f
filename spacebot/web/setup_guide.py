"""The first ten minutes: the steps to a first answer in Discord, and their progress.

Pure: the state goes in, text comes out. The text never contains a secret.
"""

from __future__ import annotations

import base64
import binascii
import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from spacebot.models import BotPhase, BotProblem, Reachability, Status

PORTAL_URL = "https://discord.com/developers/applications"
_BOT_TOKEN = re.compile(r"[\w-]{20,40}\.[\w-]{5,10}\.[\w-]{20,60}", re.ASCII)
STEP_KEYS = ("application", "token", "reach", "invite", "command")
SAVE_LOCALLY = (
    "Put it into a file named `.env` where you start Spacebot, as `DISCORD_TOKEN=…`, and start "
    "Spacebot again."
)
SAVE_HOSTED = (
    "Open this Space's **Settings**, choose **New secret**, and save it as `DISCORD_TOKEN`: the "
    "Space restarts by itself."
)
_RESET = "In the Developer Portal, under Bot, press Reset Token and copy what it shows"
# What else people copy from the Developer Portal and other sites, by its format.
_KINDS = (
    (r"https?://\S*/webhooks/\S*", "the address of a webhook"),
    (r"https?://\S+", "an address"),
    (r"\d{15,21}", "a number such as the Application ID"),
    (r"[0-9a-fA-F]{64}", "the application's Public Key"),
    (r"hf_\w{8,}", "a token of Hugging Face, which belongs in HF_TOKEN"),
    (r"mfa\.[\w-]{20,}", "the token of a person's account, which Discord forbids bots to use"),
    (r"(?i:bot|bearer)[ :=]?[\w.-]{20,}", "a token with a word before it"),
    (r"[\w-]{32}", "the OAuth2 Client Secret"),
    (r"(?i)(your|the|my|discord|bot)?[-_ ]?token([-_ ]?here)?|x{3,}|\.{3,}|…", "a placeholder"),
    (r"[\"'].*[\"']", "a value in quotes"),
)


class StepState(enum.StrEnum):
    """The progress of a step.

    NOW is the next step, WRONG needs fixing. SET is done as far as the bot can tell:
    Discord has not confirmed it yet.
    """

    DONE = "done"
    SET = "set"
    NOW = "now"
    LATER = "later"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class GuideStep:
    """One step of the guide. `links` are (text, address); `wrong` says what blocks it.

    `text` is in Discord's markdown. `advice` says what would work better.
    """

    key: str
    title: str
    text: str
    mark: StepState
    wrong: str = ""
    advice: str = ""
    links: tuple[tuple[str, str], ...] = ()


def wrong_kind(token: str) -> str:
    """Why this cannot be a bot token, judging by its format; empty if it can."""
    if _BOT_TOKEN.fullmatch(token) and application_id(token):
        return ""
    found = next((what for pattern, what in _KINDS if re.fullmatch(pattern, token)), "")
    if not found and "." in token and len(token) >= 50:
        return ""
    what = f"DISCORD_TOKEN holds {found}" if found else "DISCORD_TOKEN is not a bot token"
    return f"{what}. {_RESET}: three parts with dots between them, about 70 characters."


def application_id(token: str) -> int | None:
    """The application's id at the start of a bot token; None if there is none."""
    head = token.split(".")[0]
    try:
        text = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return int(text) if text.isdecimal() and 15 <= len(text) <= 21 else None


def guide_steps(status: Status, *, token: bool, hosted: bool) -> tuple[GuideStep, ...]:
    """The current guide, empty if no step of it could fix the problem."""
    bot = status.bot
    if bot.trouble in (BotProblem.BUG, BotProblem.STORE) or (
        bot.phase is BotPhase.FAILED and bot.trouble is None
    ):
        return ()
    connected = bot.phase in (BotPhase.CONNECTED, BotPhase.RETRYING) and bot.name is not None
    done = {
        "application": token,
        "reach": connected or (status.reach is not None and not network_problem(status.reach)),
        "token": connected,
        "invite": connected and bot.servers > 0,
        "command": status.answered,
    }
    wrong = _problems(status)
    marks = _marks(done, wrong, token=token)
    return tuple(
        GuideStep(
            key,
            title,
            text(status, marks[key]),
            marks[key],
            wrong.get(key, ""),
            bot.advice if key == "token" else "",
            _links(key, status),
        )
        for key, (title, text) in _order(hosted).items()
    )


def is_finished(guide: tuple[GuideStep, ...]) -> bool:
    """Whether every step is done and nothing is wrong."""
    return bool(guide) and all(step.mark is StepState.DONE for step in guide)


def network_problem(reach: Reachability) -> str:
    """What keeps this host from Discord, and what to do; empty if nothing does."""
    if not reach.api and not reach.gateway:
        return ""
    proxy = f"through {reach.proxy}" if reach.proxy else "from here"
    parts = [
        f"{name} cannot be reached {proxy} ({why})."
        for name, why in (("discord.com", reach.api), ("Discord's gateway", reach.gateway))
        if why
    ]
    if reach.proxy:
        parts.append("Check the proxy: it must pass HTTPS and WebSockets on to Discord.")
    else:
        parts.append(
            "Check this host's network and firewall. If the host blocks Discord, as some do, set "
            "DISCORD_PROXY to a proxy that can reach it, or run Spacebot elsewhere."
        )
    return " ".join(parts)


def _marks(
    done: Mapping[str, bool], wrong: Mapping[str, str], *, token: bool
) -> dict[str, StepState]:
    marks = {key: StepState.DONE if is_done else StepState.LATER for key, is_done in done.items()}
    if token and not done["token"]:
        marks["token"] = StepState.SET
    marks |= dict.fromkeys(wrong, StepState.WRONG)
    following = next((key for key in STEP_KEYS if not done[key] and key != "reach"), None)
    # This can be done whatever else is wrong. If a token is set, Discord's word comes first.
    if following and marks[following] is StepState.LATER:
        marks[following] = StepState.NOW
    return marks


def _problems(status: Status) -> dict[str, str]:
    """The problem, by the step that fixes it."""
    bot = status.bot
    found: dict[str, str] = {}
    if status.reach is not None and bot.phase is not BotPhase.CONNECTED:
        found["reach"] = network_problem(status.reach)
    match bot.trouble:
        case BotProblem.TOKEN | BotProblem.INTENT:
            found["token"] = bot.reason
        case BotProblem.DISCORD:
            found["reach"] = bot.reason
        case BotProblem.NETWORK if status.reach is None:
            found["reach"] = bot.reason
    if bot.phase is BotPhase.CONNECTED and bot.reason:
        found["command"] = bot.reason
    return {key: words for key, words in found.items() if words}


def _order(hosted: bool) -> dict[str, tuple[str, Callable[[Status, StepState], str]]]:
    where = SAVE_HOSTED if hosted else SAVE_LOCALLY
    return {
        "application": ("Create an application", _application),
        "token": ("Give Spacebot its token", lambda status, mark: _token(status, mark, where)),
        "reach": ("Reach Discord", _reach),
        "invite": ("Add the bot to a server", _invite),
        "command": ("Use a command", _command),
    }


def _application(status: Status, mark: StepState) -> str:
    if mark is StepState.DONE and status.bot.name:
        name = status.bot.name.replace("`", "'")
        return f"Its bot is `{name}`."
    return "In the Developer Portal, choose **New Application**. Its name is the bot's."


def _token(status: Status, mark: StepState, where: str) -> str:
    if mark is StepState.DONE:
        return "Discord has accepted it."
    if mark is StepState.SET:
        return "A token is set. Spacebot checks it as soon as Discord can be reached."
    if status.bot.trouble is BotProblem.TOKEN:
        return where
    # An intent's problem text already says what to do.
    if mark is StepState.WRONG:
        return ""
    return (
        "In the Developer Portal, under **Bot**, press **Reset Token** and copy what it shows. "
        f"{where} No privileged intent is needed, except **Message Content** if members should "
        "talk in threads without mentioning the bot or automations should read messages, and "
        "**Server Members** if an automation should greet new members."
    )


def _reach(status: Status, _: StepState) -> str:
    if status.bot.phase is BotPhase.CONNECTED:
        return "This host reaches Discord."
    if status.reach is None:
        return "Checking. Some hosts block Discord."
    if network_problem(status.reach):
        return "Spacebot checks again each time it tries to connect, or when you press **Check**."
    return "This host reaches discord.com and its gateway."


def _invite(status: Status, _: StepState) -> str:
    bot = status.bot
    if bot.phase is BotPhase.CONNECTED and bot.servers:
        return f"It is in {bot.servers} server{'s' if bot.servers != 1 else ''}."
    return (
        "Open the invite link and choose a server where you have **Manage Server**. It asks for "
        "no more than the bot needs."
    )


def _command(status: Status, _: StepState) -> str:
    if status.answered:
        return "A command in Discord has been answered."
    names = [command.name for space in status.spaces for command in space.commands]
    example = f", such as `{names[0]}`" if names else ""
    return (
        f"Type `/` in a channel of that server and choose one{example}. New commands can take a "
        "minute to show; restarting Discord (Ctrl+R) shows them at once."
    )


def _links(key: str, status: Status) -> tuple[tuple[str, str], ...]:
    match key:
        case "application" | "token":
            return (("Developer Portal", PORTAL_URL),)
        case "invite" if status.bot.invite:
            return (("Invite link", status.bot.invite),)
        case _:
            return ()
