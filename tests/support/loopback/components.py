"""Components and modals: Discord's rules for them, and what it adds to them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from .errors import Problems, check_file_types

ROW, BUTTON, SELECT, TEXT_INPUT, SECTION, TEXT, THUMBNAIL = 1, 2, 3, 4, 9, 10, 11
GALLERY, FILE, SEPARATOR, CONTAINER, LABEL, UPLOAD = 12, 13, 14, 17, 18, 19
RADIO, CHECKBOXES, CHECKBOX = 21, 22, 23
SELECTS = (3, 5, 6, 7, 8)
V2_TOP = (ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER)
IN_CONTAINER = (ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR)
IN_LABEL = (TEXT_INPUT, *SELECTS, UPLOAD, RADIO, CHECKBOXES, CHECKBOX)
MOST_V2, MOST_V2_TEXT = 40, 4000
Path = tuple[str | int, ...]
Component = dict[str, Any]


class ComponentCheck:
    """Checks a message's components; everything wrong goes to `problems`."""

    def __init__(self, problems: Problems, files: set[str], *, v2: bool) -> None:
        self.problems, self.files, self.v2 = problems, files, v2
        self.ids: set[str] = set()
        self.count = self.characters = 0

    def check(self, components: list[Component]) -> None:
        """Checks all of them, under the path `components`."""
        path: Path = ("components",)
        if not self.v2:
            self.problems.length(path, components, 0, 5)
        for index, component in enumerate(components):
            self._allowed((*path, index), component, V2_TOP if self.v2 else (ROW,))
            self._one((*path, index), component)
        if self.count > MOST_V2:
            text = f"Must be {MOST_V2} or fewer in length."
            self.problems.add(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", text)
        if self.characters > MOST_V2_TEXT:
            text = f"The total text must be {MOST_V2_TEXT} or fewer in length."
            self.problems.add(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", text)

    def _allowed(self, path: Path, component: Component, kinds: tuple[int, ...]) -> None:
        if component.get("type") not in kinds:
            text = f'Value of field "type" must be one of {kinds}.'
            self.problems.add((*path, "type"), "UNION_TYPE_CHOICES", text)

    def _one(self, path: Path, component: Component) -> None:
        self.count += 1
        kind = component.get("type")
        if kind == ROW:
            self._row(path, component.get("components") or [])
        elif kind == BUTTON:
            self._button(path, component)
        elif kind in SELECTS:
            check_select(self.problems, path, component)
            self._custom_id(path, component)
        elif kind == TEXT:
            self.problems.length((*path, "content"), component.get("content"), 1, MOST_V2_TEXT)
            self.characters += len(component.get("content") or "")
        elif kind == SECTION:
            self._section(path, component)
        elif kind == CONTAINER:
            self._children(path, component, IN_CONTAINER, 1, MOST_V2)
        elif kind == GALLERY:
            self._gallery(path, component)
        elif kind in (FILE, THUMBNAIL):
            key = "file" if kind == FILE else "media"
            self._media((*path, key), component.get(key) or {}, only_files=kind == FILE)

    def _row(self, path: Path, children: list[Component]) -> None:
        self.problems.length((*path, "components"), children, 1, 5)
        selects = [child for child in children if child.get("type") in SELECTS]
        if selects and len(children) > 1:
            text = "The specified component exceeds the maximum width"
            self.problems.add((*path, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", text)
        for index, child in enumerate(children):
            here = (*path, "components", index)
            self._allowed(here, child, (BUTTON, *SELECTS))
            self._one(here, child)

    def _children(
        self, path: Path, component: Component, kinds: tuple[int, ...], least: int, most: int
    ) -> None:
        children = component.get("components") or []
        self.problems.length((*path, "components"), children, least, most)
        for index, child in enumerate(children):
            here = (*path, "components", index)
            self._allowed(here, child, kinds)
            self._one(here, child)

    def _section(self, path: Path, component: Component) -> None:
        self._children(path, component, (TEXT,), 1, 3)
        accessory = component.get("accessory")
        if not accessory:
            self.problems.add((*path, "accessory"), "BASE_TYPE_REQUIRED", "This field is required")
            return
        self._allowed((*path, "accessory"), accessory, (BUTTON, THUMBNAIL))
        self._one((*path, "accessory"), accessory)

    def _gallery(self, path: Path, component: Component) -> None:
        items = component.get("items") or []
        self.problems.length((*path, "items"), items, 1, 10)
        for index, item in enumerate(items):
            self._media((*path, "items", index, "media"), item.get("media") or {})

    def _media(self, path: Path, media: dict[str, Any], *, only_files: bool = False) -> None:
        url = str(media.get("url", ""))
        name = url.removeprefix("attachment://")
        if url.startswith("attachment://"):
            if name not in self.files:
                text = f"The attachment {name} was not found in the message"
                self.problems.add((*path, "url"), "UNFURLED_MEDIA_ITEM_ATTACHMENT_NOT_FOUND", text)
        elif only_files or not url.startswith(("http://", "https://")):
            text = f'Not a well formed URL: "{url}".'
            self.problems.add((*path, "url"), "URL_TYPE_INVALID_URL", text)

    def _custom_id(self, path: Path, component: Component) -> None:
        custom_id = component.get("custom_id")
        self.problems.length((*path, "custom_id"), custom_id, 1, 100)
        if custom_id in self.ids:
            text = "Component custom id cannot be duplicated"
            self.problems.add((*path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", text)
        self.ids.add(str(custom_id))

    def _button(self, path: Path, button: Component) -> None:
        style = button.get("style")
        self.problems.length((*path, "label"), button.get("label"), 0, 80)
        if style not in range(1, 7):
            text = "Value must be one of 1, 2, 3, 4, 5, 6."
            self.problems.add((*path, "style"), "BASE_TYPE_CHOICES", text)
        elif style == 5:
            self.problems.length((*path, "url"), button.get("url"), 1, 512)
            if "custom_id" in button:
                text = "A custom id and url cannot both be specified"
                code = "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE"
                self.problems.add(path, code, text)
        elif style != 6:
            self._custom_id(path, button)
        if style != 6 and not button.get("label") and not button.get("emoji"):
            text = "A label or emoji must be specified"
            self.problems.add(path, "BUTTON_COMPONENT_INVALID_EMOJI_OR_LABEL", text)


def check_select(problems: Problems, path: Path, select: Component) -> None:
    """Checks the limits that a select has in messages and in modals."""
    problems.length((*path, "placeholder"), select.get("placeholder"), 0, 150)
    least, most = bound(select, "min_values", 1), bound(select, "max_values", 1)
    if not 0 <= least <= 25 or not 1 <= most <= 25 or least > most:
        text = "min_values must be 0–25, max_values 1–25 and not less."
        problems.add((*path, "max_values"), "BASE_TYPE_BAD_LENGTH", text)
    if select["type"] == SELECT:
        check_options(problems, path, select.get("options"), 1, 25, most)


def bound(component: Component, key: str, otherwise: int) -> int:
    """A bound of a component; null means none."""
    found = component.get(key)
    return otherwise if found is None else found


def check_options(
    problems: Problems, path: Path, options: list[Any] | None, least: int, most: int, picks: int
) -> None:
    """Checks the options of a select, a radio group or a checkbox group."""
    problems.length((*path, "options"), options, least, most)
    values = [option.get("value") for option in options or []]
    if len(set(values)) < len(values):
        text = "The specified option value is already used"
        problems.add((*path, "options"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", text)
    for index, option in enumerate(options or []):
        here = (*path, "options", index)
        problems.length((*here, "label"), option.get("label"), 1, 100)
        problems.length((*here, "value"), option.get("value"), 1, 100)
        problems.length((*here, "description"), option.get("description"), 0, 100)
    if sum(bool(option.get("default")) for option in options or []) > picks:
        text = f"Must be {picks} or fewer defaults."
        problems.add((*path, "options"), "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", text)


def check_modal(modal: Mapping[str, Any]) -> None:
    """Raises ApiError 50035 unless Discord would show this modal."""
    problems = Problems()
    problems.length(("data", "title"), modal.get("title"), 1, 45)
    problems.length(("data", "custom_id"), modal.get("custom_id"), 1, 100)
    parts = modal.get("components") or []
    problems.length(("data", "components"), parts, 1, 5)
    seen: set[str] = set()
    for index, part in enumerate(parts):
        path: Path = ("data", "components", index)
        kind = part.get("type")
        if kind == LABEL:
            problems.length((*path, "label"), part.get("label"), 1, 45)
            problems.length((*path, "description"), part.get("description"), 0, 100)
            _check_field(problems, (*path, "component"), part.get("component") or {}, seen)
        elif kind == ROW and len(part.get("components") or []) == 1:
            field = part["components"][0]
            problems.length((*path, "components", 0, "label"), field.get("label"), 1, 45)
            _check_field(problems, (*path, "components", 0), field, seen)
        elif kind != TEXT:
            text = f'Value of field "type" must be one of ({ROW}, {TEXT}, {LABEL}).'
            problems.add((*path, "type"), "UNION_TYPE_CHOICES", text)
    problems.raise_any()


def _check_field(problems: Problems, path: Path, field: Component, seen: set[str]) -> None:
    kind = field.get("type")
    if kind not in IN_LABEL:
        text = f'Value of field "type" must be one of {IN_LABEL}.'
        problems.add((*path, "type"), "UNION_TYPE_CHOICES", text)
        return
    problems.length((*path, "custom_id"), field.get("custom_id"), 1, 100)
    if field.get("custom_id") in seen:
        text = "Component custom id cannot be duplicated"
        problems.add((*path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", text)
    seen.add(str(field.get("custom_id")))
    if kind == TEXT_INPUT:
        _check_text_input(problems, path, field)
    elif kind in SELECTS:
        check_select(problems, path, field)
    elif kind == RADIO:
        check_options(problems, path, field.get("options"), 2, 10, 1)
    elif kind == CHECKBOXES:
        check_options(problems, path, field.get("options"), 1, 10, 10)
    elif kind == UPLOAD and not 1 <= bound(field, "max_values", 1) <= 10:
        problems.add((*path, "max_values"), "NUMBER_TYPE_MAX", "Must be 1–10.")
    check_file_types(problems, path, field, fits=kind == UPLOAD)


def _check_text_input(problems: Problems, path: Path, field: Component) -> None:
    least, most = field.get("min_length") or 0, field.get("max_length") or 4000
    if not 0 <= least <= 4000 or not 1 <= most <= 4000 or least > most:
        text = "min_length must be 0–4000, max_length 1–4000 and not less."
        problems.add((*path, "max_length"), "NUMBER_TYPE_MAX", text)
    problems.length((*path, "placeholder"), field.get("placeholder"), 0, 100)
    value = field.get("value")
    if value:
        problems.length((*path, "value"), value, min(least, len(value)), most)


def finished(components: list[Component], urls: Mapping[str, str]) -> list[Component]:
    """The components as Discord returns them: numbered, with files' addresses put in."""
    return _finished(components, urls, itertools.count(1))


def _finished(
    components: list[Component], urls: Mapping[str, str], numbers: itertools.count[int]
) -> list[Component]:
    done = []
    for component in components:
        fresh = component | {"id": component.get("id") or next(numbers)}
        for key in ("accessory", "component"):
            if component.get(key):
                fresh[key] = _finished([component[key]], urls, numbers)[0]
        if component.get("components"):
            fresh["components"] = _finished(component["components"], urls, numbers)
        for key in ("file", "media"):
            if component.get(key):
                fresh[key] = _media(component[key], urls)
        if component.get("items"):
            fresh["items"] = [
                {"description": None, "spoiler": False}
                | item
                | {"media": _media(item["media"], urls)}
                for item in component["items"]
            ]
        if component["type"] == FILE:
            fresh["name"] = component["file"]["url"].rpartition("/")[2]
        done.append(fresh)
    return done


def _media(media: dict[str, Any], urls: Mapping[str, str]) -> dict[str, Any]:
    url = urls.get(media["url"].removeprefix("attachment://"), media["url"])
    number = re.search(r"/(\d+)/[^/]+$", url)
    more = {"id": number[1] if number else "0", "placeholder": "", "loading_state": 2}
    return media | {"url": url, "proxy_url": url, "width": None, "height": None} | more
