"""Hugging Face's refusals, each as a sentence with what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from httpx2 import HTTPError
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)

from spacebot.errors import DeployError
from spacebot.wording import clip

TOKENS_URL = "https://huggingface.co/settings/tokens"
LOG_IN = f"Make a token of the kind Write at {TOKENS_URL}, then: .venv/bin/hf auth login"
NOT_LOGGED_IN = f"You are not logged in to Hugging Face. {LOG_IN}"
UNKNOWN_TOKEN = f"Hugging Face does not know your token: it was revoked, or miscopied. {LOG_IN}"
READ_ONLY = f"Your Hugging Face token can read, but not write. {LOG_IN}"
MAY_NOT = f"Your Hugging Face token may not do this. {LOG_IN}"
PLAN_LACKS = (
    "Your Hugging Face plan does not allow this Space. Without a subscription (PRO, for an "
    "organization Team), a personal account can have two Spaces on ZeroGPU, where Spacebot runs "
    "too: add --hardware zero-a10g."
)
ZERO_GPU = (
    "Your account cannot have another Space on ZeroGPU. Delete one, or subscribe: "
    "https://huggingface.co/pro"
)
NEEDS_PAYMENT = (
    "This needs a payment method on Hugging Face: add one at "
    "https://huggingface.co/settings/billing, or choose other hardware."
)
NAME_TAKEN = "The name {name} is taken, by a Space that your token may not see. Choose another one."
STORAGE_FULL = (
    "Your account has no storage left on Hugging Face. Delete what you do not need, and run again."
)
TOO_MANY = "Hugging Face accepts no more requests from you for now. Try again in a few minutes."
HUB_FAILED = (
    "Hugging Face has a problem ({status}). Try again later; see https://status.huggingface.co."
)
OFFLINE = (
    "Hugging Face cannot be reached from here. Check this machine's network, and run this again: "
    "completed steps stay done."
)
SWITCHED_OFF = "HF_HUB_OFFLINE is set, which keeps huggingface_hub off the network. Unset it."

# 402 and 403 have several meanings; only the text says which. The first match counts.
FORBIDDEN_REASONS = (
    (r"zero.?gpu", ZERO_GPU),
    (r"storage (limit|quota)|quota exceeded|out of storage", STORAGE_FULL),
    (r"payment method|billing|prepaid|credit", NEEDS_PAYMENT),
    (r"subscri|\bpro\b|\bplan\b|upgrade", PLAN_LACKS),
)
STATUS_REASONS = {401: UNKNOWN_TOKEN, 402: PLAN_LACKS, 403: MAY_NOT, 409: NAME_TAKEN, 429: TOO_MANY}


@contextmanager
def translate_errors(name: str) -> Iterator[None]:
    """Turn huggingface_hub's errors into a `DeployError`. `name` is the Space's."""
    try:
        yield
    except HfHubHTTPError as error:
        raise DeployError(explain(error, name)) from error
    except LocalTokenNotFoundError as error:
        raise DeployError(NOT_LOGGED_IN) from error
    except OfflineModeIsEnabled as error:
        raise DeployError(SWITCHED_OFF) from error
    except HFValidationError as error:
        raise DeployError(f"{name} cannot be a Space's name: {error}") from error
    except (HTTPError, ConnectionError, TimeoutError) as error:
        raise DeployError(OFFLINE) from error
    except ValueError as error:
        # The Hub's own check of the header, which is no longer an HTTP error.
        if "README.md" not in str(error):
            raise
        raise DeployError(f"Hugging Face cannot take this: {one_line(str(error))}") from error


def explain(error: HfHubHTTPError, name: str) -> str:
    """What a refusal means, and the Hub's own text."""
    status, words = error.response.status_code, one_line(error.server_message or "")
    if status >= 500:
        return HUB_FAILED.format(status=status)
    meaning = STATUS_REASONS.get(status, "Hugging Face refused this.")
    if status in (402, 403):
        fits = (
            text for pattern, text in FORBIDDEN_REASONS if re.search(pattern, words, re.IGNORECASE)
        )
        meaning = next(fits, meaning)
    return meaning.format(name=name) + (f"\nHugging Face says: {words}" if words else "")


def one_line(text: str) -> str:
    """A text of unknown form as one line of at most 300 characters."""
    return clip(" ".join(text.split()), 300)
