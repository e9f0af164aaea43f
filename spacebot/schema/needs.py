"""Which inputs a person must give.

Gradio's API calls "required" whatever has no value on the page, so an optional
melody or a negative prompt counts as well. What the page itself would send for
an input left alone is what an optional one is sent here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spacebot.models import Parameter
from spacebot.schema.kinds import CONTENT, DATA, MEDIA, TEXTS

# What a component left empty sends.
EMPTY: Mapping[str, Any] = {
    "textbox": "",
    "code": "",
    "checkbox": False,
    "checkboxgroup": [],
    "colorpicker": "#000000",
    "multimodaltextbox": {"text": "", "files": []},
    "chatbot": [],
}

# What an author says of an input that may be left alone.
_OPTIONAL = re.compile(
    r"\b(optional(ly)?|if (any|needed|empty|blank|not|none)|leave (it |this )?(blank|empty)"
    r"|not required|opcional|facultatif|optionnel|facoltativo)\b"
    r"|опционально|необязательно|可选|可選|选填|任意|オプション|선택",
    re.I,
)
# Names of inputs that people mostly leave alone.
_SPARE = re.compile(
    r"\b(negative|seed|advanced|extra|additional|system( prompt| message)?|hint|token|api.?key"
    r"|override|custom|(model|lora|vae|checkpoint) path|prefix|suffix|trigger"
    r"|revision|notes?|comments?|e-?mail|proxy|stop (words?|sequences?))\b",
    re.I,
)
# A second picture or sound of the same kind that is usually an aid or an alternative.
_AID = re.compile(
    r"\b(ref|reference|mask|pose|control\w*|melody|watermark|background|last|end|second|other"
    r"|another|or|upload|record|microphone|webcam|style|[2-9])\b",
    re.I,
)
# What may be said about a picture, a film or a sound; the model describes it without, too.
_ABOUT = re.compile(r"\b(questions?|quer(y|ies)|caption|des(c|cription)?|describe|context)\b", re.I)


@dataclass(frozen=True, slots=True)
class Draft:
    """A parameter on its way. `own_default` says that the function or the page has a value,
    which may be None; `aside` that the page folds it away; `unaskable` that nobody can be asked,
    `sendable` that it may then be sent empty; `placeholder` that its description is one.
    """

    parameter: Parameter
    value: Any = None
    own_default: bool = False
    hidden: bool = False
    aside: bool = False
    unaskable: bool = False
    sendable: bool = False
    placeholder: bool = False

    @property
    def empty(self) -> bool:
        """Whether the page holds nothing there."""
        return is_empty(self.value)

    @property
    def optional(self) -> bool:
        """Whether it may be left alone, by what its author says of it or where it stands."""
        name = f"{self.parameter.name} {self.parameter.label}".replace("_", " ")
        may_be_none = self.own_default and self.value is None
        told = _SPARE.search(name) or _OPTIONAL.search(f"{name} {self.parameter.description}")
        return self.hidden or self.aside or may_be_none or bool(told)

    @property
    def is_about(self) -> bool:
        """Whether it is a text that only adds to what is looked at or heard."""
        name = f"{self.parameter.name} {self.parameter.label}".replace("_", " ")
        return self.parameter.component in TEXTS and bool(_ABOUT.search(name))

    @property
    def is_subject(self) -> bool:
        """Whether it is a picture or the like that has to be given."""
        return self.parameter.component in MEDIA and self.empty and not self.optional

    @property
    def is_content(self) -> bool:
        """Whether it is what a person brings, rather than a setting."""
        return self.parameter.component in CONTENT


def is_empty(value: Any) -> bool:
    """Whether a value holds nothing: None, "", [], an empty message or a table of blanks."""
    if isinstance(value, Mapping):
        held = [value[key] for key in ("text", "files", "data") if key in value]
        return is_empty(held) if held else not value
    if isinstance(value, (list, tuple)):
        return all(is_empty(item) for item in value)
    return value is None or value == ""


def required(drafts: list[Draft]) -> list[bool]:
    """For each draft, whether it must be given."""
    needed: list[bool] = []
    for index, draft in enumerate(drafts):
        before = [d for d, need in zip(drafts, needed, strict=False) if need and d.is_content]
        about = draft.is_about and any(other.is_subject for other in drafts)
        needed.append(not about and _is_required(draft, before, drafts[:index]))
    needed = [
        need and not _has_other(draft, drafts, needed)
        for draft, need in zip(drafts, needed, strict=True)
    ]
    if not any(needed):
        only = _only_content(drafts)
        needed = [need or draft is only for draft, need in zip(drafts, needed, strict=True)]
    return needed


def _is_required(draft: Draft, before: list[Draft], earlier: list[Draft]) -> bool:
    kind = draft.parameter.component
    if kind in ("dropdown", "radio"):
        return _must_choose(draft)
    if kind == "chatbot" and not draft.optional:
        # It is asked for what a person says next, though it may hold a greeting.
        return not before
    if not draft.empty or draft.optional:
        return False
    if kind == "code":
        return not before
    if kind in TEXTS:
        first = not any(d.parameter.component in TEXTS for d in earlier)
        return first and not before if draft.value is not None else True
    if kind in MEDIA:
        # Who paints into a picture has one.
        return not before or _is_pair(draft, before) or kind == "imageeditor"
    if kind == "api":
        # A function's own parameter, without a default.
        return True
    if kind in DATA:
        return not before
    return kind in ("number", "slider", "datetime")


def _has_other(draft: Draft, drafts: list[Draft], needed: list[bool]) -> bool:
    """Whether a file can be given in its place: a PDF or a picture, where it is a picture."""
    others = [d.parameter for d, need in zip(drafts, needed, strict=True) if not need]
    return draft.parameter.component in MEDIA and any(
        other.component in ("file", "uploadbutton")
        and draft.parameter.component in other.file_types
        and len(other.file_types) > 1
        for other in others
    )


def _must_choose(draft: Draft) -> bool:
    parameter = draft.parameter
    if parameter.multiple or parameter.default is not None or draft.optional:
        return False
    if draft.value not in (None, ""):
        return bool(parameter.choices)
    return bool(parameter.choices) and None not in [choice.value for choice in parameter.choices]


def _is_pair(draft: Draft, before: list[Draft]) -> bool:
    """Whether it is the second of two alike (a face and a body, a content and a garment)."""
    first = before[-1].parameter
    label = f"{draft.parameter.name} {draft.parameter.label}".replace("_", " ")
    kinds = {first.component, draft.parameter.component}
    alike = len(kinds) == 1 or kinds == {"image", "imageeditor"}
    return len(before) == 1 and alike and not _AID.search(label)


def _only_content(drafts: list[Draft]) -> Draft | None:
    """The one input that all depends on, where nothing else is given."""
    content = [d for d in drafts if d.is_content and d.empty and not d.own_default]
    shown = [d for d in content if not d.hidden]
    return shown[0] if len(shown) == 1 and len(shown) == len(content) else None
