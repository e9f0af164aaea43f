"""Structured data: JSON, chats and paths, pasted or attached."""

# ruff: noqa: ARG002 - a kind need not use all that every kind is handed
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from spacebot.models import File, Option, OptionType, Parameter, Upload
from spacebot.spaces.inputs.components.base import (
    MAX_TEXT_LENGTH,
    Input,
    is_deep,
    make_option,
    name_of,
    quote,
    refuse,
)
from spacebot.spaces.inputs.components.files import to_upload

# An attached table or JSON is read into memory, and sent as text.
MAX_TEXT_BYTES = 5_000_000


class PastedInput(Input):
    """Text that can be pasted or attached: two options, of which a person fills in one."""

    types: tuple[str, ...] = ()
    hint = ""

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        text = make_option(
            self, parameter, OptionType.STRING, self.hinted(parameter), long=True, required=False
        )
        attached = make_option(
            self,
            parameter,
            OptionType.ATTACHMENT,
            f"{', '.join(self.types)} file",
            name=name_of(parameter, "_file"),
            required=False,
            default=None,
            file_types=self.types,
        )
        return (text, attached)

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> Any:
        name, one = list(arguments.items())[-1]
        if not isinstance(one, File):
            return self.parse(parameter, name, one)
        to_upload(name, one, self.types)
        return self.parse(parameter, name, read_text_file(name, one))

    def hinted(self, parameter: Parameter) -> str:
        """What to write, as the option's hint."""
        return self.hint

    def parse(self, parameter: Parameter, name: str, text: Any) -> Any:
        """The value for Gradio from this text; raises InputError."""
        raise NotImplementedError

    def default(self, parameter: Parameter) -> str:
        return json.dumps(parameter.default, ensure_ascii=False)

    def shown(self, parameter: Parameter, value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class JsonInput(PastedInput):
    """JSON. `texts` kinds take other input as a text, or as `spread` of it."""

    types = (".json", "text")
    hint = "JSON"

    def __init__(self, *, texts: bool = False) -> None:
        self.texts = texts

    def parse(self, parameter: Parameter, name: str, text: Any) -> Any:
        try:
            value = (
                json.loads(text, parse_constant=refuse_constant) if isinstance(text, str) else text
            )
            if is_deep(value):
                raise RecursionError
        except RecursionError:
            raise refuse(name, "is JSON that is nested too deeply.") from None
        except ValueError as error:
            if self.texts:
                return self.spread(text)
            raise refuse(
                name, f'is not JSON: {explain_json_error(error)}. Give it like `{{"size": 3}}`.'
            ) from None
        return value if not isinstance(value, str) else self.spread(value)

    def spread(self, text: str) -> Any:
        """The value that a plain text means."""
        return text


def refuse_constant(constant: str) -> Any:
    """Raise ValueError for NaN and infinity, which Python parses and no Space accepts."""
    raise ValueError(f"{constant} is not a number in JSON")


def explain_json_error(error: ValueError) -> str:
    """What is wrong with invalid JSON, and where, if known."""
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    message = error.msg[0].lower() + error.msg[1:]
    return f"{message} at line {error.lineno}, column {error.colno}"


class LabelInput(JsonInput):
    """A Label as input: its name, or JSON with confidences."""

    def spread(self, text: str) -> Any:
        return {"label": text, "confidences": None}


class HighlightedTextInput(JsonInput):
    """A HighlightedText as input: a plain text, or JSON with its parts."""

    def spread(self, text: str) -> Any:
        return [{"token": text, "class_or_confidence": None}]


class DialogueInput(JsonInput):
    """A Dialogue: a line for each speaker, "Ann: hello", or JSON."""

    def spread(self, text: str) -> Any:
        lines = [
            line.partition(":") for line in text.replace(";", "\n").splitlines() if line.strip()
        ]
        if all(colon for _, colon, _ in lines):
            return [{"speaker": who.strip(), "text": what.strip()} for who, _, what in lines]
        return text


class FileExplorerInput(JsonInput):
    """A FileExplorer: paths on the Space, separated by commas, each sent in its parts."""

    def spread(self, text: str) -> Any:
        return [path.strip().split("/") for path in text.split(",") if path.strip()]


class ChatbotInput(Input):
    """A chat's history. A person only enters the next message.

    A conversation passes it whole, or as `{"history", "text", "files"}`: the messages so
    far, and the next message with its `File`s.
    """

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        words = make_option(
            self, parameter, OptionType.STRING, default=None, long=True, max_length=MAX_TEXT_LENGTH
        )
        return (words,)

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> Any:
        name = name_of(parameter)
        match arguments[name]:
            case list() as history:
                return history
            case {"history": list(history), "text": str(text), "files": list(files)}:
                attached = [to_upload(name, file) for file in files]
                return [*history, chat_message(parameter, text, attached)]
            case File():
                raise refuse(name, "takes a text, not a file.")
            case text:
                # A page's greeting is the start of the conversation.
                greeting = parameter.default or []
                return [*greeting, chat_message(parameter, str(text))]

    def blank(self, parameter: Parameter) -> list[Any]:
        return []


def chat_message(parameter: Parameter, text: str, files: Sequence[Upload] = ()) -> Any:
    """A person's message as this Chatbot's history stores it; `files` are to be uploaded."""
    kind = parameter.props.get("type")
    if kind == "tuples":
        return [text, None]
    if kind == "messages" and not files:
        return {"role": "user", "content": text}
    parts: list[Any] = [{"type": "file", "file": file} for file in files]
    parts += [{"type": "text", "text": text}] if text or not parts else []
    return {"role": "user", "content": parts}


def read_text_file(name: str, file: File) -> str:
    """The text of an attached file; raises InputError if it is too large or not text."""
    assert file.path is not None  # file_data has refused it otherwise
    if file.path.stat().st_size > MAX_TEXT_BYTES:
        raise refuse(
            name, f"is too large to be read as text: at most {MAX_TEXT_BYTES // 10**6} MB."
        )
    raw = file.path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Spreadsheet programs on Windows save in this encoding unless asked for UTF-8.
        text = raw.decode("cp1252", errors="replace")
    if "\0" in text:
        raise refuse(name, f"is not a text file: {quote(file.name)}.")
    return text
