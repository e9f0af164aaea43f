"""What Discord's own client lets a person send: options of commands, fields of modals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import components as kinds
from .commands import ATTACHMENT, BOOLEAN, GROUP, INTEGER, NUMBER, STRING, SUBCOMMAND
from .messages import Payload, upload
from .state import Account, Channel

if TYPE_CHECKING:
    from collections.abc import Iterator

# (name, bytes) or (name, bytes, content type)
Upload = tuple[str, bytes] | tuple[str, bytes, str]
EXACT = 2**53
# The file types of Discord's groups, as far as known.
FILE_GROUPS = {
    "image": (".png", ".gif", ".jpg", ".jpeg", ".jfif", ".webp", ".avif"),
    "video": (".mp4", ".mov", ".qt", ".webm"),
    "audio": (".mp3", ".m4a", ".wav", ".ogg", ".opus", ".flac"),
}


class NotSendable(AssertionError):
    """Discord's client would not let a person send this; the text says why."""


class Filled:
    """Options on their way to the bot: values, and the things that they resolve to."""

    def __init__(self, channel: Channel, user: Account) -> None:
        self.channel, self.user = channel, user
        self.resolved: dict[str, Payload] = {}

    def data(self) -> Payload:
        """`resolved`, where there is any: Discord leaves it out for a select of text."""
        return {"resolved": self.resolved} if self.resolved else {}

    def attach(self, file: Upload) -> str:
        """Uploads a file, and returns its id."""
        attachment = upload(self.channel, file[0], file[1], hidden=True)
        if len(file) == 3:
            attachment.content_type = file[2]
        entry = attachment.to_json()
        self.resolved.setdefault("attachments", {})[str(attachment.id)] = entry
        return str(attachment.id)

    def mention(self, kind: int, value: Any) -> str:
        """Resolves an account or a channel (or passes the id of a role), and returns its id."""
        if isinstance(value, Account):
            number = str(value.id)
            self.resolved.setdefault("users", {})[number] = value.to_json()
            guild = self.channel.guild
            if guild and value.id in guild.members:
                member = guild.member_json(value, with_user=False)
                member["permissions"] = str(guild.permissions(value))
                self.resolved.setdefault("members", {})[number] = member
            return number
        if isinstance(value, Channel):
            entry = value.to_json() | {"permissions": str(value.permissions(self.user))}
            self.resolved.setdefault("channels", {})[str(value.id)] = entry
            return str(value.id)
        guild = self.channel.guild
        if kind in (8, 9) and guild and value in guild.roles:
            self.resolved.setdefault("roles", {})[str(value)] = guild.role_json(value)
            return str(value)
        raise NotSendable(f"{value!r} is no user, channel or role here")


def walk(command: Payload, path: list[str]) -> tuple[list[Payload], Payload]:
    """Resolves "demo paint": the groups and subcommands on the path, and the last."""
    passed, here = [], command
    for name in path:
        below = [o for o in here.get("options", ()) if o["type"] in (SUBCOMMAND, GROUP)]
        found = next((option for option in below if option["name"] == name), None)
        if found is None:
            names = [option["name"] for option in below]
            raise NotSendable(f"/{command['name']} has no {name!r}, only {names}")
        passed.append(found)
        here = found
    if any(o["type"] in (SUBCOMMAND, GROUP) for o in here.get("options", ())):
        raise NotSendable(f"/{command['name']}: a subcommand must be chosen")
    return passed, here


def nest(passed: list[Payload], options: list[Payload]) -> list[Payload]:
    """Wraps options into the subcommands they belong to."""
    for step in reversed(passed):
        options = [{"name": step["name"], "type": step["type"], "options": options}]
    return options


def fill(last: Payload, given: Mapping[str, Any], filled: Filled) -> list[Payload]:
    """The options as the client sends them; NotSendable where it would show red."""
    known = {option["name"]: option for option in last.get("options", ())}
    unknown = given.keys() - known.keys()
    if unknown:
        raise NotSendable(f"no option {sorted(unknown)}; there are {sorted(known)}")
    sent = []
    for name, option in known.items():
        if given.get(name) is None:
            if option.get("required"):
                raise NotSendable(f"option {name!r} is required")
            continue
        sent.append(
            {"name": name, "type": option["type"], "value": value(option, given[name], filled)}
        )
    return sent


def value(option: Payload, given: Any, filled: Filled) -> Any:
    """One option's value: its type, choices and bounds checked as the client does."""
    kind, name = option["type"], option["name"]
    if option.get("choices"):
        return _choice(option, given)
    if kind == STRING:
        _check(isinstance(given, str) and given != "", name, given, "text")
        least, most = option.get("min_length", 0), option.get("max_length", 6000)
        _check(least <= len(given) <= most, name, given, f"{least}–{most} characters")
    elif kind == BOOLEAN:
        _check(isinstance(given, bool), name, given, "True or False")
    elif kind in (INTEGER, NUMBER):
        _number(option, given)
    elif kind == ATTACHMENT:
        _check(isinstance(given, tuple), name, given, "a (name, bytes) file")
        # Only an older client says which type a file is, and lets people choose any.
        fits = len(given) == 3 or is_offered(option, given[0])
        _check(fits, name, given[0], f"{option.get('file_types')}")
        return filled.attach(given)
    else:
        return filled.mention(kind, given)
    return given


def is_offered(field: Payload, name: str) -> bool:
    """Whether the client lets a file of this name be chosen."""
    types = field.get("file_types") or ()
    lowered = name.lower()
    extensions = [e for one in types for e in FILE_GROUPS.get(one, (one,))]
    return not types or lowered.endswith(tuple(extensions))


def _check(fine: bool, name: str, given: Any, wanted: str) -> None:
    if not fine:
        raise NotSendable(f"option {name!r}: {str(given)[:100]!r} is not {wanted}")


def _choice(option: Payload, given: Any) -> Any:
    for choice in option["choices"]:
        same = type(choice["value"]) is type(given) and choice["value"] == given
        if choice["name"] == given or same:
            return choice["value"]
    names = [choice["name"] for choice in option["choices"]]
    raise NotSendable(f"option {option['name']!r}: {given!r} is none of {names}")


def _number(option: Payload, given: Any) -> None:
    wanted = int if option["type"] == INTEGER else (int, float)
    fine = isinstance(given, wanted) and not isinstance(given, bool)
    _check(fine, option["name"], given, "a number of this type")
    low, high = option.get("min_value", -EXACT), option.get("max_value", EXACT)
    _check(low <= given <= high, option["name"], given, f"within {low}–{high}")


def fields(modal: Payload) -> Iterator[tuple[str, Payload, Payload]]:
    """A modal's fields: (label, component, the part of the modal around it)."""
    for part in modal["components"]:
        if part["type"] == kinds.LABEL:
            yield part["label"], part["component"], part
        elif part["type"] == kinds.ROW:
            yield part["components"][0].get("label", ""), part["components"][0], part


def fill_modal(modal: Payload, given: Mapping[str, Any], filled: Filled) -> list[Payload]:
    """The components of a modal as it is submitted; `given` by label or custom_id."""
    left = dict(given)
    sent = []
    for number, (label, field, part) in enumerate(fields(modal)):
        key = label if label in left else field["custom_id"]
        entry = {
            "type": field["type"],
            "id": number * 2 + 2,
            "custom_id": field["custom_id"],
            **_answer(label, field, left.pop(key, None), filled),
        }
        whole: Payload = {"type": part["type"], "id": number * 2 + 1}
        whole |= {"component": entry} if part["type"] == kinds.LABEL else {"components": [entry]}
        sent.append(whole)
    if left:
        labels = [label for label, _, _ in fields(modal)]
        raise NotSendable(f"the modal has no {sorted(left)}, only {labels}")
    return sent


def _answer(label: str, field: Payload, given: Any, filled: Filled) -> Payload:
    kind = field["type"]
    if kind == kinds.TEXT_INPUT:
        return {"value": _text(label, field, given)}
    if kind == kinds.CHECKBOX:
        return {"value": bool(field.get("default")) if given is None else given}
    if kind == kinds.RADIO:
        picked = _picks(label, field, given)
        return {"value": picked[0] if picked else None}
    if kind == kinds.UPLOAD:
        files = [given] if isinstance(given, tuple) else list(given or ())
        _amount(label, field, len(files))
        for name, *_ in files:
            _check(is_offered(field, name), label, name, f"{field.get('file_types')}")
        return {"values": [filled.attach(file) for file in files]}
    if kind in (5, 6, 7, 8):
        things = given if isinstance(given, list) else [given] if given is not None else []
        _amount(label, field, len(things))
        return {"values": [filled.mention(kind + 1, thing) for thing in things]}
    return {"values": _picks(label, field, given)}


def _text(label: str, field: Payload, given: Any) -> str:
    text = field.get("value") or "" if given is None else given
    if not text and field.get("required", True):
        raise NotSendable(f"field {label!r} is required")
    least, most = field.get("min_length") or 0, field.get("max_length") or 4000
    if text and not least <= len(text) <= most:
        raise NotSendable(f"field {label!r} takes {least}–{most} characters, not {len(text)}")
    return text


def _picks(label: str, field: Payload, given: Any) -> list[str]:
    options = field.get("options", ())
    if given is None:
        picked = [option["value"] for option in options if option.get("default")]
    else:
        picked = [pick(options, one) for one in (given if isinstance(given, list) else [given])]
    _amount(label, field, len(picked))
    return picked


def pick(options: Any, wanted: str) -> str:
    """The value of an option, by its label or value."""
    for option in options:
        if wanted in (option["label"], option["value"]):
            return option["value"]
    raise NotSendable(f"{wanted!r} is none of {[option['label'] for option in options]}")


def _amount(label: str, field: Payload, amount: int) -> None:
    required = field.get("required", True)
    many = len(field.get("options", ())) if field["type"] == kinds.CHECKBOXES else 1
    least, most = kinds.bound(field, "min_values", 1), kinds.bound(field, "max_values", many)
    if amount == 0 and not required:
        return
    if not (least if required else 0) <= amount <= most:
        raise NotSendable(f"{label!r} takes {least}–{most} values, not {amount}")
