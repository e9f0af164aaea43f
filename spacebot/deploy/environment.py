"""What a Space gets from `.env`: secrets, and variables that every visitor may see."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dotenv import dotenv_values

from spacebot.deploy.console import Console
from spacebot.errors import DeployError, SettingsError
from spacebot.settings import VARIABLES, Settings

# The page's address and the data folder differ between this machine and the Space.
LOCAL_VARIABLES = {"GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "DATA_DIR"}
SECRETS = {variable.name for variable in VARIABLES if variable.secret}
DEFAULTS = {variable.name: variable.default for variable in VARIABLES if not variable.secret}
ASKED_SECRETS = {
    "DISCORD_TOKEN": "the bot's token; Enter leaves Discord out",
    "HF_TOKEN": "for private Spaces and your GPU quota; Enter leaves it out",
}


@dataclass(frozen=True, slots=True)
class DeployEnvironment:
    """The Space's intended settings. `unset` are the variables that return to their default."""

    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict)
    unset: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()


def read_environment(path: Path | None) -> DeployEnvironment:
    """Read an env file; a `SettingsError` names a setting that would keep the
    Space from starting."""
    values = _values(path) if path else {}
    secrets = {name: value for name, value in values.items() if _is_secret(name, value)}
    # The settings that mean the same here and on the Space.
    shared = sorted(values.keys() & DEFAULTS.keys() - LOCAL_VARIABLES)
    variables = {
        name: values[name]
        for name in shared
        if values[name] not in ("", DEFAULTS[name]) and name not in secrets
    }
    environment = DeployEnvironment(
        secrets,
        variables,
        unset=frozenset(shared) - variables.keys(),
        unknown=tuple(sorted(values.keys() - SECRETS - DEFAULTS.keys())),
    )
    Settings.from_environ({**environment.secrets, **environment.variables})
    return environment


def _is_secret(name: str, value: str) -> bool:
    """Whether a variable must be hidden from a Space's visitors: SPACES may contain a login."""
    return bool(value) and (name in SECRETS or (name == "SPACES" and "@" in value))


def _values(path: Path) -> dict[str, str]:
    try:
        return {name: (value or "").strip() for name, value in dotenv_values(path).items()}
    except (OSError, UnicodeDecodeError) as error:
        raise DeployError(f"{path} cannot be read: {error}") from error


def ask_missing_tokens(
    environment: DeployEnvironment, there: Container[str], console: Console
) -> DeployEnvironment:
    """Ask for the tokens that neither the file nor the Space has."""
    secrets = dict(environment.secrets)
    for name, about in ASKED_SECRETS.items():
        if name in secrets or name in there:
            continue
        if value := console.ask_secret(f"{name} ({about}): "):
            secrets[name] = value
    try:
        Settings.from_environ({**secrets, **environment.variables})
    except SettingsError as error:
        raise DeployError(str(error)) from error
    return replace(environment, secrets=secrets)
