"""Reads ZeroGPU's quota messages: whose quota, how much is left, and what would help."""

from __future__ import annotations

import re

from spacebot.errors import QuotaExceeded

_QUOTA = re.compile(
    r"(?:exceeded|run out of|no) .{0,40}(?:GPU|ZeroGPU).{0,20}quota|quota exceeded", re.I
)
# The Space called another Space, with its own token or address.
_UPSTREAM = "The upstream Gradio app has raised an exception"
_SECONDS = re.compile(r"\((\d{1,9})\s?s requested vs\.? (-?\d{1,9})\s?s left\)")
_LONGEST = re.compile(r"requested GPU duration \((\d{1,9})\s?s\) is larger than the maximum", re.I)
# The text for visitors without an account.
_NO_ACCOUNT = re.compile(r"create a free account|huggingface\.co/join|authenticate with", re.I)
# "1:23:45", "1 day, 0:00:00", "5 minutes", without what follows.
_RESET = re.compile(
    r"try again in ((?:\d+ days?, )?\d[\d:]*(?: ?(?:s|sec\w*|min\w*|hours?|h)\b)?)", re.IGNORECASE
)


def quota_exceeded(title: str, text: str) -> QuotaExceeded | None:
    """The error for a job's failure that is about a quota; None for any other failure."""
    if longest := _LONGEST.search(text):
        return QuotaExceeded(
            f"This asks Hugging Face for {longest[1]} s of GPU time at once, which is more than it "
            "allows. Try values that take less time."
        ).for_good()
    if not _QUOTA.search(f"{title} {text}"):
        return None
    is_theirs = _UPSTREAM in text
    whose = "The Space's own" if is_theirs else "{whose}"
    parts = [f"{whose} GPU quota on Hugging Face {_state(text)}, so this cannot run now."]
    reset = _RESET.search(text)
    parts.append(f"It resets in {reset[1]}." if reset else "It resets within 24 hours.")
    if is_theirs:
        parts.append("Only the Space's owner can raise it.")
    elif _NO_ACCOUNT.search(text):
        parts.append("The bot's owner can raise it by setting HF_TOKEN.")
    seconds = _SECONDS.search(text)
    asked = int(seconds[1]) if seconds and not is_theirs else 0
    error = QuotaExceeded(" ".join(parts), asked=asked)
    # The Space's own code ran up to there.
    error.safe_to_retry = not is_theirs
    return error


def _state(text: str) -> str:
    seconds = _SECONDS.search(text)
    if seconds is None:
        return "is used up"
    asked, left = int(seconds[1]), int(seconds[2])
    return (
        f"has {left} s left and this needs {asked} s"
        if left > 0
        else f"is used up (this needs {asked} s)"
    )
