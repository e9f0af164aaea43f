"""The names and descriptions of endpoints."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from spacebot.models import Source
from spacebot.spaces.schema.app_config import AppConfig, stem
from spacebot.spaces.schema.component_types import name_set
from spacebot.spaces.schema.selection.candidates import Candidate
from spacebot.spaces.schema.selection.endpoint_set import EndpointSet
from spacebot.spaces.schema.text import (
    MAX_DESCRIPTION_LENGTH,
    MAX_NAME_LENGTH,
    UniqueNames,
    first_sentence,
    legal_name,
    plain_text,
    shorten,
    spaced_words,
)

# Function names and button labels that say nothing about what happens.
_SAYS_NOTHING = re.compile(
    r"\W*(\w|lambda|predict(ion)?s?|fn|func|function|f|run|submit|infer(ence)?|main|wrapper|call|"
    r"do|go|start|ok|okay|send|process(ing)?|execute|click|clicked|button|btn|on ?click|handle(r)?|"
    r"(on )?(click|submit|button)( (me|here|handler|button|fn|it))?|inner|decorated|partial|"
    r"test|demo|app|apply|update|foo|bar|my ?(fn|func|function)|(run|do) (it|fn|inference)|"
    r"(call|run|predict) ?\d*|run (the )?(model|demo|app)|api|endpoint|value|unnamed|"
    r"(model )?(predict|inference)|interact|respond to|enter|continue|next|x+|tab|"
    r"mic(rophone)?|webcam|camera|upload|record(ing)?)( \d+)*\W*",
    re.I,
)
# Verbs that name a step, but not which app does it: weak as a command of their own.
_GENERIC = re.compile(
    r"\W*(generate|create|make|compute|calculate|convert|respond|response|reply|answer|bot|user|"
    r"chat|analy[sz]e|load|build|query|ask|solve|render|detect|evaluate|transform)\W*",
    re.I,
)
_LEAD_IN = re.compile(
    r"^(this (function|method|app|endpoint|demo)|it|function (to|that)|a function (to|that)|"
    r"the function|main function|helper( function)? (to|that)|wrapper (for|that|around))\s+",
    re.I,
)
_SMALL = name_set("a an the of for with from to in on and by using given its it that")
_ACRONYMS = name_set("tts stt asr ocr vqa nlp llm ner rag sql svg pdf api")
# Suffixes of functions written for Gradio: `tts_interface`, `chat_fn`.
_FOR_GRADIO = re.compile(
    r"(?<=\S) (interface|fn|func|function|wrapper|handler|demo|endpoint)$", re.I
)
# How descriptions begin that are about the page instead of what it does.
_OF_THE_PAGE = re.compile(
    r"(this( is)?|an?|the|simple|official|unofficial|gradio|live|interactive|online|welcome"
    r"|demo|space|app|interface|playground|built|powered|note|warning|paper|model)\b",
    re.I,
)
_MIN_DESCRIPTION_LENGTH = 12
_COMPONENT_WORDS = {
    "textbox": "text", "markdown": "text", "html": "text", "imageeditor": "image",
    "annotatedimage": "marked image", "imageslider": "two images", "gallery": "images",
    "multimodaltextbox": "message", "chatbot": "chat", "dataframe": "table", "model3d": "3D model",
    "uploadbutton": "file", "downloadbutton": "file", "highlightedtext": "marked text",
    "json": "data", "api": "data", "lineplot": "plot", "barplot": "plot", "scatterplot": "plot",
    "nativeplot": "plot", "colorpicker": "color", "datetime": "time", "checkboxgroup": "choices",
    "radio": "choice", "dropdown": "choice", "slider": "number", "checkbox": "yes or no",
}  # fmt: skip


def says_nothing(name: str) -> bool:
    """Whether a function's name or a button's label says nothing about what it does."""
    words = spaced_words(plain_text(name))
    return not any(map(str.isalpha, words)) or bool(_SAYS_NOTHING.fullmatch(words))


def space_words(source: Source) -> str:
    """The Space's own name: from owner/name the name, from an address its host."""
    if not source.served_at:
        return source.space.rpartition("/")[2]
    host = urlsplit(source.served_at).hostname or ""
    if re.fullmatch(r"[\d.]+|.*:.*|localhost", host):
        return ""
    return host.removeprefix("www.").split(".")[0]


def title_of(app: AppConfig, source: Source) -> str:
    """The app's title, or the Space's name if it has none."""
    own = spaced_words(space_words(source).replace("-", " "))
    return app.title or own or urlsplit(source.served_at).netloc


def command_names(app: AppConfig, source: Source, only: str | None) -> Iterator[str]:
    """Names for the whole Space's command, the best first. `only` is its single endpoint, if it has
    one."""
    if source.name:
        yield source.name
    own = space_words(source)
    wishes = [own, app.title] if not source.served_at else [app.title, own]
    named = [only] if source.endpoint and only else []
    tells = all(not _GENERIC.fullmatch(name) and not says_nothing(name) for name in named)
    yield from filter(None, [*named, *wishes] if tells else [*wishes, *named])


def endpoint_names(
    endpoints: EndpointSet, kept: list[Candidate], title: str, *, taken: Collection[str] = ()
) -> dict[str, str]:
    """A legal name for each endpoint by API name, unique among them and those `taken`.

    They are chosen in the order of the API names, so they stay the same when the app lists its
    endpoints in another order.
    """
    chosen: dict[str, str] = {}
    used = UniqueNames(taken)
    for candidate in sorted(kept, key=lambda c: _natural(c.api_name)):
        wishes = [legal_name(w, " ") for w in _name_candidates(endpoints, candidate, kept, title)]
        free = [wish for wish in wishes if wish and wish not in used]
        chosen[candidate.api_name] = used.add(free[0] if free else wishes[0])
    return chosen


def _natural(name: str) -> tuple[str, int]:
    number = re.search(r"_(\d+)$", name)
    return (name[: number.start()], int(number[1])) if number else (name, 0)


def _name_candidates(
    endpoints: EndpointSet, candidate: Candidate, kept: list[Candidate], title: str
) -> Iterator[str]:
    own = candidate.api_name.strip("/")
    if stem(own) in {c.api_name.strip("/") for c in endpoints.candidates}:
        own = stem(own)
    own = _FOR_GRADIO.sub("", spaced_words(own))
    if not says_nothing(own):
        yield own
    button = endpoints.button(candidate)
    if button and not says_nothing(button) and len(button) <= MAX_NAME_LENGTH:
        yield button
    if words := _key_words(candidate.description):
        yield words
    tab = endpoints.tab(candidate)
    if tab and not says_nothing(tab):
        yield tab
    takes, gives = _kinds(candidate)
    by_kind = f"{takes[0]} to {gives[0]}" if takes and gives else ""
    if len(kept) == 1:
        yield _key_words(title, 4) or title
    if by_kind or gives:
        yield by_kind or gives[0]
    # Its inputs distinguish it from the others of its kind.
    yield from (p.option for p in candidate.inputs.parameters[:1])
    if not (takes or gives):
        yield "run"


def _key_words(text: str, most: int = 3) -> str:
    words = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", _LEAD_IN.sub("", first_sentence(text, 200)))
    telling = [word for word in words if word.lower() not in _SMALL]
    return " ".join(telling[:most])


def describe(app: AppConfig, endpoints: EndpointSet, candidate: Candidate, title: str) -> str:
    """What the endpoint does, in 1–100 characters: its author's words, or its
    inputs and outputs."""
    own = _LEAD_IN.sub("", first_sentence(app.text(candidate.description)))
    own = own if len(own) > 3 else _interface_says(app, candidate)
    if own:
        return own[0].upper() + own[1:]
    if endpoints.chats(candidate):
        chat = title if title.lower().startswith("chat") else f"Chat with {title}"
        return shorten(chat[0].upper() + chat[1:])
    takes, gives = _required_labels(candidate), _kinds(candidate)[1]
    flow = " → ".join(filter(None, (_listed(takes), _listed(list(dict.fromkeys(gives))))))
    action = _action(endpoints, candidate)
    head = action if action and action.lower() not in flow.lower() else title
    whole = f"{head}: {flow}" if flow and head.lower() not in flow.lower() else flow or head
    text = whole if len(whole) <= MAX_DESCRIPTION_LENGTH else flow or head
    return shorten(text[:1].upper() + text[1:])


def _interface_says(app: AppConfig, candidate: Candidate) -> str:
    """What a gr.Interface's description says that it does, or nothing."""
    event = candidate.event
    block = app.tab_block((*event.outputs, *event.inputs)) if event else None
    if "interface" not in str(app.config.get("mode")):
        return ""
    for text, _ in app.written(block.id if block else None):
        if not re.match(r"\s*(<h\d|#)", text):
            said = first_sentence(app.text(text), MAX_DESCRIPTION_LENGTH + 1)
            fits = _MIN_DESCRIPTION_LENGTH < len(said) <= MAX_DESCRIPTION_LENGTH
            return said if fits and not _OF_THE_PAGE.match(said) and "://" not in said else ""
    return ""


def _action(endpoints: EndpointSet, candidate: Candidate) -> str:
    """The author's name for it: on the button, in the code, or on its tab."""
    name, tab = _FOR_GRADIO.sub("", spaced_words(candidate.stem)), endpoints.tab(candidate)
    wishes = [
        w for w in (endpoints.button(candidate), name, tab) if not says_nothing(w) and "/" not in w
    ]
    action = next((wish.rstrip(" .:!") for wish in wishes if len(wish) < 40), "")
    return action.upper() if action.lower() in _ACRONYMS else action


def _required_labels(candidate: Candidate) -> list[str]:
    """The required inputs, by the author's labels if they are short."""
    parameters = candidate.inputs.parameters
    main = [p for p in parameters if p.required] or list(parameters[:2])
    return [spaced_words(p.option.replace("-", " ")) for p in main]


def _kinds(candidate: Candidate) -> tuple[list[str], list[str]]:
    parameters = candidate.inputs.parameters
    main = [p for p in parameters if p.required] or list(parameters)
    shown = candidate.results
    takes = [_COMPONENT_WORDS.get(p.component, p.component) for p in main]
    return takes, [_COMPONENT_WORDS.get(o.component, o.component) for o in shown]


def _listed(words: list[str]) -> str:
    if len(words) > 3:
        return f"{', '.join(words[:2])} and more"
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
