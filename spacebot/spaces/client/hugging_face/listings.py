"""huggingface_hub's results → our values, within limits: an author may write anything."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from spacebot.models import HubUser, SpaceListing
from spacebot.spaces.inputs.components.base import one_line
from spacebot.wording import clip

log = logging.getLogger(__name__)
T = TypeVar("T")

# The Hub's own rule; a name has at most 96 characters in all.
SPACE_NAME = re.compile(r"(?=.{3,96}$)[\w.-]+/[\w.-]+", re.ASCII)
MAX_TITLE, MAX_DESCRIPTION, MAX_TAGS, MAX_TAG = 100, 300, 50, 60
# How much of a text is read before it is cleaned.
MAX_READ = 2000


def collect(records: Iterable[T], most: int) -> list[T]:
    """Up to `most` records, in a thread.

    A record that lacks what the library needs ends its iterator: those before it count. Raises
    `ValueError` if nothing could be read.
    """
    found: list[T] = []
    try:
        found.extend(islice(records, most))
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        log.warning("The Hub's answer could not be read to its end: %r", error)
        if not found:
            raise ValueError("unreadable") from error
    return found


def listings_of(records: Iterable[Any]) -> list[SpaceListing]:
    """The Spaces with valid names, each once."""
    found = (listing_of(record) for record in records)
    return list({one.space: one for one in found if one is not None}.values())


def listing_of(record: Any) -> SpaceListing | None:
    """A `SpaceSearchResult` or `SpaceInfo` as ours; None if its name is invalid."""
    if not isinstance(record.id, str) or not SPACE_NAME.fullmatch(record.id):
        return None
    author, _, name = record.id.partition("/")
    card = _card_of(record)
    runtime = record.runtime
    description = getattr(record, "ai_short_description", "") or card.get("short_description")
    return SpaceListing(
        space=record.id,
        author=author,
        title=_text(getattr(record, "title", "") or card.get("title"), MAX_TITLE) or name,
        description=_text(description, MAX_DESCRIPTION),
        category=_text(getattr(record, "ai_category", ""), MAX_TITLE),
        likes=record.likes if isinstance(record.likes, int) else 0,
        sdk=_text(record.sdk, MAX_TAG),
        stage=_text(runtime and runtime.stage, MAX_TAG).rpartition(".")[2],
        hardware=_text(runtime and (runtime.hardware or runtime.requested_hardware), MAX_TAG),
        tags=tuple(_text(tag, MAX_TAG) for tag in _list(record.tags)[:MAX_TAGS]),
        private=bool(record.private),
        disabled=bool(getattr(record, "disabled", False)),
        hub_id=hub_id_of(record),
    )


def _card_of(record: Any) -> Mapping[str, Any]:
    """The front matter of a Space's README."""
    card = getattr(record, "card_data", None)
    return card.to_dict() if card is not None and hasattr(card, "to_dict") else {}


def _text(value: Any, most: int) -> str:
    return clip(one_line(str(value)[:MAX_READ]), most) if isinstance(value, str) else ""


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def user_of(answer: Any) -> HubUser:
    """A token's owner, from the answer of `/api/whoami-v2`; raises `ValueError`."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("name"), str):
        raise ValueError("unreadable")
    auth = _mapping(answer.get("auth"))
    token = _mapping(auth.get("accessToken"))
    fine = _mapping(token.get("fineGrained"))
    granted = [*_list(fine.get("global"))]
    for scope in _list(fine.get("scoped")):
        granted += _list(_mapping(scope).get("permissions"))
    scopes = frozenset(_text(one, MAX_TAG) for one in granted)
    return HubUser(_text(answer["name"], MAX_TITLE), _text(token.get("role"), MAX_TAG), scopes)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def hub_id_of(info: Any) -> str:
    """A Space's id on the Hub, which survives a rename; empty if the Hub does not say."""
    # The library keeps what it has no field for under the Hub's own name.
    return str(getattr(info, "_id", None) or "")
