"""Discord's refusals: codes, messages, JSON."""

from __future__ import annotations

import re
from typing import Any

# code: (HTTP status, message), as Discord sends them.
KNOWN: dict[int, tuple[int, str]] = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    20009: (400, "Explicit content cannot be sent to the desired recipient(s)"),
    30032: (400, "Maximum number of application commands reached (100)."),
    30034: (400, "Max number of daily application command creates has been reached (200)"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    40094: (400, "This interaction has reached the maximum number of follow-up messages"),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50083: (400, "Thread is archived"),
    200000: (400, "Message was blocked by automatic moderation"),
    200001: (400, "Title was blocked by automatic moderation"),
    160004: (400, "A thread has already been created for this message"),
}


class ApiError(Exception):
    """A refusal: `status` and the JSON `body` of the answer."""

    def __init__(
        self, code: int, *, status: int | None = None, message: str = "", errors: Any = None
    ) -> None:
        known = KNOWN.get(code, (400, "Invalid Form Body" if code == 50035 else "Error"))
        self.status = status or known[0]
        self.body: dict[str, Any] = {"message": message or known[1], "code": code}
        if errors:
            self.body["errors"] = errors
        super().__init__(f"{self.status} {self.body}")


def not_found() -> ApiError:
    """The error for an unknown path."""
    return ApiError(0, status=404, message="404: Not Found")


def unauthorized() -> ApiError:
    """The error for a request without the bot's token."""
    return ApiError(0, status=401, message="401: Unauthorized")


class Problems:
    """Collects what is wrong with a form, by path; `raise_any` refuses it with 50035."""

    __slots__ = ("errors",)

    def __init__(self) -> None:
        self.errors: dict[str, Any] = {}

    def add(self, path: tuple[str | int, ...], code: str, message: str) -> None:
        """Adds one; `path` leads to the field, as in ("embeds", 0, "title")."""
        place = self.errors
        for step in path:
            place = place.setdefault(str(step), {})
        place.setdefault("_errors", []).append({"code": code, "message": message})

    def length(self, path: tuple[str | int, ...], value: Any, least: int, most: int) -> None:
        """Adds one when `value` (a string or a list) is not `least` to `most` long."""
        if value is None:
            if least:
                self.add(path, "BASE_TYPE_REQUIRED", "This field is required")
            return
        if isinstance(value, bool | int | float | dict):
            self.add(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
        elif not least <= len(value) <= most:
            if least:
                text = f"Must be between {least} and {most} in length."
                self.add(path, "BASE_TYPE_BAD_LENGTH", text)
            else:
                text = f"Must be {most} or fewer in length."
                self.add(path, "BASE_TYPE_MAX_LENGTH", text)

    def raise_any(self) -> None:
        """Raises the ApiError if anything is wrong."""
        if self.errors:
            raise ApiError(50035, message="Invalid Form Body", errors=self.errors)


def check_file_types(
    problems: Problems, path: tuple[str | int, ...], field: dict[str, Any], *, fits: bool
) -> None:
    """Checks `file_types`: at most ten groups and dotted extensions, where files are chosen."""
    types = field.get("file_types")
    if types is None:
        return
    known = all(
        t in ("image", "video", "audio") or re.fullmatch(r"\.[a-z0-9_+-]+", t) for t in types
    )
    if not fits or not known or not 1 <= len(types) <= 10:
        problems.add((*path, "file_types"), "FILE_TYPES_INVALID", "Not a list of file types here")
