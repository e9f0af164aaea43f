"""Text in its forms: plain, code, a colour."""

# ruff: noqa: ARG002 - a kind need not use all that every kind is handed
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import ImageColor

from spacebot.models import Choice, Option, OptionType, Parameter
from spacebot.spaces.inputs.components.base import (
    MAX_CHOICES,
    MAX_TEXT_LENGTH,
    Input,
    fold,
    make_option,
    name_of,
    quote,
    refuse,
)
from spacebot.wording import clip


class TextboxInput(Input):
    """A Textbox. `long` ones (code, markup) get a field of several lines in a form."""

    clearable = True

    def __init__(self, *, long: bool = False) -> None:
        self.long = long

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        return (
            make_option(
                self,
                parameter,
                OptionType.STRING,
                self._hint(parameter),
                max_length=max_text_length(parameter),
                long=self.long or parameter.lines > 1,
            ),
        )

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> str:
        name = name_of(parameter)
        text = str(arguments[name])
        if needs_text(parameter, text):
            raise refuse(name, "is empty: give it some text.")
        return check_length(parameter, text)

    def blank(self, parameter: Parameter) -> str:
        # The page of a Gradio app sends "" for a text box that nobody touched.
        return ""

    def default(self, parameter: Parameter) -> str:
        return str(parameter.default)

    def _hint(self, parameter: Parameter) -> str:
        if parameter.secret or not parameter.default:
            return ""
        return f"default: {clip(str(parameter.default), 30)}"


def max_text_length(parameter: Parameter) -> int:
    """The most characters that both the Space and a Discord option take."""
    return min(MAX_TEXT_LENGTH, parameter.max_length or MAX_TEXT_LENGTH)


def check_length(parameter: Parameter, text: str) -> str:
    """The text; raises InputError if it is too long."""
    if len(text) > (limit := max_text_length(parameter)):
        said = f"is {len(text):,} characters long: at most {limit:,} are accepted here."
        raise refuse(name_of(parameter), said)
    return text


def needs_text(parameter: Parameter, text: str) -> bool:
    """Whether this text is empty although the Space needs some."""
    return parameter.required and not text.strip()


class ColourInput(Input):
    """A ColorPicker: a name, hex or rgb() from a person, "#rrggbb" for the Space."""

    def options(self, parameter: Parameter) -> tuple[Option, ...]:
        hint = "a name like teal, or #008080"
        return (make_option(self, parameter, OptionType.STRING, hint, autocomplete=True),)

    def value(self, parameter: Parameter, arguments: Mapping[str, Any]) -> str:
        name = name_of(parameter)
        text = str(arguments[name]).strip()
        for spelling in (text, text.replace(" ", ""), "#" + text):
            if colour := hex_of(spelling):
                return colour
        raise refuse(
            name,
            f"is not a colour that I know: {quote(text)}. Give a name like `teal`, "
            "or a code like `#008080` or `rgb(0, 128, 128)`.",
        )

    def default(self, parameter: Parameter) -> str:
        return str(parameter.default)

    def suggest(self, parameter: Parameter, text: str) -> list[Choice]:
        wanted = fold(text).replace(" ", "")
        names = [name for name in ImageColor.colormap if wanted in name]
        names.sort(key=lambda name: not name.startswith(wanted))
        return [Choice(name, name) for name in names[:MAX_CHOICES]]


def hex_of(text: str) -> str | None:
    """ "#rrggbb" of a colour that Pillow can read, else None."""
    try:
        red, green, blue, *_ = ImageColor.getrgb(text)
    except ValueError:
        return None
    return f"#{red:02x}{green:02x}{blue:02x}"
