"""An endpoint of gradio_client that never opens a file of this machine."""

from __future__ import annotations

from typing import Any, NoReturn

import httpx
from gradio_client import Client, utils
from gradio_client.client import Endpoint

from spacebot.spaces.client.transport.bounded_reading import BoundedTransport


class JsonEndpoint(Endpoint):
    """An endpoint of gradio_client that takes values unchanged, and opens no file.

    The stock endpoint uploads whatever path a value names: a Space could name any file here.
    """

    def process_input_files(self, *data: Any) -> tuple[Any, ...]:
        """Return the values: uploads were made before (`SpaceClient.arguments`)."""
        return data

    def _upload_file(self, f: dict[str, Any], data_index: int) -> NoReturn:  # noqa: ARG002
        raise PermissionError("only an Upload names a file of this machine")

    def _upload_upstream_file(
        self,
        file_url: str,
        file_data: dict[str, Any],  # noqa: ARG002
        data_index: int,
    ) -> NoReturn:
        self._upload_file({"path": file_url}, data_index)

    def _download_file(self, x: dict[str, Any]) -> NoReturn:  # noqa: ARG002
        raise PermissionError("files are brought here by Fetcher")

    def _sse_fn_v0(self, data: dict[str, Any], hash_data: dict[str, Any], helper: Any) -> Any:
        client = self.client
        # The stock endpoint reads without limits.
        transport = BoundedTransport(verify=client.ssl_verify)
        with httpx.Client(transport=transport, timeout=None) as http:
            return utils.get_pred_from_sse_v0(
                http,
                data,
                hash_data,
                helper,
                client.sse_url,
                client.sse_data_url,
                client.headers,
                client.cookies,
                client.ssl_verify,
                client.helper_executor,
            )


def only_json(client: Client) -> None:
    """Replace the client's endpoints with these; building them from scratch would
    double the work."""
    for endpoint in client.endpoints.values():
        endpoint.__class__ = JsonEndpoint
