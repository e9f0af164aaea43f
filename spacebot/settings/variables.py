"""Every variable of the environment: its default, how it is read, and what it means."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacebot.settings.proxy import parse_proxy
from spacebot.settings.sources import SPACE_FORMS, parse_spaces

SERVER_SPACES = ("hub", "listed", "off")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def _token(value: str) -> str:
    if re.search(r"\s", value):
        raise ValueError("one word, copied whole, without spaces, quotes or 'Bot ' before it")
    return value


def _port(value: str) -> int:
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise ValueError("a port number from 1 to 65535")
    return int(value)


def _flag(value: str) -> bool:
    word = value.lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise ValueError("1 or 0")


def _level(value: str) -> str:
    if value.upper() not in _LEVELS:
        raise ValueError(f"one of {', '.join(_LEVELS)}")
    return value.upper()


def _password(value: str) -> str:
    if len(value) < 10:
        raise ValueError("a password of at least 10 characters")
    return value


def _people(value: str) -> tuple[str, ...]:
    names = tuple(name for name in re.split(r"[\s,]+", value) if name)
    if not all(re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}", name, re.ASCII) for name in names):
        raise ValueError("user names on Hugging Face, separated by spaces or commas")
    return names


def _hosts(value: str) -> tuple[str, ...]:
    names = tuple(name.lower().rstrip(".") for name in re.split(r"[\s,]+", value) if name)
    if not all(name == "*" or re.fullmatch(r"[\w.-]{1,253}", name, re.ASCII) for name in names):
        raise ValueError("host names without scheme, port or path, like bot.example.com")
    return names


def _folder(value: str) -> Path:
    path = Path(value).expanduser()
    if path.exists() and not path.is_dir():
        raise ValueError("the path of a folder; it is made where there is none")
    return path


def _address(value: str) -> str:
    if not re.fullmatch(r"[\w.:-]+", value, re.ASCII):
        raise ValueError("an IP address or host name of this machine, like 127.0.0.1 or 0.0.0.0")
    return value


def _database(value: str) -> str:
    if not re.match(r"[a-z]+\+\w+://", value):
        raise ValueError("a database as SQLAlchemy names it, with an asynchronous driver")
    return value


def _server_spaces(value: str) -> str:
    if value.lower() not in SERVER_SPACES:
        raise ValueError(f"one of {', '.join(SERVER_SPACES)}")
    return value.lower()


def _patterns(value: str) -> tuple[str, ...]:
    names = tuple(name for name in re.split(r"[\s,]+", value) if name)
    if not all(re.fullmatch(r"[\w.-]{1,96}/(?:[\w.-]{1,96}|\*)", name, re.ASCII) for name in names):
        raise ValueError("Spaces as owner/name or owner/*, separated by spaces or commas")
    return names


def _between(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.isdecimal() or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return parse


_SECONDS = _between(1, 604_800)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the environment.

    `default` is as it would be written there; `empty` what it means where nothing is.
    """

    name: str
    default: str
    parse: Callable[[str], Any]
    about: str
    secret: bool = False
    empty: Any = ""


VARIABLES = (
    Variable(
        "DISCORD_TOKEN",
        "",
        _token,
        "The bot's token. Without one the page's try-out works, and Discord is left alone.",
        secret=True,
    ),
    Variable(
        "HF_TOKEN",
        "",
        _token,
        "A Hugging Face token, for private Spaces and your ZeroGPU quota. "
        "It goes to the Spaces on Hugging Face that you name, and nowhere else.",
        secret=True,
    ),
    Variable(
        "SPACES",
        "",
        parse_spaces,
        f"The Spaces to offer: {SPACE_FORMS}. Where set, it takes the place of COMMANDS in app.py.",
        empty=(),
    ),
    Variable(
        "DATA_DIR",
        "data/",
        _folder,
        "The folder for what is kept between starts. One process at a time may use it.",
    ),
    Variable(
        "GRADIO_SERVER_NAME",
        "127.0.0.1",
        _address,
        "The address the page listens on; 0.0.0.0 for every network of the machine.",
    ),
    Variable("GRADIO_SERVER_PORT", "7860", _port, "The port the page listens on."),
    Variable(
        "ALLOWED_HOSTS",
        "",
        _hosts,
        "The host names that visitors reach the page by, such as bot.example.com behind a reverse "
        "proxy; * allows every name. IP addresses, localhost and a Space's own name always work.",
        empty=(),
    ),
    Variable(
        "TRYOUT",
        "",
        _flag,
        "1 offers the try-out to every visitor of the page, 0 never does. "
        "When empty: only while there is no DISCORD_TOKEN.",
        empty=None,
    ),
    Variable(
        "DISCORD_PROXY",
        "",
        parse_proxy,
        "An HTTP or SOCKS proxy for Discord, where this host cannot reach it: "
        "http://proxy.example:3128, socks5://user:password@proxy.example:1080. "
        "When empty: HTTPS_PROXY or ALL_PROXY, unless NO_PROXY names discord.com.",
        secret=True,
    ),
    Variable(
        "OWNERS",
        "",
        _people,
        "Who may sign in to the owner's view with Hugging Face, beside the Space's creator: "
        "user names.",
        empty=(),
    ),
    Variable(
        "OWNER_PASSWORD",
        "",
        _password,
        "The password of the owner's view, for hosts other than Hugging Face. "
        "Without one nobody signs in with a password.",
        secret=True,
    ),
    Variable("LOG_LEVEL", "INFO", _level, "How much is logged: DEBUG, INFO, WARNING or ERROR."),
    Variable(
        "JOBS_PER_SPACE",
        "1000",
        _between(1, 100_000),
        "How many jobs may be on one Space at once; the others wait here, in fair turns.",
    ),
    Variable(
        "JOBS_RUNNING_PER_USER",
        "50",
        _between(1, 100_000),
        "How many jobs of one person may be on Spaces at once.",
    ),
    Variable(
        "JOBS_WAITING_PER_USER",
        "100",
        _between(0, 100_000),
        "How many jobs of one person may wait here; one more is refused.",
    ),
    Variable(
        "JOBS_IN_ALL",
        "5000",
        _between(1, 1_000_000),
        "How many jobs the bot takes in all, running and waiting; one more is refused.",
    ),
    Variable("JOB_SECONDS", "3600", _SECONDS, "When a job is given up, in all."),
    Variable("QUEUE_SECONDS", "1800", _SECONDS, "When a job in a Space's own queue is given up."),
    Variable(
        "SILENCE_SECONDS",
        "45",
        _SECONDS,
        "Seconds of silence after which a Space is asked whether it still runs; a job is given up "
        "where it does not answer.",
    ),
    Variable(
        "CONNECT_SECONDS", "30", _SECONDS, "When a Space that runs is given up that is not reached."
    ),
    Variable(
        "WAKE_SECONDS",
        "300",
        _SECONDS,
        "When a Space that sleeps or is being built is given up that does not start.",
    ),
    Variable(
        "RETRY_SECONDS",
        "120",
        _between(0, 86_400),
        "How long a job that cannot have run yet is tried again, with growing pauses.",
    ),
    Variable(
        "STOP_SECONDS",
        "4",
        _between(0, 3600),
        "How long running jobs may go on when the bot is stopped; the rest are kept.",
    ),
    Variable(
        "HISTORY_JOBS", "10000", _between(0, 10_000_000), "How many ended jobs are remembered."
    ),
    Variable("HISTORY_DAYS", "30", _between(0, 36_500), "For how many days they are remembered."),
    Variable(
        "DATABASE_URL",
        "",
        _database,
        "Another database than SQLite under DATA_DIR, as SQLAlchemy names it, like "
        "postgresql+asyncpg://user:password@host/name; its driver must be installed.",
        secret=True,
    ),
    Variable(
        "SERVER_SPACES",
        "hub",
        _server_spaces,
        "Which Spaces members may use from Discord that you do not name: hub for every public "
        "Space on Hugging Face, listed for those in ALLOWED_SPACES, off for none.",
    ),
    Variable(
        "ALLOWED_SPACES",
        "",
        _patterns,
        "With SERVER_SPACES=listed, the Spaces that members may use: owner/name, or owner/* for "
        "all of an author's.",
        empty=(),
    ),
    Variable(
        "SPACES_PER_SERVER",
        "25",
        _between(0, 100),
        "How many Spaces the moderators of a server may add to it.",
    ),
    Variable(
        "RUNS_PER_MINUTE",
        "5",
        _between(1, 1000),
        "How often in a minute one member may read, and how often run, a Space with /run.",
    ),
)
