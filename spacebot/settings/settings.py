"""The settings, read from the environment, and the Spaces that they offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spacebot.errors import SettingsError
from spacebot.models import Source
from spacebot.settings.proxy import parse_proxy, proxy_variable
from spacebot.settings.sources import command_source, redact_entry
from spacebot.settings.variables import VARIABLES, Variable


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, named as its variable in lower case; `VARIABLES` says what each means."""

    discord_token: str = field(repr=False)
    hf_token: str = field(repr=False)
    spaces: tuple[Source, ...]
    data_dir: Path
    gradio_server_name: str
    gradio_server_port: int
    tryout: bool | None
    discord_proxy: str = field(repr=False)
    allowed_hosts: tuple[str, ...]
    owners: tuple[str, ...]
    owner_password: str = field(repr=False)
    log_level: str
    jobs_per_space: int
    jobs_running_per_user: int
    jobs_waiting_per_user: int
    jobs_in_all: int
    job_seconds: int
    queue_seconds: int
    silence_seconds: int
    connect_seconds: int
    wake_seconds: int
    retry_seconds: int
    stop_seconds: int
    history_jobs: int
    history_days: int
    database_url: str = field(repr=False)
    server_spaces: str
    allowed_spaces: tuple[str, ...]
    spaces_per_server: int
    runs_per_minute: int
    discord_proxy_from: str = ""
    space_id: str = ""
    space_host: str = ""
    space_creator_user_id: str = ""
    signs_in: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read every variable, taking the default where one is missing or empty."""
        values: dict[str, Any] = {}
        for variable in VARIABLES:
            text = environ.get(variable.name, "").strip() or variable.default
            values[variable.name.lower()] = cls._parse(variable, text)
        values["discord_proxy_from"] = name = proxy_variable(environ)
        if name and name != "DISCORD_PROXY":
            values["discord_proxy"] = cls._parse(
                Variable(name, "", parse_proxy, "", secret=True), environ[name].strip()
            )
        # Set by Hugging Face on a Space, where only 0.0.0.0 is reachable from outside.
        values["space_id"] = environ.get("SPACE_ID", "")
        values["space_host"] = environ.get("SPACE_HOST", "").lower()
        values["space_creator_user_id"] = environ.get("SPACE_CREATOR_USER_ID", "")
        # Set where the Space's header has hf_oauth. Elsewhere Gradio lets everyone in as whoever
        # owns the machine's token, and signs its cookies with a key that everyone knows.
        needed = ("SPACE_ID", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET")
        on_space = environ.get("SYSTEM") == "spaces"
        values["signs_in"] = on_space and all(environ.get(name) for name in needed)
        if values["space_id"] and not environ.get("GRADIO_SERVER_NAME"):
            values["gradio_server_name"] = "0.0.0.0"
        return cls(**values)

    @staticmethod
    def _parse(variable: Variable, text: str) -> Any:
        if not text:
            return variable.empty
        try:
            return variable.parse(text)
        except ValueError as error:
            value = "the value given" if variable.secret else redact_entry(text)
            raise SettingsError(
                f"{variable.name}: {value} cannot be used. Accepted: {error}."
            ) from error

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never be shown or logged."""
        values = (getattr(self, one.name.lower()) for one in VARIABLES if one.secret)
        return tuple(value for value in values if value)

    @property
    def offers_tryout(self) -> bool:
        """Whether the page offers the try-out: strangers would spend the owner's quota."""
        return not self.discord_token if self.tryout is None else self.tryout


def space_sources(settings: Settings, commands: Sequence[Mapping[str, Any]]) -> tuple[Source, ...]:
    """The Spaces to offer: SPACES where set, else the list in app.py.

    Raises `SettingsError` for an entry that cannot be used, and for a name given twice.
    """
    where = "SPACES" if settings.spaces else "COMMANDS in app.py"
    found = settings.spaces or tuple(map(command_source, commands))
    names = [source.name for source in found if source.name]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SettingsError(
            f"{where}: the name {twice!r} is given twice. Accepted: another name for each command."
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
