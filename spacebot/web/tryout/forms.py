"""The try-out's forms: an endpoint's Options as fields, and what was given in them."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from urllib.parse import parse_qsl

from fastapi import HTTPException, Request
from starlette.datastructures import FormData, UploadFile

from spacebot.errors import InputError
from spacebot.models import Endpoint, File, Option, OptionType, Space
from spacebot.spaces import inputs
from spacebot.spaces.schema import commands_of

FormValue = str | int | float | bool
# The most fields of a form; an endpoint has fewer parameters that a form asks for.
MAX_FIELDS = 400


@dataclass(frozen=True, slots=True)
class PageCommand:
    """An endpoint under the name that a person types, without the slash ("demo paint")."""

    name: str
    description: str
    endpoint: Endpoint

    def shown(self) -> dict[str, str | bool]:
        """The command for the page's script: whether it is a chat, takes files."""
        return {
            "name": self.name,
            "description": self.description,
            "chats": self.endpoint.chats,
            "attaches": any(
                option.type is OptionType.ATTACHMENT for option in fields(self.endpoint)[0]
            ),
        }


def commands_by_name(spaces: Sequence[Space]) -> dict[str, PageCommand]:
    """Every command by its name."""
    found = [
        PageCommand(name.removeprefix("/"), endpoint.description, endpoint)
        for name, endpoint in commands_of(spaces).items()
    ]
    return {command.name: command for command in found}


def fields(endpoint: Endpoint) -> tuple[tuple[Option, ...], tuple[Option, ...]]:
    """The options that a slash command has, and those that only a form has room for."""
    form = inputs.options(endpoint)
    return form.options, form.rest


def read_form(endpoint: Endpoint, form: FormData, folder: Path) -> dict[str, FormValue | File]:
    """What was given, by option name; files are written under `folder`.

    Raises InputError for what is no number; the job checks all the rest.
    """
    arguments: dict[str, FormValue | File] = {}
    options, rest = fields(endpoint)
    for option in (*options, *rest):
        value = _value(option, form.get(option.name), folder)
        if value is not None:
            arguments[option.name] = value
    return arguments


async def read_fields(request: Request) -> dict[str, str]:
    """The fields of a form without files, by their names; raises 400 for what is no form."""
    try:
        pairs = parse_qsl(
            (await request.body()).decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MAX_FIELDS,
            errors="strict",
        )
    except ValueError as error:
        raise HTTPException(400, "The form cannot be read.") from error
    return {name: clean(value) for name, value in pairs}


def clean(text: str) -> str:
    """Text without what no database and no Space takes: NUL, and half of a surrogate pair."""
    return text.replace("\0", "").encode(errors="replace").decode()


def save_attachments(uploads: Sequence[UploadFile | str], folder: Path) -> list[File]:
    """The files that go with a message, written under `folder`."""
    found: list[File] = []
    for number, upload in enumerate(uploads):
        if isinstance(upload, UploadFile) and upload.filename:
            found.append(_save(upload, folder / str(number)))
    return found


def partial_arguments(endpoint: Endpoint, typed: Mapping[str, str]) -> dict[str, FormValue | File]:
    """What is filled in by now, by option name; half a number and files are left out."""
    found: dict[str, FormValue | File] = {}
    options, rest = fields(endpoint)
    for option in (*options, *rest):
        with contextlib.suppress(InputError):
            value = _value(option, typed.get(option.name), None)
            if value is not None:
                found[option.name] = value
    return found


def _value(
    option: Option, raw: UploadFile | str | None, folder: Path | None
) -> FormValue | File | None:
    if option.type is OptionType.ATTACHMENT:
        return _file(option, raw, folder) if folder and isinstance(raw, UploadFile) else None
    if not isinstance(raw, str) or not raw.strip():
        return None
    # HTML forms send every line break as CRLF; Discord sends LF.
    return READERS[option.type](option, clean(raw).replace("\r\n", "\n"))


def _file(option: Option, upload: UploadFile, folder: Path) -> File | None:
    if not upload.filename:
        return None
    return _save(upload, folder / option.name)


def _save(upload: UploadFile, place: Path) -> File:
    name = safe_file_name(upload.filename or "")
    place.mkdir()
    path = place / name
    with path.open("wb") as target:
        shutil.copyfileobj(upload.file, target)
    size, mime = path.stat().st_size, upload.content_type
    return File(name=name, path=path, size=size, mime=mime, folder=place)


def safe_file_name(said: str) -> str:
    """What a visitor's file is called: one readable part of a path, at most 150 bytes long."""
    last = PurePath(said.replace("\\", "/")).name
    shown = "".join(char for char in clean(last) if char.isprintable()).strip(" .")
    stem, dot, suffix = shown.rpartition(".")
    ending = f"{dot}{suffix}".encode()[:30].decode(errors="ignore") if stem else ""
    start = (stem or suffix).encode()[: 150 - len(ending.encode())].decode(errors="ignore")
    return f"{start}{ending}" or "file"


def _string(_option: Option, raw: str) -> str:
    return raw


def _integer(option: Option, raw: str) -> int:
    try:
        return int(raw)
    except ValueError as exc:
        message = f"{option.name}: a whole number is needed."
        raise InputError(message, option=option.name) from exc


def _number(option: Option, raw: str) -> float:
    try:
        return float(raw)
    except ValueError as exc:
        raise InputError(f"{option.name}: enter a number.", option=option.name) from exc


def _boolean(_option: Option, raw: str) -> bool:
    return raw == "true"


READERS: Mapping[OptionType, Callable[[Option, str], FormValue]] = {
    OptionType.STRING: _string,
    OptionType.INTEGER: _integer,
    OptionType.NUMBER: _number,
    OptionType.BOOLEAN: _boolean,
}
