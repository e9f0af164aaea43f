"""Logging in to an app that asks for a user name and password."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urljoin

import httpx
from gradio_client import utils
from gradio_client.exceptions import AuthenticationError

LOGIN_NEEDED = (
    "The Space asks for a login. The bot's owner can provide it: "
    'http://user:password@host in SPACES, or "auth" in COMMANDS.'
)
LOGIN_REFUSED = (
    "The Space rejects the user name and password in SPACES or COMMANDS. The bot's owner has to "
    "correct them."
)


def log_in(
    http: httpx.Client, root: str, headers: Mapping[str, str], auth: tuple[str, str]
) -> dict[str, str]:
    """Log in; returns the app's session cookies. Raises `AuthenticationError`."""
    response = http.post(
        urljoin(root, utils.LOGIN_URL),
        headers=headers,
        data={"username": auth[0], "password": auth[1]},
    )
    if response.status_code in (400, 401):
        raise AuthenticationError(LOGIN_REFUSED)
    # An app without a login redirects to its page, or has no such address.
    if not response.is_redirect and response.status_code not in (404, 405):
        response.raise_for_status()
    return cookies(response)


def cookies(response: httpx.Response) -> dict[str, str]:
    """The cookies that a response sets."""
    return {name: one for name, one in response.cookies.items() if one is not None}
