"""Every variable of the environment: its default, how it is read, and what it means."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from spacebot.errors import SettingsError
from spacebot.models import Source
from spacebot.settings.proxy import parse_proxy, proxy_variable
from spacebot.settings.sources import SPACE_FORMS, command_source, parse_spaces, redact_entry

_SERVER_SPACES = ("hub", "listed", "off")
_MIN_SECRET_KEY = 32
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


def _secret_keys(value: str) -> tuple[str, ...]:
    keys = tuple(key for key in re.split(r"[\s,]+", value) if key)
    if any(len(key) < _MIN_SECRET_KEY for key in keys):
        raise ValueError(
            f"a random text of at least {_MIN_SECRET_KEY} characters; earlier keys may follow "
            "it, separated by commas"
        )
    return keys


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
        raise ValueError("the path of a folder; it is created if it does not exist")
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
    if value.lower() not in _SERVER_SPACES:
        raise ValueError(f"one of {', '.join(_SERVER_SPACES)}")
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
    """One environment variable.

    `default` is as it would be written there, and `empty` its value if it is missing and has no
    default.
    """

    name: str
    parse: Callable[[str], Any]
    about: str
    default: str = ""
    empty: Any = ""
    secret: bool = False

    def read(self, text: str) -> Any:
        """The setting for what was written; raises `SettingsError`."""
        if not (text := text.strip() or self.default):
            return self.empty
        try:
            return self.parse(text)
        except ValueError as error:
            value = "this value" if self.secret else redact_entry(text)
            raise SettingsError(
                f"{self.name}: {value} cannot be used. Accepted: {error}."
            ) from error


def setting(
    parse: Callable[[str], Any],
    about: str,
    default: str = "",
    *,
    empty: Any = "",
    secret: bool = False,
) -> Any:
    """A field of `Settings` that the variable of its name in upper case sets."""
    made = {"parse": parse, "about": about, "default": default, "empty": empty, "secret": secret}
    return field(repr=not secret, metadata=made)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, named as its variable in lower case."""

    discord_token: str = setting(
        _token,
        "The bot's token. Without one, the page's try-out works and the bot does not connect "
        "to Discord.",
        secret=True,
    )
    hf_token: str = setting(
        _token,
        "A Hugging Face token, for private Spaces and your ZeroGPU quota. "
        "It is sent only to Hugging Face and to the Spaces there that you name.",
        secret=True,
    )
    spaces: tuple[Source, ...] = setting(
        parse_spaces,
        f"The Spaces to offer: {SPACE_FORMS}. If set, it replaces COMMANDS in app.py.",
        empty=(),
    )
    data_dir: Path = setting(
        _folder,
        "The folder for data that survives a restart. Only one process at a time may use it.",
        "data/",
    )
    gradio_server_name: str = setting(
        _address,
        "The address the page listens on; 0.0.0.0 for all of the machine's networks.",
        "127.0.0.1",
    )
    gradio_server_port: int = setting(_port, "The port the page listens on.", "7860")
    allowed_hosts: tuple[str, ...] = setting(
        _hosts,
        "The host names at which visitors reach the page, such as bot.example.com behind a "
        "reverse proxy; * allows every name. IP addresses, localhost and a Space's own name "
        "always work.",
        empty=(),
    )
    tryout: bool | None = setting(
        _flag,
        "1 offers the try-out to every visitor of the page, 0 to nobody. If empty, it is "
        "offered only while DISCORD_TOKEN is not set.",
        empty=None,
    )
    discord_proxy: str = setting(
        parse_proxy,
        "An HTTP or SOCKS proxy for Discord, if this host cannot reach it: "
        "http://proxy.example:3128, socks5://user:password@proxy.example:1080. If empty, "
        "HTTPS_PROXY or ALL_PROXY is used, unless NO_PROXY names discord.com.",
        secret=True,
    )
    owners: tuple[str, ...] = setting(
        _people,
        "Hugging Face user names that may sign in to the owner's view, besides the Space's "
        "creator.",
        empty=(),
    )
    owner_password: str = setting(
        _password,
        "The password of the owner's view, for hosts other than Hugging Face. Without one, "
        "nobody can sign in with a password.",
        secret=True,
    )
    secret_key: tuple[str, ...] = setting(
        _secret_keys,
        "The key that encrypts the Hugging Face tokens of members and servers: a random text "
        f"of at least {_MIN_SECRET_KEY} characters, such as the output of: openssl rand -base64 "
        "48. Without one, no tokens are accepted. To change it, put the new key before the old "
        "one, separated by a comma, and start once; then remove the old one.",
        empty=(),
        secret=True,
    )
    log_level: str = setting(_level, "How much is logged: DEBUG, INFO, WARNING or ERROR.", "INFO")
    jobs_per_space: int = setting(
        _between(1, 100_000),
        "How many jobs may be on one Space at once; the others wait here and take fair turns.",
        "1000",
    )
    jobs_running_per_user: int = setting(
        _between(1, 100_000), "How many jobs of one person may be on Spaces at once.", "50"
    )
    jobs_waiting_per_user: int = setting(
        _between(0, 100_000),
        "How many jobs of one person may wait here; more are refused.",
        "100",
    )
    jobs_in_all: int = setting(
        _between(1, 1_000_000),
        "How many jobs the bot accepts in total, running and waiting; more are refused.",
        "5000",
    )
    job_seconds: int = setting(_SECONDS, "How long a job may take in total, in seconds.", "3600")
    queue_seconds: int = setting(
        _SECONDS, "How long a job may wait in a Space's own queue, in seconds.", "1800"
    )
    silence_seconds: int = setting(
        _SECONDS,
        "How long a Space may be silent before it is asked whether it still runs, in seconds. "
        "If it does not answer, the job fails.",
        "45",
    )
    connect_seconds: int = setting(
        _SECONDS, "How long to wait for a running Space to respond, in seconds.", "30"
    )
    wake_seconds: int = setting(
        _SECONDS,
        "How long to wait for a sleeping Space to start, or for one to be built, in seconds.",
        "300",
    )
    retry_seconds: int = setting(
        _between(0, 86_400),
        "How long to retry a job that cannot have run yet, in seconds, with growing pauses.",
        "120",
    )
    stop_seconds: int = setting(
        _between(0, 3600),
        "How long running jobs may continue when the bot stops, in seconds; the rest are saved.",
        "4",
    )
    history_jobs: int = setting(_between(0, 10_000_000), "How many ended jobs to keep.", "10000")
    history_days: int = setting(_between(0, 36_500), "How many days to keep them.", "30")
    database_url: str = setting(
        _database,
        "A database other than SQLite under DATA_DIR, as an SQLAlchemy URL like "
        "postgresql+asyncpg://user:password@host/name; its driver must be installed.",
        secret=True,
    )
    shards: int = setting(
        _between(0, 10_000),
        "How many gateway shards the bot has, over all processes; 0 for as many as Discord "
        "advises. A change takes effect once all processes have stopped.",
        "0",
    )
    recovery_seconds: int = setting(
        _between(10, 600),
        "How soon other processes on the same PostgreSQL database recover the jobs of a "
        "dead process, in seconds, at most.",
        "15",
    )
    server_spaces: str = setting(
        _server_spaces,
        "Which Spaces members may use from Discord besides those you name: hub for every "
        "public Space on Hugging Face, listed for those in ALLOWED_SPACES, off for none.",
        "hub",
    )
    allowed_spaces: tuple[str, ...] = setting(
        _patterns,
        "With SERVER_SPACES=listed, the Spaces that members may use: owner/name, or owner/* for "
        "all of an author's.",
        empty=(),
    )
    spaces_per_server: int = setting(
        _between(0, 100), "How many Spaces a server's moderators may add to it.", "25"
    )
    runs_per_minute: int = setting(
        _between(1, 1000),
        "How many Spaces a member may read with /run per minute, and how many jobs they may run "
        "with it.",
        "5",
    )
    discord_proxy_from: str = ""
    space_id: str = ""
    space_host: str = ""
    space_creator_user_id: str = ""
    signs_in: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read every variable, with its default if it is missing or empty."""
        values = {one.name.lower(): one.read(environ.get(one.name, "")) for one in VARIABLES}
        values["discord_proxy_from"] = name = proxy_variable(environ)
        if name and name != "DISCORD_PROXY":
            values["discord_proxy"] = Variable(name, parse_proxy, "", secret=True).read(
                environ[name]
            )
        # Hugging Face sets it on a Space, where only 0.0.0.0 is reachable from outside.
        values["space_id"] = environ.get("SPACE_ID", "")
        values["space_host"] = environ.get("SPACE_HOST", "").lower()
        values["space_creator_user_id"] = environ.get("SPACE_CREATOR_USER_ID", "")
        # Set if the Space's header has hf_oauth. Elsewhere, Gradio would let everyone in as the
        # owner of the machine's token, and sign its cookies with a publicly known key.
        needed = ("SPACE_ID", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET")
        on_space = environ.get("SYSTEM") == "spaces"
        values["signs_in"] = on_space and all(environ.get(name) for name in needed)
        if values["space_id"] and not environ.get("GRADIO_SERVER_NAME"):
            values["gradio_server_name"] = "0.0.0.0"
        return cls(**values)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never be shown or logged."""
        values = (getattr(self, one.name.lower()) for one in VARIABLES if one.secret)
        each = (one if isinstance(one, tuple) else (one,) for one in values)
        return tuple(value for value in itertools.chain(*each) if value)

    @property
    def offers_tryout(self) -> bool:
        """Whether the page offers the try-out: strangers would spend the owner's quota."""
        return not self.discord_token if self.tryout is None else self.tryout


def space_sources(settings: Settings, commands: Sequence[Mapping[str, Any]]) -> tuple[Source, ...]:
    """The Spaces to offer: SPACES if set, otherwise the list in app.py; raises `SettingsError`."""
    where = "SPACES" if settings.spaces else "COMMANDS in app.py"
    found = settings.spaces or tuple(map(command_source, commands))
    names = [source.name for source in found if source.name]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SettingsError(
            f"{where}: the name {twice!r} appears twice. Accepted: another name for each command."
        )
    return _with_logins(found, where)


def _with_logins(found: tuple[Source, ...], where: str) -> tuple[Source, ...]:
    """The entries of one Space share its login."""
    logins: dict[str, tuple[str, str]] = {}
    for source in found:
        if source.auth and logins.setdefault(source.space, source.auth) != source.auth:
            raise SettingsError(
                f"{where}: {source.space} has two logins. Accepted: one login for each Space."
            )
    return tuple(replace(source, auth=logins.get(source.space)) for source in found)


VARIABLES = tuple(
    Variable(each.name.upper(), **each.metadata) for each in fields(Settings) if each.metadata
)
