"""The proxy for Discord: its own setting, or the environment's for every program."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
ACCEPTED_FORMS = (
    "the address of a proxy, like http://proxy.example:3128 or socks5://proxy.example:1080"
)
# The names that other programs read.
STANDARD_VARIABLES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def parse_proxy(value: str) -> str:
    """The address of a proxy of one of `SCHEMES`; raises ValueError with what is accepted."""
    # As curl reads one without a scheme.
    value = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(value)
        named = parts.scheme in SCHEMES and parts.hostname and parts.port != 0
    except ValueError:
        named = False
    if not named:
        raise ValueError(ACCEPTED_FORMS)
    return value


def proxy_variable(environ: Mapping[str, str]) -> str:
    """The variable that names the proxy for Discord; empty if none does."""
    names = ("DISCORD_PROXY",) if _is_exempt(environ) else ("DISCORD_PROXY", *STANDARD_VARIABLES)
    return next((name for name in names if environ.get(name, "").strip()), "")


def _is_exempt(environ: Mapping[str, str]) -> bool:
    """Whether NO_PROXY names Discord: domains with commas between them, or * for all."""
    listed = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    names = [name.strip().lstrip("*.").lower() or name.strip() for name in listed.split(",")]
    return any(name == "*" or (name and ".discord.com".endswith(f".{name}")) for name in names)
