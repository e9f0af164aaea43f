"""Which inputs a person must fill in.

Gradio's API calls every input without a value on the page "required", even an optional melody or a
negative prompt. An optional input left empty is sent as the page itself would send it. The decision
follows from the form: the kinds of components, their values and order, and the outputs. Labels come
in every language, so their words can only make an input optional.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from spacebot.models import Parameter
from spacebot.spaces.schema.component_types import (
    CONTENT_COMPONENTS,
    DATA_COMPONENTS,
    MEDIA_COMPONENTS,
    TEXT_COMPONENTS,
)

# What an empty component sends.
EMPTY_VALUES: Mapping[str, Any] = {
    "textbox": "",
    "code": "",
    "checkbox": False,
    "checkboxgroup": [],
    "colorpicker": "#000000",
    "multimodaltextbox": {"text": "", "files": []},
    "chatbot": [],
}

# What counts or measures.
NUMBERS = frozenset({"number", "slider", "datetime"})

# An author's words for an input that may be left empty.
_OPTIONAL = re.compile(
    r"\b(optional(ly)?|if (any|needed|empty|blank|not|none)|leave (it |this )?(blank|empty)"
    r"|not required|opcional|facultatif|optionnel|facoltativo)\b"
    r"|опционально|необязательно|可选|可選|选填|任意|オプション|선택",
    re.I,
)
# Names of inputs that people usually leave empty.
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
# Optional text about a picture, a film or a sound: the model can describe it without.
_ABOUT = re.compile(r"\b(questions?|quer(y|ies)|caption|des(c|cription)?|describe|context)\b", re.I)


@dataclass(frozen=True, slots=True)
class ParameterDraft:
    """A parameter being read.

    `own_default` says that the function or the page has a value, which may be None; `aside` that
    the page folds it away; `unaskable` that nobody can be asked, `sendable` that it may then be
    sent empty; `placeholder` that its description is one; `coded` that it is a function's own
    parameter, which no page sends empty, `typed` that it stands for one (gr.Api); `in_turn` that
    the page shows another one in its place depending on a choice.
    """

    parameter: Parameter
    value: Any = None
    own_default: bool = False
    hidden: bool = False
    aside: bool = False
    unaskable: bool = False
    sendable: bool = False
    placeholder: bool = False
    coded: bool = False
    typed: bool = False
    in_turn: bool = False

    @property
    def empty(self) -> bool:
        """Whether the page has no value there."""
        return is_empty(self.value)

    @property
    def optional(self) -> bool:
        """Whether it may be left empty, by its author's words or its place in the form."""
        name = self.words
        may_be_none = self.own_default and self.value is None
        told = _SPARE.search(name) or _OPTIONAL.search(f"{name} {self.parameter.description}")
        return self.hidden or self.aside or self.in_turn or may_be_none or bool(told)

    @property
    def can_be_missed(self) -> bool:
        """Whether an app may fail without it."""
        return self.empty and (self.is_content or self.parameter.component in NUMBERS)

    @property
    def words(self) -> str:
        """Its name in the author's code, and its label."""
        return f"{self.parameter.name} {self.parameter.label}".replace("_", " ")

    @property
    def is_text(self) -> bool:
        """Whether people write text into it."""
        return self.parameter.component in TEXT_COMPONENTS

    @property
    def is_subject(self) -> bool:
        """Whether it is a required picture or similar."""
        return self.parameter.component in MEDIA_COMPONENTS and self.empty and not self.optional

    @property
    def is_content(self) -> bool:
        """Whether it is a person's own content, rather than a setting."""
        return self.parameter.component in CONTENT_COMPONENTS


def is_empty(value: Any) -> bool:
    """Whether a value holds nothing: None, "", [], an empty message or a table of blanks."""
    if isinstance(value, Mapping):
        held = [value[key] for key in ("text", "files", "data") if key in value]
        return is_empty(held) if held else not value
    if isinstance(value, (list, tuple)):
        return all(is_empty(item) for item in value)
    return value is None or value == ""


def required(drafts: list[ParameterDraft], gives: Collection[str] = ()) -> list[bool]:
    """For each draft, whether it is required; `gives` are the kinds of the outputs."""
    needed: list[bool] = []
    main = _main_text(drafts, gives)
    contents = [draft for draft in drafts if draft.is_content and not draft.hidden]
    brings = not all(draft.typed for draft in contents)
    for draft in drafts:
        before = [d for d, need in zip(drafts, needed, strict=False) if need and d.is_content]
        needed.append(_is_required(draft, before, main, brings=brings))
    needed = [
        need and not _has_other(draft, drafts, needed)
        for draft, need in zip(drafts, needed, strict=True)
    ]
    if not any(needed):
        only = _only_content(drafts)
        needed = [need or draft is only for draft, need in zip(drafts, needed, strict=True)]
    return needed


def _main_text(drafts: list[ParameterDraft], gives: Collection[str]) -> ParameterDraft | None:
    """The form's main text: the tallest empty box, the first of those alike."""
    texts = [
        draft
        for index, draft in enumerate(drafts)
        if draft.is_text and draft.empty and not draft.optional and not draft.coded
        if not _is_about(draft, drafts, index, gives)
    ]
    return max(texts, key=lambda draft: draft.parameter.lines, default=None)


def _is_about(
    draft: ParameterDraft, drafts: list[ParameterDraft], index: int, gives: Collection[str]
) -> bool:
    """Whether it is a text that only adds to a picture or sound.

    After a picture, a text says how to change it if the output is a picture.
    """
    subjects = [other for other in drafts[:index] if other.is_subject]
    changes = any(_pictured(one.parameter.component) in map(_pictured, gives) for one in subjects)
    told = _ABOUT.search(draft.words) and any(other.is_subject for other in drafts)
    return bool(told) or (bool(subjects) and not changes)


def _pictured(kind: str) -> str:
    return "image" if kind in ("imageeditor", "imageslider", "gallery", "annotatedimage") else kind


def _is_required(
    draft: ParameterDraft,
    before: list[ParameterDraft],
    main: ParameterDraft | None,
    *,
    brings: bool,
) -> bool:
    kind = draft.parameter.component
    if kind in ("dropdown", "radio"):
        return _must_choose(draft)
    if kind == "chatbot" and not draft.optional:
        # It asks for a person's next message, even if it contains a greeting.
        return not before
    if not draft.empty or draft.optional:
        return False
    if draft.coded:
        return True
    if kind in TEXT_COMPONENTS:
        # Others are blank on the page until somebody writes there, like those blank on purpose.
        return draft is main and (draft.value is None or not before)
    if kind in MEDIA_COMPONENTS:
        # Painting into a picture requires one.
        return not before or _is_pair(draft, before) or kind == "imageeditor"
    if kind in DATA_COMPONENTS:
        return not before
    # Beside a prompt or a picture, an empty number is the app's to choose, like a seed. An app
    # whose form has numbers alone computes with them.
    return kind in NUMBERS and not brings


def _has_other(draft: ParameterDraft, drafts: list[ParameterDraft], needed: list[bool]) -> bool:
    """Whether a file can replace it: a PDF or a picture, if it is a picture."""
    others = [d.parameter for d, need in zip(drafts, needed, strict=True) if not need]
    return draft.parameter.component in MEDIA_COMPONENTS and any(
        other.component in ("file", "uploadbutton")
        and draft.parameter.component in other.file_types
        and len(other.file_types) > 1
        for other in others
    )


def _must_choose(draft: ParameterDraft) -> bool:
    parameter = draft.parameter
    if parameter.multiple or parameter.default is not None or draft.optional:
        return False
    if draft.value not in (None, ""):
        return bool(parameter.choices)
    return bool(parameter.choices) and None not in [choice.value for choice in parameter.choices]


def _is_pair(draft: ParameterDraft, before: list[ParameterDraft]) -> bool:
    """Whether it is the second of a pair (a face and a body, a content and a garment)."""
    first = before[-1].parameter
    kinds = {first.component, draft.parameter.component}
    alike = len(kinds) == 1 or kinds == {"image", "imageeditor"}
    return len(before) == 1 and alike and not _AID.search(draft.words)


def _only_content(drafts: list[ParameterDraft]) -> ParameterDraft | None:
    """The only input with content, if nothing else is required."""
    content = [d for d in drafts if d.is_content and d.empty and not d.own_default]
    shown = [d for d in content if not d.hidden]
    return shown[0] if len(shown) == 1 and len(shown) == len(content) else None
