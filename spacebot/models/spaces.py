"""Values for Spaces: what an owner wrote, what a Space describes, what a person fills in."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")


class Memo:
    """Caches what is computed from a frozen value; not compared, replaced or pickled."""

    __slots__ = ("_memo",)

    def memo(self, work: Callable[[Self], T]) -> T:
        """The result of `work` for this value, computed once."""
        if not hasattr(self, "_memo"):
            object.__setattr__(self, "_memo", {})
        known: dict[Any, T] = self._memo
        if work not in known:
            known[work] = work(self)
        return known[work]


class AnswerPlace(enum.StrEnum):
    """Where the answer of a command goes."""

    CHANNEL = "channel"
    THREAD = "thread"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A button under a result that calls another endpoint of the same Space.

    `endpoint` is an API name with its slash. `take` says where a parameter's value
    comes from: a number is an output of the result, counted from 0 as in the API,
    hidden outputs included; "0[2]" is the third item of the first output, and
    "0[index]" the item with the button's number; any other text is a parameter of the
    result's job or of a job before it. `each` is the number of buttons; `index` names
    the parameter that gets 0 for the first button, 1 for the second … `of` is the
    output that they number: there are at most as many buttons as it has items.
    """

    label: str
    endpoint: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    take: Mapping[str, int | str] = field(default_factory=dict)
    index: str | None = None
    each: int = 1
    then: tuple[FollowUp, ...] = ()
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of SPACES or COMMANDS: a Space, and how it is offered.

    `space` is `owner/name` or an http(s) address without a trailing slash, and the storage key of
    everything about the Space. If it is only a name, `address` says where the Space is served this
    time. `auth` is the user name and password that the app asks for; it is never shown or stored.
    `endpoint` is an API name with its slash, or None for all endpoints of the Space; without an
    `answer`, the result goes where its outputs fit best. `nsfw` restricts the Space to
    age-restricted channels, whatever the Hub says.
    """

    space: str
    endpoint: str | None = None
    name: str | None = None
    description: str | None = None
    fixed: Mapping[str, Any] = field(default_factory=dict)
    answer: AnswerPlace | None = None
    repeatable: bool = False
    then: tuple[FollowUp, ...] = ()
    address: str = ""
    auth: tuple[str, str] | None = field(default=None, repr=False)
    nsfw: bool = False

    @property
    def served_at(self) -> str:
        """The http(s) address of the Space; empty for one on the Hub, which knows its address."""
        named = self.space.startswith(("http://", "https://"))
        return self.address or (self.space if named else "")

    @property
    def url(self) -> str:
        """The address of its page, for people; empty if they cannot open it."""
        if self.address:
            return ""
        if self.served_at:
            parts = urlsplit(self.served_at)
            return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return f"https://huggingface.co/spaces/{self.space}"


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: what a person reads, and what the Space receives."""

    label: str
    value: Any


@dataclass(frozen=True, slots=True)
class Parameter(Memo):
    """One input of an endpoint, as the Space describes it.

    `component` is Gradio's component type in lower case ("slider", "image"); it
    is the key into `inputs.INPUTS`. `required` says that the Space needs a value
    and has no default; otherwise `default` (JSON) is sent if the user leaves it out.
    `live` says that its choices or bounds can change with the values of others.
    `bare` says that it may be left empty, although the Space's API calls it required.
    `loaded` says that a load event of the page sets its default, which can differ by session.
    """

    name: str
    label: str
    component: str
    option: str = ""
    description: str = ""
    required: bool = False
    bare: bool = False
    default: Any = None
    choices: tuple[Choice, ...] = ()
    custom: bool = False
    multiple: bool = False
    max_items: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    precision: int | None = None
    max_length: int | None = None
    lines: int = 1
    secret: bool = False
    file_types: tuple[str, ...] = ()
    live: bool = False
    loaded: bool = False
    props: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Output:
    """One value that an endpoint returns. `component` is the key into `outputs.RENDERERS`."""

    label: str
    component: str
    props: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EndpointStep:
    """A call before or after an endpoint's own, in the same session, as on the Space's page.

    `takes` says which of the job's values each of its parameters gets, `gives` which value each of
    its outputs becomes, `shows` which of its outputs belong to the result; outputs are counted from
    0 as in the API. If it fails, `failing` is called instead (`.failure`); `goes_on` says that the
    next call follows even then (`.then`). A step after the endpoint's call runs only if the
    endpoints that it `needs` have not failed; `overwrites` says which of its outputs replace which
    earlier values, counted from the endpoint's own outputs on. A step that an upload triggers runs
    only if that value, `given`, was filled in.
    """

    api_name: str
    takes: Mapping[str, str] = field(default_factory=dict)
    gives: Mapping[int, str] = field(default_factory=dict)
    shows: tuple[int, ...] = ()
    failing: tuple[EndpointStep, ...] = ()
    goes_on: bool = False
    needs: frozenset[str] = frozenset()
    overwrites: Mapping[int, int] = field(default_factory=dict)
    given: str = ""


@dataclass(frozen=True, slots=True)
class ExcludedEndpoint:
    """An endpoint without a command, or an event that does not run, and why, in words."""

    api_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class PageEvent:
    """An event of a Space's page that sets inputs of an endpoint, as a person's browser runs it.

    `index` is Gradio's number of it; `on` what triggers it, as (component id, event name); `takes`
    and `gives` are component ids. `after` is the index of the event whose end triggers it, with
    `when` "success" or "failure" if it must end so. `queued` events go through the Space's queue;
    `pointed` ones are told what was selected. `constant` holds the values that its JavaScript
    returns, if that is all it does; no function runs then. `label` says what it does, in words for
    the owner.
    """

    index: int
    label: str
    on: tuple[tuple[Any, str], ...] = ()
    takes: tuple[Any, ...] = ()
    gives: tuple[Any, ...] = ()
    after: int | None = None
    when: str = ""
    queued: bool = True
    pointed: bool = False
    constant: tuple[Any, ...] | None = None

    @property
    def on_load(self) -> bool:
        """Whether it runs when the page opens."""
        return any(name == "load" for _, name in self.on)


@dataclass(frozen=True, slots=True)
class PageLogic:
    """The part of a Space's page that determines the inputs of an endpoint.

    `fields` are the component ids of the parameters, by name, in the order in which a person would
    fill them in; `start` the values of components before anything runs. `late` names the parameters
    that an event can set: their values are read after it ran. `depends` names, for a parameter, the
    ones that determine it. `opens` are the tabs that a person opens first. `presses` are the
    indexes of events that the button runs last, before the endpoint. `excluded` says which events
    do not run, and why.
    """

    events: tuple[PageEvent, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    start: Mapping[Any, Any] = field(default_factory=dict)
    late: frozenset[str] = frozenset()
    depends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    opens: tuple[Any, ...] = ()
    presses: tuple[int, ...] = ()
    excluded: tuple[ExcludedEndpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class DeferredValue:
    """A person's values for a parameter, by option name, before its choices are known."""

    parameter: Parameter
    own: Mapping[str, Any]


# The `api_visibility` of a chain's step that an app's API leaves out and its page runs.
CHAIN_STEP = "step"


@dataclass(frozen=True, slots=True)
class Endpoint(Memo):
    """One function of a Space that a person can call.

    `constants` are the parameters that are sent without being asked for. `name` is legal for
    Discord and unique in its Space. `stateful` endpoints store something on the Space by session
    (gr.State, a chat's history); `streams` ones yield partial results. `takes_history` names the
    chatbot parameter, and `chats` says that it answers messages, one after the other. `before` is
    called first, `failing` if the endpoint fails, `after` at the end; what these steps show follows
    its own outputs. `gives` says which values its own outputs become for the steps `after`. A
    `further` one has no subcommand of its own: `/name more` offers it. `page` says what the Space's
    page does before all that. An `nsfw` one runs only in age-restricted channels. `hub_id`
    identifies the Space on the Hub whatever its name.
    """

    space: str
    api_name: str
    name: str
    description: str
    parameters: tuple[Parameter, ...] = ()
    outputs: tuple[Output, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    streams: bool = False
    stateful: bool = False
    takes_history: str | None = None
    chats: bool = False
    answer: AnswerPlace = AnswerPlace.CHANNEL
    repeatable: bool = False
    max_file_size: int | None = None
    then: tuple[FollowUp, ...] = ()
    before: tuple[EndpointStep, ...] = ()
    failing: tuple[EndpointStep, ...] = ()
    after: tuple[EndpointStep, ...] = ()
    gives: Mapping[int, str] = field(default_factory=dict)
    further: bool = False
    page: PageLogic | None = None
    nsfw: bool = False
    hub_id: str = ""


@dataclass(frozen=True, slots=True)
class Space:
    """A Space as commands see it: one command `name`, with its endpoints.

    One endpoint becomes `/name`, several become `/name endpoint`, those beyond Discord's limit
    `/name more endpoint:…`. `opening` holds the events that run when the Space's page opens, as far
    as its commands depend on them. `ranking` lists the endpoints' API names, the likeliest to be
    wanted first.
    """

    source: Source
    name: str
    title: str
    endpoints: tuple[Endpoint, ...] = ()
    excluded: tuple[ExcludedEndpoint, ...] = ()
    opening: PageLogic | None = None
    ranking: tuple[str, ...] = ()

    @property
    def nsfw(self) -> bool:
        """Whether its commands are age-restricted."""
        return any(endpoint.nsfw for endpoint in self.endpoints)

    @property
    def hub_id(self) -> str:
        """Its id on the Hub, which survives a rename; empty if unknown."""
        return self.endpoints[0].hub_id if self.endpoints else ""


class OptionType(enum.StrEnum):
    """What kind of value Discord asks for."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ATTACHMENT = "attachment"


@dataclass(frozen=True, slots=True)
class Option:
    """One field that a person fills in: an option of a slash command, or a field of a form.

    Within Discord's limits: `name` 1–32 characters of a legal command name,
    `description` 1–100, at most 25 `choices` of 1–100 characters each. A
    parameter may need several (three files are three attachments); `parameter`
    names the one it belongs to. A choice's `value` here is what Discord returns:
    a string, an int or a float, according to `type`.
    """

    name: str
    description: str
    type: OptionType
    parameter: str
    label: str = ""
    required: bool = False
    default: Any = None
    choices: tuple[Choice, ...] = ()
    autocomplete: bool = False
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    long: bool = False
    secret: bool = False
    file_types: tuple[str, ...] = ()
