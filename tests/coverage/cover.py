"""One demo: each of its endpoints called directly and through the bot, and compared."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import hashlib
import logging
import tempfile
import time
from collections.abc import Coroutine, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from gradio_client import Client

from spacebot.models import Endpoint, Option
from tests.coverage.compare import BROUGHT, Answer, difference, is_brought, paths
from tests.coverage.demos import NoStart, Nursery, running
from tests.coverage.person import Person, person_at
from tests.coverage.values import UNTYPED, Media, direct, typed

CALL = 20.0
DEMO = 240.0
# A coin shows both sides in so many throws.
AGAIN = 8

_nursery: Nursery | None = None
_media: Media | None = None


@dataclass
class Called:
    """One endpoint, called both ways.

    `excluded` is why it gives no command (it was then asked for by name), `failed`
    why a direct call cannot call it, `why` how the answer in Discord differs.
    """

    api_name: str
    command: str = ""
    excluded: str = ""
    failed: str = ""
    random: bool = False
    why: str = ""
    told: str = ""
    seconds: float = 0.0


@dataclass
class Covered:
    """One demo: why it does not start here, or its endpoints."""

    name: str
    problem: str = ""
    endpoints: list[Called] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Values:
    """The same values twice: for gradio_client by parameter, for a person by option."""

    direct: dict[str, Any]
    arguments: dict[str, Any]


def begin(python: str) -> None:
    """Start the nursery that this worker process takes its demos from."""
    global _nursery, _media
    logging.disable(logging.CRITICAL)
    _nursery = Nursery(python)
    atexit.register(_nursery.close)
    folder = tempfile.TemporaryDirectory(prefix="coverage-media-")
    atexit.register(folder.cleanup)
    _media = Media(Path(folder.name))


def cover(demo: Path) -> dict[str, Any]:
    """Start a demo and call each of its endpoints, both ways."""
    assert _nursery is not None
    began = time.monotonic()
    covered = Covered(demo.name)
    try:
        with running(_nursery, demo) as url:
            _run(asyncio.wait_for(_cover(url, covered), DEMO))
    except NoStart as reason:
        covered.problem = str(reason)
    except Exception as error:
        covered.problem = f"{type(error).__name__}: {error}"
    covered.seconds = time.monotonic() - began
    return asdict(covered)


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run it as `asyncio.run` does, but wait at most 5 s for leftover tasks."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=5))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _cover(url: str, covered: Covered) -> None:
    assert _media is not None
    with tempfile.TemporaryDirectory(prefix=BROUGHT) as temporary:
        folder = Path(temporary)
        first = await asyncio.to_thread(_client, url, folder)
        api: Any = first.view_api(return_format="dict", print_info=False)
        named = api["named_endpoints"]
        if not named:
            covered.problem = "it has no endpoint that can be called by name"
            return
        async with person_at(url, folder) as person:
            for api_name, info in named.items():
                caller = Caller(url, folder, person, _media, first.config)
                began = time.monotonic()
                called = await caller.call(api_name, info)
                called.seconds = round(time.monotonic() - began, 2)
                covered.endpoints.append(called)


def _client(url: str, folder: Path) -> Client:
    # Without TLS, no request has to build an SSL context.
    return Client(
        url,
        verbose=False,
        download_files=str(folder),
        analytics_enabled=False,
        ssl_verify=False,
    )


@dataclass
class Caller:
    """Calls the endpoints of one demo."""

    url: str
    folder: Path
    person: Person
    media: Media
    config: Mapping[str, Any]

    async def call(self, api_name: str, info: Mapping[str, Any]) -> Called:
        """Call one endpoint with its required values, then with every possible value."""
        reasons = {left.api_name: left.reason for left in self.person.space.excluded}
        called = Called(api_name, excluded=reasons.get(api_name, ""))
        found = self.person.find(api_name)
        if found is not None:
            called.command, endpoint = found
            variants = self._variants(info, endpoint)
        else:
            variants = [Values(self._needed(info), {})]
        for values in variants:
            await self._compare(called, info, values, found is not None)
            if called.why or called.failed:
                break
        return called

    async def _compare(
        self, called: Called, info: Mapping[str, Any], values: Values, offered: bool
    ) -> None:
        try:
            wanted = await self._direct(called.api_name, values.direct)
        except Exception as error:
            called.failed = f"{type(error).__name__}: {error}"[:200]
            return
        if not offered:
            called.why = "it has no command"
            return
        try:
            answer = await self.person.ask(called.command, values.arguments, CALL + 10)
        except TimeoutError as error:
            called.why = str(error)
            return
        called.why = self._difference(info, wanted, answer)
        if called.why and (how := await self._randomness(called.api_name, values, wanted)):
            called.random = True
            called.why = "" if how == "raises" and answer.failed else _unlike(wanted, answer)
        called.told = "\n".join(answer.texts)[:600] if called.why else ""

    async def _randomness(
        self, api_name: str, values: Values, wanted: list[Any]
    ) -> Literal["", "differs", "raises"]:
        """Whether direct calls with the same values differ each time, or fail."""
        how: Literal["", "differs"] = ""
        began, before = time.monotonic(), _mark(wanted)
        for _ in range(AGAIN):
            try:
                if _mark(await self._direct(api_name, values.direct)) != before:
                    how = "differs"
            except Exception:
                return "raises"
            if time.monotonic() - began > CALL:
                break
        return how

    def _difference(self, info: Mapping[str, Any], wanted: list[Any], answer: Answer) -> str:
        if answer.failed:
            return f"the bot says: {answer.failed[:150]}"
        choices = _choices(self.config)
        for described, value in zip(info["returns"], wanted, strict=False):
            component = str(described["component"]).lower()
            if why := difference(component, value, answer, choices):
                return f"{component}: {why}"
        return ""

    async def _direct(self, api_name: str, values: Mapping[str, Any]) -> list[Any]:
        return await asyncio.to_thread(self._predict, api_name, values)

    def _predict(self, api_name: str, values: Mapping[str, Any]) -> list[Any]:
        client = _client(self.url, self.folder)
        job = client.submit(api_name=api_name, **values)
        try:
            result = job.result(timeout=CALL)
        except concurrent.futures.TimeoutError as error:
            job.cancel()
            raise TimeoutError(f"takes longer than {CALL:.0f} s") from error
        return list(result) if isinstance(result, tuple) else [result]

    def _needed(self, info: Mapping[str, Any]) -> dict[str, Any]:
        return {
            raw["parameter_name"]: direct(raw, self._props(raw), self.media)
            for raw in info["parameters"]
            if not raw["parameter_has_default"]
        }

    def _variants(self, info: Mapping[str, Any], endpoint: Endpoint) -> list[Values]:
        """The required values; and all values, if that is more."""
        there = self.person.options(endpoint)
        needed = self._values(info, endpoint, there, everything=False)
        everything = self._values(info, endpoint, there, everything=True)
        return [needed] if needed == everything else [needed, everything]

    def _values(
        self,
        info: Mapping[str, Any],
        endpoint: Endpoint,
        there: Mapping[str, list[Option]],
        *,
        everything: bool,
    ) -> Values:
        parameters = {parameter.name: parameter for parameter in endpoint.parameters}
        values = Values({}, {})
        for raw in info["parameters"]:
            name, has_default = raw["parameter_name"], raw["parameter_has_default"]
            own = there.get(name, [])
            asked = any(option.required for option in own)
            if has_default and not (asked or (everything and own)):
                continue
            value = raw["parameter_default"] if has_default else None
            if value in UNTYPED or _holds_path(value):
                value = direct(raw, self._props(raw), self.media)
            if not own and name in endpoint.constants:
                value = endpoint.constants[name]
            elif not own and name in parameters:
                value = parameters[name].default
            values.direct[name] = value
            if name in parameters:
                values.arguments.update(typed(parameters[name], own, value))
        return values

    def _props(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        """The properties of the parameter's most likely component."""
        kind = str(raw.get("component") or "").lower()
        alike = [c["props"] for c in self.config["components"] if c["type"] == kind]
        same = [props for props in alike if props.get("label") == raw.get("label")]
        return next(iter(same or alike), {})


def _holds_path(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "path" in value or any(map(_holds_path, value.values()))
    return isinstance(value, list) and any(map(_holds_path, value))


def _choices(config: Mapping[str, Any]) -> dict[Any, str]:
    """The label of each choice anywhere in the app."""
    found: dict[Any, str] = {}
    for component in config["components"]:
        for choice in component["props"].get("choices") or ():
            if isinstance(choice, list) and len(choice) == 2 and _hashable(choice[1]):
                found.setdefault(choice[1], str(choice[0]))
    return found


def _hashable(value: Any) -> bool:
    return isinstance(value, str | int | float | None)


def _mark(value: Any) -> Any:
    """A value with the contents of its files in place of their paths."""
    if is_brought(value):
        return hashlib.sha256(Path(value).read_bytes()).hexdigest()
    if isinstance(value, Mapping):
        return {key: _mark(one) for key, one in value.items()}
    return list(map(_mark, value)) if isinstance(value, list | tuple) else value


def _unlike(wanted: list[Any], answer: Answer) -> str:
    """If an endpoint's results differ each time, only their shape can be compared."""
    if answer.failed:
        return f"the bot says: {answer.failed[:150]}"
    files = len(list(paths(wanted)))
    if files > len(answer.files):
        return f"{files} files are wanted, {len(answer.files)} came"
    return "" if files or any(answer.texts) else "nothing came"
