"""Foreign errors → ours, once, with `from exc` keeping the cause for the log."""

from __future__ import annotations

import concurrent.futures
import json
import re
from collections.abc import Mapping
from typing import Any

import aiohttp
import httpx
from gradio_client.exceptions import AppError, AuthenticationError, ValidationError
from gradio_client.utils import QueueError, TooManyRequestsError
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from spacebot.errors import (
    InputError,
    QuotaExceeded,
    SpaceBusy,
    SpaceError,
    SpaceNotFound,
    SpaceRaised,
    SpaceSilent,
    SpaceStopped,
    SpaceUnavailable,
)

_QUOTA = re.compile(
    r"(?:exceeded|run out of|no) .{0,40}(?:GPU|ZeroGPU).{0,20}quota|quota exceeded", re.I
)
_RESET = re.compile(r"try again in ([\d:]+(?: ?\w+)?)", re.IGNORECASE)


def raised(output: Mapping[str, Any]) -> SpaceError:
    """The `output` of a job that failed, {error, title, …} → an error with the Space's own text.

    The text of a gr.Error always comes; any other exception's only where the
    Space set `show_error`.
    """
    text, title = str(output.get("error") or "").strip(), str(output.get("title") or "").strip()
    if _QUOTA.search(f"{title} {text}"):
        reset = _RESET.search(text)
        when = f"It is reset in {reset[1]}." if reset else "It is reset within 24 hours."
        return QuotaExceeded(
            f"The GPU quota on Hugging Face is used up, so this Space cannot run it now. {when}"
        )
    return SpaceRaised(text)


def join_failed(error: Exception) -> Exception:
    """What gradio_client raised while it sent a job → ours; unknown errors as they are."""
    match error:
        case QueueError():
            return SpaceBusy("The Space's queue is full. Try again in a minute.")
        case ValidationError():
            return InputError(f"The Space does not take these values: {error}")
        case httpx.HTTPStatusError() if error.response.status_code == 429:
            return SpaceBusy("The Space limits how often it may be asked. Try again in a minute.")
        case httpx.HTTPStatusError() if error.response.status_code == 413:
            return InputError("The file is larger than the Space takes. Try a smaller one.")
        case httpx.HTTPStatusError() if error.response.status_code in (404, 502, 503, 504):
            return SpaceUnavailable(_NOT_ANSWERING)
        case httpx.HTTPStatusError():
            return SpaceUnavailable(
                f"The Space refused the job (HTTP {error.response.status_code}). "
                "Try again later; if it stays, tell whoever runs this bot."
            )
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return SpaceUnavailable(_NOT_ANSWERING)
        case httpx.TimeoutException():
            return SpaceSilent("The Space took the job but did not answer. Try again later.")
        case httpx.TransportError():
            return SpaceStopped("The connection to the Space broke. Try again.")
        case ValueError() if "exceeds the maximum file size" in str(error):
            return InputError("The file is larger than the Space takes. Try a smaller one.")
        case _:
            return error


def watch_failed(error: BaseException) -> Exception:
    """What broke while a job ran → ours."""
    match error:
        case SpaceStopped() | aiohttp.ClientError() | concurrent.futures.CancelledError():
            return SpaceStopped(
                "The Space stopped while it worked on this, so the result is lost. Try again."
            )
        case httpx.TransportError() if not isinstance(error, httpx.TimeoutException):
            return watch_failed(SpaceStopped())
        case TimeoutError() | httpx.TimeoutException():
            return SpaceSilent(
                "The Space has given no sign of life, so this job was given up. Try again later."
            )
        case AppError():
            return raised({"error": error.message, "title": error.title})
        case Exception():
            return error
        case _:
            return SpaceStopped(str(error))


def connect_failed(error: Exception, *, has_token: bool) -> Exception:
    """What went wrong on the way to a Space → ours."""
    match error:
        case SpaceError():
            return error
        case RepositoryNotFoundError():
            return SpaceNotFound(
                "There is no such Space on Hugging Face, or it is private and "
                + ("HF_TOKEN may not see it." if has_token else "needs HF_TOKEN to be set.")
            )
        case HfHubHTTPError() if error.response is not None and error.response.status_code == 401:
            return SpaceNotFound("Hugging Face refused HF_TOKEN. Make a new one and set it.")
        case AuthenticationError():
            return SpaceNotFound("The Space asks for a login, which a bot cannot give.")
        case TooManyRequestsError():
            return SpaceBusy("The Space limits how often it may be asked. Try again in a minute.")
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return SpaceUnavailable(_NOT_ANSWERING)
        case TimeoutError() | httpx.TimeoutException():
            return SpaceUnavailable("The Space did not answer in time. Try again later.")
        case json.JSONDecodeError() | KeyError() | ValueError() | TypeError():
            return SpaceUnavailable(
                "There is no Gradio app at that address now, or one too old or too broken to use."
            )
        case _:
            return SpaceUnavailable(_NOT_ANSWERING)


_NOT_ANSWERING = "The Space does not answer now. Try again in a minute."
