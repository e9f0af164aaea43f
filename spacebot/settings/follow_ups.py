"""The `then` of an entry of COMMANDS: buttons under its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spacebot.models import FollowUp

FOLLOW_UP_KEYS = ("label", "endpoint", "fixed", "take", "index", "each", "then")
# Discord allows five rows of five buttons; the last row is for every result's own.
MAX_FOLLOW_UPS = 20
MAX_LABEL_LENGTH = 70


def follow_ups(then: Any) -> tuple[FollowUp, ...]:
    """Read a `then`; `ValueError` says what is accepted."""
    if not isinstance(then, Sequence) or isinstance(then, str):
        raise ValueError(
            'as then, a list of dicts like {"label": "Larger", "endpoint": "/upscale"}'
        )
    found = tuple(map(_follow_up, then))
    if sum(one.each for one in found) > MAX_FOLLOW_UPS:
        raise ValueError(f"as then, at most {MAX_FOLLOW_UPS} buttons")
    labels = [one.label for one in found]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise ValueError(f"in then, another label for each: {twice!r} appears twice")
    return found


def _follow_up(entry: Any) -> FollowUp:
    if not isinstance(entry, Mapping):
        raise ValueError('in then, dicts like {"label": "Larger", "endpoint": "/upscale"}')
    if unknown := set(entry) - set(FOLLOW_UP_KEYS):
        raise ValueError(
            f"in then, the keys {', '.join(FOLLOW_UP_KEYS)}, not {', '.join(map(str, unknown))}"
        )
    index, each = entry.get("index"), entry.get("each", 1)
    if not isinstance(each, int) or isinstance(each, bool) or not 1 <= each <= MAX_FOLLOW_UPS:
        raise ValueError(f"as each, a whole number from 1 to {MAX_FOLLOW_UPS}")
    if index is not None and not isinstance(index, str):
        raise ValueError("as index, the name of the parameter that gets 0, 1, 2 …")
    take = _take(entry.get("take", {}))
    numbered = index is not None or any(str(one).endswith("[index]") for one in take.values())
    if each > 1 and not numbered:
        raise ValueError(
            "with each, an index: the parameter that gets 0, 1, 2 …, or something to take by it, "
            'like {"image": "0[index]"}'
        )
    return FollowUp(
        label=_label(entry.get("label")),
        endpoint=_endpoint(entry.get("endpoint")),
        fixed=_fixed(entry.get("fixed", {})),
        take=take,
        index=index,
        each=each,
        then=follow_ups(entry.get("then", ())),
    )


def _label(label: Any) -> str:
    if not isinstance(label, str) or not 1 <= len(label.strip()) <= MAX_LABEL_LENGTH:
        raise ValueError(
            f"in then, as label the words on the button, 1 to {MAX_LABEL_LENGTH} characters"
        )
    return label.strip()


def _endpoint(endpoint: Any) -> str:
    if not isinstance(endpoint, str) or not endpoint.strip("/"):
        raise ValueError('in then, as endpoint one of the same Space, like "/upscale"')
    return "/" + endpoint.removeprefix("/")


def _fixed(fixed: Any) -> Mapping[str, Any]:
    if not isinstance(fixed, Mapping):
        raise ValueError('in then, as fixed a dict of parameter and value, like {"steps": 20}')
    return fixed


def _take(take: Any) -> Mapping[str, int | str]:
    fine = isinstance(take, Mapping) and all(
        isinstance(source, int | str) and source is not True and source is not False
        for source in take.values()
    )
    if not fine or any(isinstance(one, int) and one < 0 for one in take.values()):
        raise ValueError(
            "in then, as take a dict of parameter and where its value comes from: the number of "
            "an output, from 0, one of what it holds, or the name of a parameter of before, "
            'like {"image": 0, "first": "1[0]", "seed": "seed"}'
        )
    return take
