"""The try-out's forms: an endpoint's options as fields, and the values from them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import parse_qsl

from fastapi import HTTPException, Request
from starlette.datastructures import FormData, UploadFile

from spacebot.engine import recipes
from spacebot.engine.store import clean
from spacebot.errors import InputError
from spacebot.models import Endpoint, File, Option, OptionType, Space
from spacebot.spaces import inputs
from spacebot.spaces.schema import commands_of

FormValue = str | int | float | bool
# The limit on a form's fields; no endpoint has more parameters that a form asks for.
MAX_FIELDS = 400
# How many characters of a form are stored for a reload of the page.
MAX_STORED = 100_000


@dataclass(frozen=True, slots=True)
class PageCommand:
    """An endpoint under the name that a person types, without the slash ("demo paint")."""

    name: str
    description: str
    endpoint: Endpoint

    @property
    def form(self) -> inputs.CommandOptions:
        """The slash command's options, and those that only fit into a form."""
        return inputs.options(self.endpoint)

    def shown(self) -> dict[str, Any]:
        """The command for the page's script: its options, whether it is a chat, whether it takes
        files."""
        options = self.form.options
        attaches = any(option.type is OptionType.ATTACHMENT for option in options)
        return {
            "name": self.name,
            "description": self.description,
            "chats": self.endpoint.chats,
            "attaches": attaches,
            "options": [option.name for option in options],
        }


def commands_by_name(spaces: Sequence[Space]) -> dict[str, PageCommand]:
    """Every command by its name."""
    found = [
        PageCommand(name.removeprefix("/"), endpoint.description, endpoint)
        for name, endpoint in commands_of(spaces).items()
    ]
    return {command.name: command for command in found}


def read_form(endpoint: Endpoint, form: FormData, folder: Path) -> dict[str, FormValue | File]:
    """The values by option name, with files in `folder`; raises InputError."""
    options = inputs.options(endpoint).all
    found = {one.name: _value(one, form.get(one.name), folder) for one in options}
    return {name: value for name, value in found.items() if value is not None}


def stored(endpoint: Endpoint, form: FormData) -> tuple[list[tuple[str, str]], bool]:
    """The part of a form that is stored, to ask again; and whether files, secrets or long texts are
    missing from it."""
    secret = {one.name for one in inputs.options(endpoint).all if one.secret}
    kept, left_out = [], False
    for name, value in form.multi_items():
        if isinstance(value, str) and name not in secret:
            kept.append((clean(name), clean(value)))
        elif not isinstance(value, str) or value:
            left_out = left_out or isinstance(value, str) or bool(value.filename)
    long = sum(len(value) for _, value in kept) > MAX_STORED
    return ([], True) if long else (kept, left_out)


def vary(endpoint: Endpoint, form: FormData) -> tuple[FormData, dict[str, str]]:
    """The form with other seeds, and what differs, by option name."""
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    varied = recipes.vary_seeds(endpoint, fields)
    fresh = {
        name: str(value).lower() for name, value in varied.items() if fields.get(name) != value
    }
    others = [(name, value) for name, value in form.multi_items() if name not in fresh]
    return FormData([*others, *fresh.items()]), fresh


async def read_fields(request: Request) -> dict[str, str]:
    """The fields of a form without files, by name; raises 400 if it cannot be read."""
    try:
        pairs = parse_qsl(
            (await request.body()).decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MAX_FIELDS,
            errors="strict",
        )
    except ValueError as error:
        raise HTTPException(400, "The form cannot be read. Reload the page.") from error
    return {name: clean(value) for name, value in pairs}


def save_attachments(uploads: Sequence[UploadFile | str], folder: Path) -> list[File]:
    """The files that go with a message, written under `folder`."""
    return [
        _save(upload, folder / str(number))
        for number, upload in enumerate(uploads)
        if isinstance(upload, UploadFile) and upload.filename
    ]


def partial_arguments(endpoint: Endpoint, typed: Mapping[str, str]) -> dict[str, FormValue | File]:
    """The values filled in so far, by option name, without unfinished numbers and files."""
    found: dict[str, FormValue | File] = {}
    for option in inputs.options(endpoint).all:
        with contextlib.suppress(InputError):
            value = _value(option, typed.get(option.name), None)
            if value is not None:
                found[option.name] = value
    return found


def _value(
    option: Option, raw: UploadFile | str | None, folder: Path | None
) -> FormValue | File | None:
    if option.type is OptionType.ATTACHMENT:
        if folder is None or not isinstance(raw, UploadFile) or not raw.filename:
            return None
        return _save(raw, folder / option.name)
    if not isinstance(raw, str) or not raw.strip():
        return None
    read, problem = READERS[option.type]
    try:
        # HTML forms send every line break as CRLF; Discord sends LF.
        return read(clean(raw).replace("\r\n", "\n"))
    except ValueError as error:
        raise InputError(f"{option.name}: {problem}", option=option.name) from error


def _save(upload: UploadFile, place: Path) -> File:
    name = safe_file_name(upload.filename or "")
    place.mkdir()
    path = place / name
    with path.open("wb") as target:
        shutil.copyfileobj(upload.file, target)
    size, mime = path.stat().st_size, upload.content_type
    return File(name=name, path=path, size=size, mime=mime, folder=place)


def safe_file_name(said: str) -> str:
    """A visitor's file name as a single readable part of a path, at most 150 bytes long."""
    last = PurePath(said.replace("\\", "/")).name
    shown = "".join(char for char in clean(last) if char.isprintable()).strip(" .")
    stem, dot, suffix = shown.rpartition(".")
    ending = f"{dot}{suffix}".encode()[:30].decode(errors="ignore") if stem else ""
    start = (stem or suffix).encode()[: 150 - len(ending.encode())].decode(errors="ignore")
    return f"{start}{ending}" or "file"


# How to read each type of field, and the error if that fails.
READERS: Mapping[OptionType, tuple[Callable[[str], FormValue], str]] = {
    OptionType.STRING: (str, ""),
    OptionType.INTEGER: (int, "a whole number is needed."),
    OptionType.NUMBER: (float, "enter a number."),
    OptionType.BOOLEAN: (lambda raw: raw == "true", ""),
}
