"""Translates foreign errors into ours, once, with `from exc` preserving the cause for the log."""

from __future__ import annotations

import concurrent.futures
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
from gradio_client.exceptions import AppError, AuthenticationError, ValidationError
from gradio_client.utils import QueueError
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from spacebot.errors import (
    HubUnavailable,
    InputError,
    LoginNeeded,
    SignInNeeded,
    SpaceBusy,
    SpaceError,
    SpaceNotFound,
    SpaceRaised,
    SpaceSilent,
    SpaceStopped,
    SpaceUnavailable,
    SpaceUnreadable,
    ValuesRejected,
)
from spacebot.spaces.client.client import NotQueued
from spacebot.spaces.client.files import uploads
from spacebot.spaces.client.quota import quota_exceeded
from spacebot.spaces.client.transport.bounded_reading import TOO_LARGE
from spacebot.spaces.client.transport.pulse import StreamLost
from spacebot.spaces.client.transport.rate_limit import MAX_PAUSE, busy_for, retry_after
from spacebot.spaces.client.validation_messages import COUNT, clean_message

_QUOTED = re.compile(r"""(['"])((?:(?!\1|\\).)+)\1""")
# gradio_client's text for an error that the Space does not show.
_TELLS_NOTHING = "The upstream Gradio app has raised an exception but has not enabled verbose"
# How much of a Space's error text is read, in characters.
MAX_ERROR_LENGTH = 10_000
# ZeroGPU's text if no GPU became free within a minute, which is not about a quota.
_NO_GPU = "No GPU was available"
# Gradio's text if a function takes a gr.OAuthToken or gr.OAuthProfile.
_SIGN_IN = "This action requires a logged in user."

# What gradio_client raises for a Space that says it is stopping: the second is a message that it
# does not know.
_STOPPED = re.compile(r"^Server stopped\.$|unexpected_error")


def job_error(output: Mapping[str, Any]) -> SpaceError:
    """The `output` of a failed job, {error, title, …} → an error with the Space's own text.

    A gr.Error always sends its text; any other exception only if the Space set `show_error`.
    """
    text, title = (
        str(output.get(part) or "")[:MAX_ERROR_LENGTH].strip() for part in ("error", "title")
    )
    if text.startswith(_TELLS_NOTHING):
        text = ""
    # Gradio 4 sends the text in quotes, as Python writes it.
    if quoted := _QUOTED.fullmatch(text):
        text = quoted[2]
    if text.startswith(_NO_GPU):
        busy = SpaceBusy("Hugging Face had no free GPU for this. Try again in a few minutes.")
        # The rest of the Space's code may have run.
        busy.safe_to_retry = False
        return busy
    if text.startswith(_SIGN_IN):
        return SignInNeeded(
            "This needs your own sign-in to Hugging Face, which Discord cannot give. "
            "Use it on the Space's own page."
        )
    if quota := quota_exceeded(title, text):
        return quota
    return SpaceRaised(clean_message(text) if COUNT.match(text) else text)


def join_error(error: Exception) -> Exception:
    """What failed while a job was sent → ours; unknown errors unchanged."""
    match error:
        case NotQueued(__cause__=Exception() as cause):
            return not_sent(cause)
        case QueueError():
            return _busy("The Space's queue is full.", error.__cause__)
        case ValidationError():
            return ValuesRejected(clean_message(str(error)))
        case httpx.HTTPStatusError() | aiohttp.ClientResponseError():
            return _refused(error)
        case (
            httpx.ConnectError()
            | httpx.ConnectTimeout()
            | aiohttp.ClientConnectorError()
            | aiohttp.ConnectionTimeoutError()
        ):
            return SpaceUnavailable(_NOT_ANSWERING)
        case httpx.TimeoutException() | TimeoutError():
            return SpaceSilent(_TOOK)
        case httpx.TransportError() | aiohttp.ClientError():
            return SpaceStopped("The connection to the Space broke. Try again.")
        case _:
            return error


def not_sent(error: Exception) -> Exception:
    """What prevented sending a job → ours: the Space cannot have begun."""
    ours = join_error(error)
    if isinstance(ours, SpaceError):
        ours.safe_to_retry = True
    return ours


def _refused(error: httpx.HTTPStatusError | aiohttp.ClientResponseError) -> Exception:
    """The status with which a Space rejected a job → ours."""
    match _status(error):
        case 429:
            return _busy("The Space limits how often it can be used.", error)
        case 401:
            return LoginNeeded("The Space now asks for a login. Try again.")
        case 413:
            return InputError(uploads.TOO_LARGE)
        case 404 | 502 | 503:
            return SpaceUnavailable(_NOT_ANSWERING)
        case 504:
            return SpaceSilent(_TOOK)
        case status:
            refused = SpaceUnavailable(
                f"The Space refused the job (HTTP {status}). "
                "Try again later; if it keeps happening, tell the bot's owner."
            )
            return refused if status >= 500 else refused.for_good()


def watch_error(error: BaseException) -> Exception:
    """What failed while a job ran → ours."""
    match error:
        # This comes first, since aiohttp's timeout is a ClientError as well.
        case TimeoutError() | httpx.TimeoutException():
            return SpaceSilent(
                "The Space stopped responding, so the bot stopped waiting. Try again later."
            )
        case aiohttp.ClientResponseError() if _status(error) in (429, 503):
            busy = _busy("The Space accepted the job, but is too busy to report on it.", error)
            # It has accepted the job.
            busy.safe_to_retry = False
            return busy
        case StreamLost():
            return SpaceStopped(
                "The connection to the Space broke while it worked on this, so the result is lost. "
                "Try again."
            )
        case SpaceStopped() | aiohttp.ClientError() | concurrent.futures.CancelledError():
            return SpaceStopped(
                "The Space stopped while it worked on this, so the result is lost. Try again."
            )
        case httpx.TransportError():
            return watch_error(SpaceStopped())
        case AppError():
            return job_error({"error": error.message, "title": error.title})
        case Exception():
            return error
        case _:
            return SpaceStopped(str(error))


def stock_error(error: BaseException) -> Exception:
    """What failed on the stock path, where sending and watching are one → ours."""
    match error:
        case QueueError() | ValidationError() | httpx.HTTPStatusError():
            return join_error(error)
        case ValueError() | KeyError() if _STOPPED.search(str(error)):
            return watch_error(SpaceStopped())
        case _:
            return watch_error(error)


@dataclass(frozen=True, slots=True)
class TokenWords:
    """The wording for a Space that Hugging Face does not show, or a token that it rejects."""

    unseen: str
    refused: str = "Hugging Face refused HF_TOKEN. Make a new one and set it."


_NONE = "There is no such Space on Hugging Face, or it is private and "
_OWNER_HAS_NONE = TokenWords(_NONE + "needs HF_TOKEN to be set.")
_OWNER_TOKEN = TokenWords(_NONE + "HF_TOKEN has no access to it.")
MEMBER_HAS_NONE = TokenWords(_NONE + "needs a token of your own. Set one with `/token set`.")
MEMBER_TOKEN = TokenWords(
    _NONE + "the token set with `/token` has no access to it.",
    "Hugging Face refused the token that was set here. Make a new one and set it with `/token`.",
)


def owner_words(*, has_token: bool) -> TokenWords:
    """The wording for a Space that the settings name."""
    return _OWNER_TOKEN if has_token else _OWNER_HAS_NONE


def connect_error(error: Exception, words: TokenWords = _OWNER_HAS_NONE) -> Exception:
    """What failed while connecting to a Space → ours."""
    match error:
        case SpaceUnreadable() if str(error) != TOO_LARGE:
            return SpaceUnavailable(_NO_APP)
        case SpaceError():
            return error
        case RepositoryNotFoundError():
            return SpaceNotFound(words.unseen)
        case HfHubHTTPError() if error.response is not None and error.response.status_code == 401:
            return SpaceNotFound(words.refused)
        case HfHubHTTPError() if error.response is not None and error.response.status_code == 429:
            return _busy("Hugging Face is rate-limiting this bot.", error)
        case HfHubHTTPError():
            return HubUnavailable(
                "Hugging Face did not say where the Space is. Try again in a minute."
            )
        case AuthenticationError():
            return SpaceNotFound(str(error))
        case httpx.HTTPStatusError() if error.response.status_code == 429:
            return _busy("The Space limits how often it can be used.", error)
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return SpaceUnavailable(_NOT_ANSWERING)
        case TimeoutError() | httpx.TimeoutException():
            return SpaceUnavailable("The Space did not answer in time. Try again later.")
        case ValueError() | LookupError() | TypeError() | AttributeError():
            return SpaceUnavailable(_NO_APP)
        case _:
            return SpaceUnavailable(_NOT_ANSWERING)


_NO_APP = "There is no Gradio app at that address now, or one too old or too broken to use."
_NOT_ANSWERING = "The Space is not answering now. Try again in a minute."
_TOOK = "The Space accepted the job but did not answer. Try again later."


def _status(error: httpx.HTTPStatusError | aiohttp.ClientResponseError) -> int:
    by_aiohttp = isinstance(error, aiohttp.ClientResponseError)
    return error.status if by_aiohttp else error.response.status_code


def _busy(what: str, error: BaseException | None) -> SpaceBusy:
    """An error for a Space that cannot take a job because of `what`, with the pause that it asks
    for."""
    return busy_for(what, asked_pause(error))


def asked_pause(error: BaseException | None) -> float:
    """How many seconds a refusal asks to wait, at most `MAX_PAUSE`; 0 if it does not say."""
    asked = ""
    if isinstance(error, aiohttp.ClientResponseError):
        asked = (error.headers or {}).get("Retry-After", "")
    elif isinstance(error, httpx.HTTPStatusError | HfHubHTTPError):
        asked = error.response.headers.get("Retry-After", "")
    return min(retry_after(asked), MAX_PAUSE)
