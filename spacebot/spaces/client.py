"""gradio_client's `Client`, without what a bot of many users cannot afford.

What is replaced here, and only here: the state of the Space is asked by
`connection`, with a deadline (the stock client polls a building Space for ever);
joining the queue does not start a reader thread; no telemetry. Tests fail when a
new gradio_client changes what is replaced.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urljoin

import httpx
from gradio_client import Client, utils
from gradio_client.client import Endpoint

from spacebot.models import Theirs
from spacebot.spaces.network import Network

# Joining is a small request; an upload may be large and the Space far away.
TIMEOUT = httpx.Timeout(60, connect=10)
# Watched on the event loop, by `watch`; every other protocol takes the stock path.
WATCHED = "sse_v3"


class SpaceClient(Client):
    """One connection to a Space. Its sessions are only names (see `join`)."""

    def __init__(
        self,
        network: Network,
        src: str,
        *,
        host: str | None,
        token: str | None,
        wanted: Collection[str] = (),
    ) -> None:
        """Connect, blocking: a few HTTP calls, each within `TIMEOUT`.

        `host` is the address of a Space on the Hub, as the Hub gave it. Without
        a `token` none is sent, not even one saved on this machine. `wanted` names
        endpoints to describe although their author keeps them out of the API page.
        """
        self._host = host
        self._wanted = frozenset(wanted)
        self.http = httpx.Client(verify=network.tls, timeout=TIMEOUT)
        super().__init__(
            src,
            token=token or False,  # type: ignore[arg-type]  # None would mean a saved one
            verbose=False,
            httpx_kwargs={"timeout": TIMEOUT},
            ssl_verify=network.tls,  # type: ignore[arg-type]  # handed on to httpx's verify
            download_files=False,
            analytics_enabled=False,
        )
        # Those of the first answer: a Space of several replicas finds the right one by them.
        self.http.cookies.update(self.cookies)

    def close(self) -> None:
        """Give back the connections; the stock client's threads were never started."""
        super().close()
        self.http.close()

    def _space_name_to_src(self, space: str) -> str | None:  # noqa: ARG002
        return self._host

    def _get_space_state(self) -> None:
        return None

    def _telemetry_thread(self) -> None:
        return None

    def _get_config(self) -> dict[str, Any]:
        # The heartbeat is a thread and a connection for as long as the client lives;
        # sessions here end by themselves.
        return {**super()._get_config(), "connect_heartbeat": False}

    def _get_api_info(self) -> dict[str, Any]:
        info: dict[str, Any] = super()._get_api_info()
        missing = self._wanted - info["named_endpoints"].keys()
        if missing:
            address = urljoin(self.src_prefixed, utils.API_INFO_URL)
            response = self.http.get(address, headers=headers(self))
            every = response.json()["named_endpoints"] if response.is_success else {}
            info["named_endpoints"] |= {name: every[name] for name in missing & every.keys()}
        return info

    def fn_index(self, api_name: str) -> int:
        """The index of a named endpoint; `ValueError` where the Space has none."""
        for index, endpoint in self.endpoints.items():
            if endpoint.api_name == api_name and endpoint.is_valid:
                return index
        raise ValueError(f"no endpoint {api_name}")

    def arguments(self, index: int, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Values by parameter name → the arguments in order, files uploaded, states empty.

        An upload blocks: where there is one (`uploads`), call it in an executor.
        """
        endpoint: Endpoint = self.endpoints[index]
        names = [info["parameter_name"] for info in endpoint.parameters_info or []]
        given = tuple(values.get(name) for name in names)
        sent = endpoint.process_input_files(*endpoint.insert_empty_state(*given))
        # What the Space itself returned goes back as it is. Unwrapped only now, since the
        # stock client uploads whatever path a file names, from this machine.
        return tuple(map(_unwrapped, sent))


def uploads(value: Any) -> bool:
    """Whether there is a file to upload anywhere in a value."""
    if isinstance(value, Mapping):
        return utils.is_file_obj_with_meta(value) or any(map(uploads, value.values()))
    return isinstance(value, list | tuple) and any(map(uploads, value))


def _unwrapped(value: Any) -> Any:
    """A value with what the Space itself returned, wherever that stands in it."""
    if isinstance(value, Theirs):
        return value.value
    if isinstance(value, list):
        return list(map(_unwrapped, value))
    return value


def headers(client: SpaceClient) -> dict[str, str]:
    """The headers that the Space is sent: authorization and cookies included."""
    if not client.cookies:
        return client.headers
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return {**client.headers, "Cookie": cookies}
