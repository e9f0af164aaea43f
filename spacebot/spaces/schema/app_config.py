"""A Gradio app's `/config`, as questions: which component, where on the page, after what."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

from spacebot.spaces.schema.text import plain_text

_NUMBERED = re.compile(r"_\d+$")
# How much of a page's beginning is searched for a heading, in characters.
_HEADING_SEARCH_LENGTH = 5000
_HEADING = re.compile(r"<h1[^<>]*>([\s\S]{1,1000}?)</h1>|^[ \t]*#[ \t]+(.+)$", re.M)
_SUBHEADING = re.compile(
    r"\s*(?:<(?!img|h[23])\w[^<>]*>\s*)*"
    r"(?:<h[23][^<>]*>([\s\S]{1,1000}?)</h[23]>|#{2,3}[ \t]+(.+))"
)
# Blocks whose heading is not the whole app's.
_LAYOUT_BLOCKS = frozenset({"sidebar", "accordion", "tabitem", "tab"})
# Gradio's title for an app whose author set none.
_NO_TITLE = frozenset({"", "gradio", "gradio app", "app", "demo", "interface", "my app"})

# More than any real app has, so that reading an app takes bounded time.
# An event may look at every other, and at those before it in its chain.
MAX_EVENTS, MAX_CHAIN = 2000, 30

# Changed properties by component id, a new "value" among them.
PropertyChanges = Mapping[Any, Mapping[str, Any]]
# What a load event may change that a command depends on, and the types it may have.
_CHANGEABLE_PROPS: Mapping[str, Any] = {
    "value": object, "choices": list, "minimum": int | float, "maximum": int | float,
    "step": int | float, "visible": bool | str, "open": bool, "label": str, "info": str,
    "placeholder": str, "allow_custom_value": bool, "multiselect": bool, "max_choices": int,
    "precision": int,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageComponent:
    """One component of the page. `type` is Gradio's, in lower case."""

    id: Any
    type: str
    props: Mapping[str, Any] = field(default_factory=dict)
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Dependency:
    """One dependency of the page: what it listens to (`component id`, `event`), takes and gives.

    `after` is the id of the event whose end triggers it (`.then`), with `when` "success" or
    "failure" if it must end so; `raw` is the dependency itself.
    """

    id: Any
    api_name: str
    targets: tuple[tuple[Any, str], ...] = ()
    inputs: tuple[Any, ...] = ()
    outputs: tuple[Any, ...] = ()
    after: Any = None
    when: str = ""
    pointed: bool = False
    streams: bool = False
    cancels: bool = False
    live: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


class AppConfig:
    """What `/config` says about an app beyond its API description.

    `opened` is what the load events of its page set; `built` are the components before that.
    """

    def __init__(self, config: Mapping[str, Any], opened: PropertyChanges | None = None) -> None:
        self.config = config
        self.opened = opened or {}
        self.built = {c["id"]: _component(c) for c in config.get("components") or []}
        self.components = {
            i: _with_changes(part, self.opened.get(i)) for i, part in self.built.items()
        }
        dependencies = islice(config.get("dependencies") or [], MAX_EVENTS)
        self.events = [_event(i, d) for i, d in enumerate(dependencies)]
        self._by_id = {event.id: event for event in self.events}
        self._by_name = {event.api_name: event for event in reversed(self.events)}

    @property
    def is_chat(self) -> bool:
        """Whether it is a gr.ChatInterface."""
        return self.config.get("mode") == "chat_interface"

    @property
    def max_file_size(self) -> int | None:
        """The size limit of one uploaded file, in bytes."""
        size = self.config.get("max_file_size")
        return size if isinstance(size, int) else None

    @cached_property
    def title(self) -> str:
        """The app's title in plain text: its own, otherwise its page's first
        heading; or nothing."""
        title = self.text(self.config.get("title"))
        return title if title.lower() not in _NO_TITLE else self._heading

    @property
    def _heading(self) -> str:
        written = [(text[:_HEADING_SEARCH_LENGTH], inside) for text, inside in self.written()]
        whole = [text for text, inside in written if not inside & {"sidebar", "accordion"}]
        found = next(filter(None, map(_HEADING.search, whole)), None)
        if found is None:
            # A smaller heading is the title if the page opens with it.
            opening = next((text for text, inside in written if not inside & _LAYOUT_BLOCKS), "")
            found = _SUBHEADING.match(opening)
        return self.text(found[1] or found[2]).rstrip(" :") if found else ""

    def written(self, within: Any = None) -> Iterator[tuple[str, set[str]]]:
        """The text that the page's author wrote on it, in order, with the types of the blocks
        around it.

        `within` limits it to the block with that id. Answers are not included.
        """
        answers = {component_id for event in self.events for component_id in event.outputs}
        for component in self.components.values():
            if component.type in ("markdown", "html") and component.id not in answers:
                around = list(self.above(component.id))
                if within is None or within in [block.id for block in around]:
                    yield str(component.props.get("value") or ""), {b.type for b in around}

    def text(self, value: Any) -> str:
        """A label or description of the app in plain text."""
        translations = self.config.get("i18n_translations")
        return plain_text(value, translations if isinstance(translations, Mapping) else None)

    def event(self, api_name: str) -> Dependency | None:
        """The event behind an endpoint ("/predict")."""
        return self._by_name.get(api_name.lstrip("/"))

    def component(self, component_id: Any) -> PageComponent | None:
        """The component with that id."""
        return self.components.get(component_id)

    def asked(self, component_ids: Sequence[Any]) -> list[PageComponent]:
        """The components in the API: all but state, buttons and layout."""
        found = (self.component(component_id) for component_id in component_ids)
        return [component for component in found if component and not component.skipped]

    def joined(
        self, component_ids: Sequence[Any], described: Sequence[Mapping[str, Any]]
    ) -> list[PageComponent | None]:
        """For each described value its component, or None.

        Only newer versions of Gradio say which components the API skips; for others, the types
        decide, in order.
        """
        asked = self.asked(component_ids)
        if len(asked) == len(described):
            return list(asked)
        left = [part for part in map(self.component, component_ids) if part]
        found: list[PageComponent | None] = []
        for value in described:
            kind = str(value.get("component") or "").lower()
            at = next((i for i, part in enumerate(left) if part.type == kind), None)
            found.append(None if at is None else left[at])
            left = left if at is None else left[at + 1 :]
        return found

    @cached_property
    def _listeners(self) -> Mapping[tuple[Any, str], list[Dependency]]:
        found = defaultdict[tuple[Any, str], list[Dependency]](list)
        for event in self.events:
            for target in event.targets:
                found[target].append(event)
        return dict(found)

    @cached_property
    def _followers(self) -> Mapping[Any, list[Dependency]]:
        found = defaultdict[Any, list[Dependency]](list)
        for event in self.events:
            if event.after is not None:
                found[event.after].append(event)
        return dict(found)

    @cached_property
    def loads(self) -> list[Dependency]:
        """The events that run when the page opens."""
        return [event for event in self.events if any(name == "load" for _, name in event.targets)]

    def on(self, component_id: Any, name: str) -> Sequence[Dependency]:
        """The events that a component's event of that name triggers."""
        return self._listeners.get((component_id, name), ())

    def right_after(self, event: Dependency) -> Sequence[Dependency]:
        """The events that the end of `event` triggers."""
        return self._followers.get(event.id, ())

    def earlier(self, event: Dependency) -> Iterator[Dependency]:
        """The events before it in its chain (`.then`), the nearest first, at most `MAX_CHAIN`."""
        seen = {event.id}
        while (before := self._by_id.get(event.after)) and before.id not in seen:
            if len(seen) > MAX_CHAIN:
                return
            yield before
            event = before
            seen.add(event.id)

    def on_failure(self, event: Dependency) -> bool:
        """Whether it runs only if an earlier event of its chain fails."""
        return any(one.when == "failure" for one in (event, *self.earlier(event)))

    def after_failure(self, event: Dependency) -> Iterator[Dependency]:
        """The events that the page runs if `event` fails, but not if it succeeds, with the events
        that follow these on success."""
        waiting = [one for one in self.right_after(event) if one.when == "failure"]
        for one in islice(waiting, MAX_CHAIN):
            yield one
            waiting += [
                later
                for later in self.right_after(one)
                if later.when != "failure" and later not in waiting
            ]

    def following(self, event: Dependency) -> Iterator[tuple[Dependency, frozenset[str]]]:
        """The events that the page runs after `event`, at most `MAX_CHAIN`, each with the endpoints
        that must have succeeded."""
        waiting: list[tuple[Dependency, frozenset[str]]] = [(event, frozenset())]
        known = {event.id}
        for before, needs in waiting:
            yield from [] if before is event else [(before, needs)]
            for one in self.right_after(before) if len(known) <= MAX_CHAIN else ():
                if one.when != "failure" and one.id not in known:
                    known.add(one.id)
                    more = {f"/{before.api_name}"} if one.when else frozenset[str]()
                    waiting.append((one, needs | more))

    def root(self, event: Dependency) -> Dependency:
        """The event that starts the chain which `event` belongs to."""
        return [event, *self.earlier(event)][-1]

    def triggers(self, event: Dependency | None) -> Iterator[tuple[PageComponent | None, str]]:
        """What triggers `event`, directly or through its chain: a component and
        its event's name."""
        for component_id, name in self.root(event).targets if event else ():
            yield self.component(component_id), name

    @cached_property
    def _parents(self) -> dict[Any, tuple[Any, ...]]:
        parents: dict[Any, tuple[Any, ...]] = {}
        pages = self.config.get("page")
        layouts = [self.config.get("layout")]
        if isinstance(pages, Mapping):
            layouts += [page.get("layout") for page in pages.values()]
        waiting = [(layout, ()) for layout in layouts if isinstance(layout, Mapping)]
        while waiting:
            node, above = waiting.pop()
            parents[node.get("id")] = above
            below = (*above, node.get("id"))
            waiting += [(child, below) for child in node.get("children") or []]
        return parents

    def above(self, component_id: Any) -> Iterator[PageComponent]:
        """The layout blocks around a component, the nearest first."""
        for parent in reversed(self._parents.get(component_id, ())):
            if component := self.component(parent):
                yield component

    def tab(self, component_ids: Sequence[Any]) -> str:
        """The label of the innermost tab that the first of these components lies in."""
        block = self.tab_block(component_ids)
        return self.text(block.props.get("label")) if block else ""

    def tab_block(self, component_ids: Sequence[Any]) -> PageComponent | None:
        """The innermost tab with a label that the first of these components lies in."""
        for component_id in component_ids:
            for block in self.above(component_id):
                if block.type in ("tabitem", "tab") and self.text(block.props.get("label")):
                    return block
        return None

    def hidden(self, component: PageComponent) -> bool:
        """Whether the component itself is not shown."""
        return component.props.get("visible") in (False, "hidden")

    def switched(self, component: PageComponent) -> bool:
        """Whether the page may show or hide it when something in its form changes."""
        return any(
            component.id in event.outputs
            and {name for _, name in event.targets} & {"change", "input", "select", "release"}
            for event in self.events
        )

    def aside(self, component: PageComponent) -> bool:
        """Whether the page does not show it at first: in a hidden or folded block."""
        return any(
            block.props.get("visible") in (False, "hidden")
            if block.type not in ("accordion", "sidebar")
            else block.props.get("open") is False or block.props.get("visible") is False
            for block in self.above(component.id)
        )


def stem(api_name: str) -> str:
    """The API name without the slash and the `_1` that Gradio adds to a repeated name."""
    return _NUMBERED.sub("", api_name.strip("/"))


def _component(raw: Mapping[str, Any]) -> PageComponent:
    kind = str(raw.get("type") or (raw.get("props") or {}).get("name") or "").lower()
    skipped = bool(raw.get("skip_api", kind in ("state", "button")))
    return PageComponent(raw["id"], kind, raw.get("props") or {}, skipped)


def _with_changes(part: PageComponent, changes: Mapping[str, Any] | None) -> PageComponent:
    kept = {
        key: value
        for key, value in (changes or {}).items()
        if key in _CHANGEABLE_PROPS and isinstance(value, _CHANGEABLE_PROPS[key])
    }
    return replace(part, props={**part.props, **kept}) if kept else part


def _run_condition(raw: Mapping[str, Any]) -> str:
    if raw.get("trigger_only_on_failure"):
        return "failure"
    return "success" if raw.get("trigger_only_on_success") else ""


def _event(index: int, raw: Mapping[str, Any]) -> Dependency:
    types = raw.get("types") or {}
    return Dependency(
        id=raw.get("id", index),
        api_name=str(raw.get("api_name") or "").strip("/"),
        targets=tuple((target, str(name or "")) for target, name in raw.get("targets") or ()),
        inputs=tuple(raw.get("inputs") or ()),
        outputs=tuple(raw.get("outputs") or ()),
        after=raw.get("trigger_after"),
        when=_run_condition(raw),
        pointed=bool(raw.get("collects_event_data")),
        streams=bool(types.get("generator") or types.get("continuous")),
        cancels=bool(types.get("cancel") or raw.get("cancels")),
        live=raw.get("connection") == "stream",
        raw=raw,
    )
