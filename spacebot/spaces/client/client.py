"""gradio_client's `Client`, without what a bot with many users cannot afford.

Replaced here, and only here: `connection` asks for the Space's state, with a deadline (the stock
client polls a building Space for ever); joining the queue starts no reader thread; only an `Upload`
opens a file; requests share pooled connections; no telemetry. Tests fail when a new gradio_client
changes what is replaced.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin

import httpx
from gradio_client import Client, utils
from gradio_client.client import Endpoint, Job
from gradio_client.exceptions import AuthenticationError

from spacebot.errors import EndpointGone, SpaceUnavailable, SpaceUnreadable, ValuesRejected
from spacebot.models import Upload
from spacebot.spaces.client.files.uploads import META, inline_file, open_upload, with_uploads
from spacebot.spaces.client.json_endpoint import only_json
from spacebot.spaces.client.legacy.describe import (
    LEGACY_PROTOCOL,
    embedded_config,
    present_config,
    present_info,
)
from spacebot.spaces.client.legacy.values import as_described, payload
from spacebot.spaces.client.page.chain_steps import with_step_names, with_steps
from spacebot.spaces.client.transport.bounded_reading import BoundedTransport, parse_json
from spacebot.spaces.client.transport.login import LOGIN_NEEDED, cookies, log_in
from spacebot.spaces.client.transport.network import KEEP_ALIVE_SECONDS, Network
from spacebot.spaces.client.validation_messages import validation_message
from spacebot.spaces.outputs.text import code

# Joining is a small request; an upload may be large and the Space far away.
HTTP_TIMEOUT = httpx.Timeout(60, connect=10)
# `watch` handles these on the event loop; the first protocol takes the stock path.
WATCHED_PROTOCOLS = frozenset(("sse_v1", "sse_v2", "sse_v2.1", "sse_v3"))
LEADS_AWAY = (
    "The Space sends its users to another address, which this bot does not follow. "
    "Ask the Space's author to fix this."
)


class NotQueued(Exception):
    """The job never reached the Space's queue: `__cause__` says why."""


class SubmitAbandoned(Exception):
    """The caller gave up before the job was sent."""


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job in a Space's queue, by its event id."""

    event_id: str


@dataclass(frozen=True, slots=True)
class LegacyJob:
    """A job for a Space of Gradio 3, which asks for the values, as JSON, at the job's turn."""

    body: str


@dataclass(frozen=True, slots=True)
class StockJob:
    """A job that the stock client sends and reads in its own threads."""

    client: StockSession
    job: Job


class SpaceClient(Client):
    """One connection to a Space. Its sessions are only names (see `submit`)."""

    def __init__(
        self,
        network: Network,
        src: str,
        *,
        host: str | None,
        token: str | None,
        auth: tuple[str, str] | None = None,
        wanted: Collection[str] = (),
    ) -> None:
        """Connect, blocking: a few HTTP calls, each within `HTTP_TIMEOUT`.

        `host` is the address of a Space on the Hub, as the Hub reports it. Without a `token` none
        is sent, not even one saved on this machine. `auth` is the user name and password for an app
        that asks for them. `wanted` names endpoints to describe although their author hides them
        from the API page.
        """
        self._host = host
        self._wanted = frozenset(wanted)
        limits = httpx.Limits(keepalive_expiry=KEEP_ALIVE_SECONDS)
        transport = BoundedTransport(verify=network.tls, limits=limits)
        self.http = httpx.Client(transport=transport, timeout=HTTP_TIMEOUT)
        # Only the cookies of the first answer are sent (`request_headers`): a Space with several
        # replicas routes by them. Later cookies may belong to one member.
        self.http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        try:
            super().__init__(
                src,
                token=token or False,  # type: ignore[arg-type]  # None would mean a saved one
                verbose=False,
                auth=auth,
                httpx_kwargs={"timeout": HTTP_TIMEOUT},
                ssl_verify=network.tls,  # type: ignore[arg-type]  # handed on to httpx's verify
                download_files=False,
                analytics_enabled=False,
            )
        except BaseException:
            self.http.close()
            raise
        only_json(self)

    def close(self) -> None:
        """Release the connections; the stock client's threads were never started."""
        super().close()
        self.http.close()

    def _space_name_to_src(self, space: str) -> str | None:  # noqa: ARG002
        return self._host

    def _get_space_state(self) -> None:
        return None

    def _telemetry_thread(self) -> None:
        return None

    def _login(self, auth: tuple[str, str]) -> None:
        self.cookies = log_in(self.http, self.src, self.headers, auth)

    def _get_config(self) -> dict[str, Any]:
        # The heartbeat would hold a thread and a connection for as long as the client lives;
        # sessions here end by themselves.
        present = with_step_names(present_config(self._fetch_config()))
        config = {**present, "connect_heartbeat": False}
        # The login must stay private: the description is stored and shown.
        config.pop("username", None)
        return config

    def _get_api_info(self) -> dict[str, Any]:
        # The first request after /config, which determines every other address.
        self._check_prefix()
        if self.protocol == LEGACY_PROTOCOL:
            return present_info(self.config, None)
        info = present_info(self.config, self._fetch_info())
        missing = self._wanted - info["named_endpoints"].keys()
        if missing:
            address = urljoin(self.src_prefixed, utils.API_INFO_URL)
            response = self.http.get(address, headers=request_headers(self))
            every = _object(parse_json(response.content)) if response.is_success else {}
            every = _object(every.get("named_endpoints", {}))
            info["named_endpoints"] |= {name: every[name] for name in missing & every.keys()}
        return with_steps(self.config, info)

    def _check_prefix(self) -> None:
        """Reject an `api_prefix` that leads elsewhere: the token and all requests
        would follow it."""
        if not self.src_prefixed.startswith(self.src.rstrip("/") + "/"):
            raise SpaceUnavailable(LEADS_AWAY).for_good()

    def _fetch_config(self) -> dict[str, Any]:
        """The same as gradio_client's `_get_config`, read within limits."""
        response = self.http.get(urljoin(self.src, utils.CONFIG_URL), headers=request_headers(self))
        match response.status_code:
            case 401:
                raise AuthenticationError(LOGIN_NEEDED)
            case 429:
                response.raise_for_status()
            case status if status >= 400:
                return self._page_config()
        self.cookies |= cookies(response)
        return _object(parse_json(response.content))

    def _page_config(self) -> dict[str, Any]:
        # Old versions of Gradio have it only in their page.
        page = self.http.get(self.src, headers=request_headers(self))
        if page.is_server_error or page.status_code == 429:
            page.raise_for_status()
        return _object(parse_json(embedded_config(page.text).encode()))

    def _fetch_info(self) -> dict[str, Any]:
        """The same as gradio_client's `_get_api_info`, read within limits."""
        address = urljoin(self.src_prefixed, utils.RAW_API_INFO_URL)
        response = self.http.get(address, headers=request_headers(self)).raise_for_status()
        info = _object(parse_json(response.content))
        for group in ("named_endpoints", "unnamed_endpoints"):
            every = _object(info[group]).items()
            info[group] = {name: one for name, one in every if _is_shown(one)}
        return info

    def index(self, api_name: str) -> int:
        """The number of an endpoint; raises `EndpointGone` if the Space no longer has it."""
        try:
            return self.fn_index(api_name)
        except ValueError as error:
            raise EndpointGone(
                f"The Space no longer has {code(api_name)}: it was changed. "
                "Look at its other commands."
            ) from error

    def fn_index(self, api_name: str) -> int:
        """The index of a named endpoint; `ValueError` if the Space has none."""
        for index, endpoint in self.endpoints.items():
            if endpoint.api_name == api_name and endpoint.is_valid:
                return index
        raise ValueError(f"no endpoint {api_name}")

    def takes(self, indexes: Iterable[int]) -> set[str]:
        """The names of the parameters of these endpoints."""
        found = [self.endpoints[index].parameters_info or [] for index in indexes]
        return {info["parameter_name"] for parameters in found for info in parameters}

    def submit(  # pyright: ignore[reportIncompatibleMethodOverride] - watched, not waited for
        self,
        values: Mapping[str, Any],
        *,
        index: int,
        session: str,
        silence: float,
        left: threading.Event,
    ) -> QueuedJob | LegacyJob | StockJob:
        """Upload the files and join the queue; returns the job to watch.

        Blocking: call it in an executor. `values` are by parameter name. If it fails before the
        Space was asked to run anything, it raises `NotQueued`. Once `left` is set, nothing more is
        sent.
        """
        try:
            data = self.arguments(index, values, left)
        except Exception as error:
            raise NotQueued from error
        if self.protocol in WATCHED_PROTOCOLS:
            return QueuedJob(self._join(index, data, session))
        if self.protocol == LEGACY_PROTOCOL:
            return self.legacy_job(index, data, session)
        client = StockSession(self, session, silence=silence)
        return StockJob(client, client.submit(*data, fn_index=index))

    def legacy_job(self, index: int, data: Sequence[Any], session: str, **about: Any) -> LegacyJob:
        """A call for Gradio 3, serialized: blocking if it is long. Raises `InputError`."""
        parts = {part["id"]: part for part in self.config["components"]}
        inputs = [parts[each] for each in self.endpoints[index].dependency["inputs"]]
        return LegacyJob(payload(data, inputs, fn_index=index, session_hash=session, **about))

    def arguments(
        self, index: int, values: Mapping[str, Any], left: threading.Event
    ) -> tuple[Any, ...]:
        """Values by parameter name → the arguments in order, with files uploaded
        and states empty."""
        endpoint: Endpoint = self.endpoints[index]
        values = _with_repeated(endpoint, values)
        sent: list[Any] = []
        for info in endpoint.parameters_info or []:

            def upload(one: Upload, component: str = info["component"]) -> dict[str, Any]:
                _check_wanted(left)
                return self._upload(one, component)

            value = with_uploads(values.get(info["parameter_name"]), upload)
            sent.append(as_described(value, info.get("type")))
        data = endpoint.insert_empty_state(*sent)
        _check_wanted(left)
        return data

    def uploaded(self, value: Any, part: Any, component: str) -> Any:
        """A component's value (by its id and kind) with its files on the Space; blocking."""
        on_space = with_uploads(value, lambda one: self._upload(one, component))
        found = next((each for each in self.config["components"] if each["id"] == part), {})
        return as_described(on_space, found.get("api_info_as_input", found.get("api_info")))

    def _upload(self, upload: Upload, component: str) -> dict[str, Any]:
        if self.protocol == LEGACY_PROTOCOL and component.lower() == "image":
            # Gradio 3 accepts a picture only within the call.
            return inline_file(upload)
        with open_upload(upload) as file:
            # Gradio derives the file's type from its name.
            files = {"files": (upload.name, file)}
            response = self.http.post(self.upload_url, headers=request_headers(self), files=files)
        if self.protocol == LEGACY_PROTOCOL and response.status_code in (404, 405):
            # Up to 3.16, this address does not exist.
            return inline_file(upload)
        response.raise_for_status()
        match parse_json(response.content):
            case [str(path)]:
                return {"path": path, "orig_name": upload.name, "meta": META}
            case _:
                raise SpaceUnreadable

    def _join(self, index: int, data: tuple[Any, ...], session: str) -> str:
        """Put a job in the Space's queue; returns its event id.

        Raises what gradio_client's `send_data` does. A session is a name under which the Space
        keeps state: it exists once used.
        """
        body = json.dumps({"data": data, "fn_index": index, "session_hash": session})
        kind = {"x-gradio-user": "api", "Content-Type": "application/json"}
        # Redirects are not followed: the headers may contain the owner's token.
        response = self.http.post(
            self.sse_data_url, content=body.encode(), headers={**kind, **request_headers(self)}
        )
        if response.status_code == 503:
            cause = httpx.HTTPStatusError("503", request=response.request, response=response)
            raise utils.QueueError("Queue is full! Please try again.") from cause
        if response.status_code == 422:
            raise ValuesRejected(validation_message(parse_json(response.content)))
        response.raise_for_status()
        event_id = _object(parse_json(response.content)).get("event_id")
        if not isinstance(event_id, str):
            raise SpaceUnreadable
        return event_id


class StockSession(Client):
    """A session of its own on a Space that `base` is connected to, without any request."""

    def __init__(self, base: SpaceClient, session: str, *, silence: float) -> None:
        self._base = base
        # A timeout here would break the first of the sse protocols.
        timeout = {"timeout": httpx.Timeout(60, connect=10, read=silence)}
        super().__init__(
            base.src,
            token=base.token,
            headers=base.headers,
            verbose=False,
            httpx_kwargs={} if base.protocol == "sse" else timeout,
            ssl_verify=base.ssl_verify,
            download_files=False,
            analytics_enabled=False,
            _skip_components=False,
        )
        only_json(self)
        self.space_id = base.space_id
        self.cookies = base.cookies
        self.session_hash = session

    def _get_config(self) -> dict[str, Any]:
        return self._base.config

    def _get_api_info(self) -> dict[str, Any]:
        return self._base._info

    def _telemetry_thread(self) -> None:
        return None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SpaceUnreadable
    return value


def _with_repeated(endpoint: Endpoint, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values, also for the parameters that take the same component as one of them."""
    ids = zip(endpoint.dependency["inputs"], endpoint.input_component_types, strict=True)
    asked = [part for part, kind in ids if not kind.skip]
    names = [info["parameter_name"] for info in endpoint.parameters_info or []]
    if len(asked) != len(names):
        return values
    known = {part: values[name] for name, part in zip(names, asked, strict=True) if name in values}
    more = {name: known[part] for name, part in zip(names, asked, strict=True) if part in known}
    return {**more, **values}


def _is_shown(endpoint: dict[str, Any]) -> bool:
    """Whether a Space's API page shows an endpoint; drops what only that page needs."""
    endpoint.pop("code_snippets", None)
    visibility = endpoint.pop("api_visibility", None)
    if visibility is not None and visibility != "private":
        return True
    return bool(endpoint.pop("show_api", True))


def _check_wanted(left: threading.Event) -> None:
    if left.is_set():
        raise SubmitAbandoned


def request_headers(client: SpaceClient) -> dict[str, str]:
    """The headers sent to the Space, including authorization and cookies."""
    if not client.cookies:
        return client.headers
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return {**client.headers, "Cookie": cookies}
