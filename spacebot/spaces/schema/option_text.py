"""The names and descriptions of options."""

from __future__ import annotations

import re

from spacebot.models import Parameter
from spacebot.spaces.schema.component_types import MEDIA_COMPONENTS, TEXT_COMPONENTS, name_set
from spacebot.spaces.schema.text import MAX_DESCRIPTION_LENGTH, legal_name, spaced_words

# Names that say nothing; the label is tried first.
_EMPTY_NAME = re.compile(
    r"(\w|[a-z]\d+|(param|parameter|args?|kwargs|value|inputs?|inp|in|data|component|textbox|number"
    r"|dict|list|str|obj|self|cls|slider|dropdown|checkbox|radio|fn|var|variable|tmp|foo|bar|comp)(_?\d)*"
    r"|(text|image|img|audio|video|file|txt)_?\d+)_?",
    re.I,
)
_EMPTY_LABEL = re.compile(r"((parameter|value|textbox|component)_?\d*|\d+(st|nd|rd|th))", re.I)
_COUNTED = re.compile(r"[a-z]{3,} \d+", re.I)
_LEAD = re.compile(
    r"^((please|enter|type|write|upload|provide|select|choose|pick|input|insert|paste"
    r"|your|an?|the|here)\b\s*)+(?=\S)",
    re.I,
)
_NOUNS = {
    "textbox": "text", "checkbox": "option", "checkboxgroup": "options", "radio": "choice",
    "dropdown": "choice", "slider": "amount", "uploadbutton": "file", "imageeditor": "image",
    "gallery": "images", "multimodaltextbox": "message", "dataframe": "table", "datetime": "time",
    "colorpicker": "color", "model3d": "model", "chatbot": "message",
}  # fmt: skip
# Words for the widget on the page, at a name's end or beginning.
_WIDGET = re.compile(
    r"^ui (?=\S)|(?<=\S) (slider|textbox|text box|dropdown|checkbox|radio|ui|component)$", re.I
)
# "user input" without its noun would mean a person.
_ADJECTIVE = re.compile(
    r"(^|\b)(user|model|custom|raw|second|first|other|new|main|your|chat|the|current)$", re.I
)
_MEDIA_NAMES = name_set("image img picture photo audio sound video file document")
# How a placeholder begins that says what to write; others are examples.
_TELLS = re.compile(
    r"enter|type|write|upload|provide|select|choose|pick|input|insert|paste|describe|ask|say|leave"
    r"|search|what|your|optional|eg?|ex|example|for|press|click|add|use|put|none|auto\w*|default"
    r"|not|no|must|separated?|comma|one|two|up|max|min|any|if|only|this|the|how|why|which|please|here"
    r"|start|send|message|keep|set|list|name|path|url|link|text|prompt|number|see|tell|give|try",
    re.I,
)
# Words that any field's label may have.
_ON_A_LABEL = name_set("input enter select choose upload your the optional yes")
# Leaves room for the bounds and the default.
_MAX_HINT_LENGTH = MAX_DESCRIPTION_LENGTH - 20


def option_name(name: str, label: str, component: str) -> str:
    """A parameter's name for people: its name, otherwise its label, otherwise its kind."""
    if component == "chatbot":
        # A person enters the next message, not a whole history.
        return "message"
    # A text called "image" says where the image is: an address, a path.
    elsewhere = (
        component in TEXT_COMPONENTS and name.lower() in _MEDIA_NAMES and not is_empty_label(label)
    )
    if name and not elsewhere and not _EMPTY_NAME.fullmatch(name):
        return legal_name(_without_widget(spaced_words(name), component), component)
    if _COUNTED.fullmatch(label.strip()) and not _EMPTY_LABEL.fullmatch(label.strip()):
        # "Number 5" beside "Slider 6": the author's names distinguish them.
        return legal_name(label, "value")
    if not is_empty_label(label):
        words = re.split(r"[(\[{:;?!。，、]|\s[-–—|/]\s|\.\s", label.strip())
        told = next((word.strip() for word in words if any(map(str.isalnum, word))), label)
        if legal := legal_name(_LEAD.sub("", told), " "):
            return legal
    return legal_name(_NOUNS.get(component, component), "value")


def _without_widget(words: str, component: str) -> str:
    """The words of a name without those for the widget or for how a file is passed."""
    plain = _WIDGET.sub("", words)
    if not _ADJECTIVE.search(found := re.sub(r" (input|inp)$", "", plain, flags=re.I)):
        plain = found
    if component in MEDIA_COMPONENTS:
        plain = re.sub(r" (file ?path|path|pth|filename|fp)$", "", plain, flags=re.I)
    return plain if len(plain) > 1 else words


def read_label(parameter: Parameter) -> str:
    """The label above a field: the author's, or the option's name in words."""
    label = parameter.label
    if parameter.component == "chatbot" and is_empty_label(label):
        return "Message"
    if is_empty_label(label):
        label = parameter.option.replace("-", " ")
    words = spaced_words(label) if label.isidentifier() else label
    return words[:1].upper() + words[1:]


def read_hint(parameter: Parameter, *, placeholder: bool) -> str:
    """The hint beside an option: its author's, after the label unless hint or name say as much.

    A `placeholder` that is an example is presented as one.
    """
    hint, label = parameter.description, parameter.label
    if not hint:
        return "What you say" if parameter.component == "chatbot" else ""
    said, known = _words(label), _words(f"{parameter.option} {hint}")
    # "ref" means the same as "reference".
    new = [word for word in said if not any(word.startswith(one) for one in known)]
    if new and len(label + hint) < _MAX_HINT_LENGTH:
        return f"{label}: {hint}"
    example = placeholder and hint.isascii() and len(hint) <= 60 and not said & _words(hint)
    first = re.search(r"[^\W\d_]+", hint)
    return f"e.g. {hint}" if example and not (first and _TELLS.fullmatch(first[0])) else hint


def _words(text: str) -> set[str]:
    """The meaningful words of a text, in lower case and singular."""
    found = re.findall(r"[^\W\d_]{3,}", text.replace("_", " ").lower())
    return {word.removesuffix("s") for word in found} - _ON_A_LABEL


def is_empty_name(name: str) -> bool:
    """Whether a parameter's name does not say what it is for."""
    return bool(_EMPTY_NAME.fullmatch(name))


def is_empty_label(label: str) -> bool:
    """Whether a label is missing, or made up by Gradio ("parameter_12", "1st")."""
    said = any(map(str.isalpha, label)) and not _EMPTY_LABEL.fullmatch(label)
    return not said or bool(_EMPTY_NAME.fullmatch(label.replace(" ", "_")) and label.isascii())
