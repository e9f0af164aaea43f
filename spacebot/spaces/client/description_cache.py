"""Spaces' descriptions, stored on disk for the next start."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from spacebot import json_file

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpaceDescription:
    """A Space's description: its `/config` and `/info`, as JSON.

    `opened` is what the load events of its page set when they last ran: changed properties by
    component id. `nsfw` says that the Hub tags it as not for all audiences; `hub_id` identifies it
    there whatever its name.
    """

    config: dict[str, Any]
    info: dict[str, Any]
    opened: Mapping[Any, Mapping[str, Any]] = field(default_factory=dict)
    nsfw: bool = False
    hub_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON, whose keys cannot be numbers."""
        content = {one.name: getattr(self, one.name) for one in fields(self)}
        return content | {"opened": list(self.opened.items())}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> SpaceDescription:
        """From the result of `to_json`; raises `KeyError`, `TypeError` or `ValueError`."""
        opened, nsfw = dict(content.get("opened", ())), bool(content.get("nsfw"))
        hub_id = str(content.get("hub_id", ""))
        return cls(content["config"], content["info"], opened, nsfw, hub_id)

    def after(self, before: SpaceDescription | None) -> SpaceDescription:
        """This description with what `before` knows about the open page, if the
        page is the same."""
        known = before is not None and _parts(before.config) == _parts(self.config)
        return replace(self, opened=before.opened) if before and known else self


class DescriptionCache:
    """The last known description of each Space, one file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._saving = threading.Lock()

    def load(self, space: str) -> SpaceDescription | None:
        """The last known description of a Space, if any."""
        try:
            kept = json_file.load(self._path(space))
            return kept and SpaceDescription.from_json(kept)
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("The last known description of %s cannot be read: %s", space, error)
            return None

    def save(self, space: str, description: SpaceDescription) -> None:
        """Store a description for the next start; blocks."""
        try:
            with self._saving:
                json_file.save(self._path(space), description.to_json())
        except OSError as error:
            log.warning("The description of %s cannot be saved in DATA_DIR: %s", space, error)

    def _path(self, space: str) -> Path:
        return self._folder / f"{hashlib.sha256(space.encode()).hexdigest()[:24]}.json"


def _parts(config: Mapping[str, Any]) -> list[Any]:
    return [(part.get("id"), part.get("type")) for part in config.get("components") or ()]
