"""Which Spaces to offer: the entries of SPACES, and of COMMANDS in app.py."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from spacebot.errors import SettingsError
from spacebot.models import AnswerPlace, Source
from spacebot.settings.follow_ups import follow_ups

SPACE_FORMS = (
    "entries separated by spaces, commas or newlines, each [name=]SPACE[#/endpoint], where "
    "SPACE is owner/name, https://huggingface.co/spaces/owner/name, or the http(s) address "
    "of a Gradio app, with user:password@ before its host (percent-encoded) if it asks for a "
    "login"
)
KEYS = (
    *("space", "endpoint", "name", "description", "fixed", "answer"),
    *("repeatable", "then", "auth", "nsfw"),
)
COMMAND_NAME = "a command's name: 1–32 lower-case letters, digits, - or _"
_ENTRY = re.compile(r"(?:(?P<name>[^=/:#?]*)=)?(?P<space>[^#]+)(?:#(?P<endpoint>.*))?", re.DOTALL)
_OWNER_NAME = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
_HUB_PAGE = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/spaces/", re.IGNORECASE)
_COMMAND = re.compile(r"[-_'\w]{1,32}")
# A name and password before a host, a query, a token of Hugging Face, one of Discord.
_SECRETS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<=//)\S*(?=@)|[^/@\s,=]+:[^/@\s,]*(?=@)",
        # A part of one, if a comma or space in the password ended the entry.
        r"(?<=//)[^/\s:@]+:(?!\d*(?:[/?#'\"\s,]|$))[^\s,]*",
        r"(?<=\?)[^\s,#]+",
        r"hf_\w{8,}",
        r"[\w-]{20,}\.[\w-]{5,}\.[\w-]{20,}",
    )
)


def parse_spaces(text: str) -> tuple[Source, ...]:
    """Read the entries of SPACES; `ValueError` says what is accepted."""
    return tuple(parse_space(entry) for entry in re.split(r"[\s,]+", text.strip()) if entry)


def parse_space(entry: str) -> Source:
    """Read one entry, `[name=]REPO_TYPE[#/endpoint]`."""
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ValueError(SPACE_FORMS)
    name, endpoint = match["name"], match["endpoint"]
    if name is not None and not _is_command_name(name):
        raise ValueError(f"before the = of {redact_entry(entry)}, {COMMAND_NAME}")
    if endpoint is not None and not re.fullmatch(r"/?[^\s/#][^\s#]*", endpoint):
        raise ValueError(
            f"after the # of {redact_entry(entry)}, an endpoint of the Space, like #/predict"
        )
    space, auth = _space(match["space"], entry)
    return Source(
        space=space,
        auth=auth,
        endpoint=endpoint and "/" + endpoint.removeprefix("/"),
        name=name,
    )


def _space(text: str, entry: str) -> tuple[str, tuple[str, str] | None]:
    """The Space that an entry names, and the login that its address holds."""
    hub = _HUB_PAGE.match(text)
    if hub:
        text = "/".join(text[hub.end() :].split("?")[0].split("/")[:2])
    if text.startswith(("http://", "https://")):
        # The text of another error may hold the password.
        with contextlib.suppress(ValueError):
            address, auth = _without_login(text)
            if urlsplit(address).hostname and urlsplit(address).port != 0:
                return re.sub(r"\?.*", "", address, flags=re.DOTALL).rstrip("/"), auth
    elif _OWNER_NAME.fullmatch(text):
        return text, None
    raise ValueError(f"{SPACE_FORMS}; {redact_entry(entry)} is none of these")


def _without_login(address: str) -> tuple[str, tuple[str, str] | None]:
    """An address without the user:password before its host, and these."""
    parts = urlsplit(address)
    login, at, host = parts.netloc.rpartition("@")
    if not at:
        return address, None
    user, _, password = login.partition(":")
    if not user or not password:
        raise ValueError("no user name or no password")
    return parts._replace(netloc=host).geturl(), (unquote(user), unquote(password))


def redact_entry(entry: str) -> str:
    """An entry as it may be printed: it may hold a password, or a token by mistake."""
    for secret in _SECRETS:
        entry = secret.sub("•••", entry)
    return repr(entry)


def command_source(entry: Mapping[str, Any]) -> Source:
    """Read one entry of COMMANDS; `SettingsError` names the entry and what is accepted."""
    try:
        if not isinstance(entry, Mapping):
            raise ValueError('a dict with at least a "space", like {"space": "owner/name"}')
        if unknown := set(entry) - set(KEYS):
            raise ValueError(f"the keys {', '.join(KEYS)}, not {', '.join(sorted(unknown))}")
        source = parse_space(str(entry.get("space", "")))
        endpoint = entry.get("endpoint") or source.endpoint
        if entry.get("then") and not endpoint:
            raise ValueError("with then, the endpoint whose results get the buttons")
        return Source(
            space=source.space,
            endpoint=endpoint and "/" + str(endpoint).removeprefix("/"),
            name=_command_name(entry.get("name")) or source.name,
            description=_description(entry.get("description")),
            fixed=_fixed(entry.get("fixed", {})),
            answer=_answer(entry.get("answer")),
            repeatable=bool(entry.get("repeatable", False)),
            then=follow_ups(entry.get("then", ())),
            auth=_auth(entry.get("auth")) or source.auth,
            nsfw=_nsfw(entry.get("nsfw", False)),
        )
    except ValueError as error:
        shown = redact_entry(str(_mask(entry)))
        raise SettingsError(
            f"COMMANDS in app.py: {shown} cannot be used. Accepted: {error}."
        ) from error


def _mask(entry: Any) -> Any:
    """An entry of COMMANDS without its login and the values it fixes: a key may be among them."""
    if isinstance(entry, list | tuple):
        return [_mask(one) for one in entry]
    if not isinstance(entry, Mapping):
        return entry
    kept = {key: _mask(one) if key == "then" else one for key, one in entry.items()}
    if "auth" in kept:
        kept["auth"] = "•••"
    if isinstance(entry.get("fixed"), Mapping):
        kept["fixed"] = dict.fromkeys(entry["fixed"], "•••")
    return kept


def _is_command_name(name: Any) -> bool:
    return isinstance(name, str) and bool(_COMMAND.fullmatch(name)) and name == name.lower()


def _command_name(name: Any) -> str | None:
    if name is not None and not _is_command_name(name):
        raise ValueError(f"as name, {COMMAND_NAME}")
    return name


def _description(text: Any) -> str | None:
    if text is not None and (not isinstance(text, str) or not 1 <= len(text) <= 100):
        raise ValueError("as description, 1 to 100 characters")
    return text


def _fixed(fixed: Any) -> Mapping[str, Any]:
    if not isinstance(fixed, Mapping):
        raise ValueError('as fixed, a dict of parameter and value, like {"steps": 20}')
    return fixed


def _auth(auth: Any) -> tuple[str, str] | None:
    match auth:
        case None:
            return None
        case [str(user), str(password)] if user and password:
            return user, password
        case _:
            raise ValueError('as auth, a user name and a password, like ["user", "password"]')


def _nsfw(nsfw: Any) -> bool:
    if not isinstance(nsfw, bool):
        raise ValueError("as nsfw, True or False")
    return nsfw


def _answer(answer: Any) -> AnswerPlace | None:
    try:
        return None if answer is None else AnswerPlace(answer)
    except ValueError:
        raise ValueError(f"as answer, one of {', '.join(AnswerPlace)}") from None
