"""Which files Discord lets a member choose: `file_types` of options and upload fields.

discord.py 2.7 does not know the field (Discord, August 2026), so the payloads are extended here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from discord import app_commands, ui

# Discord's limit of entries in `file_types`, and the form of an extension.
MAX_FILE_TYPES = 10
EXTENSION = re.compile(r"\.[a-z0-9][a-z0-9_+-]{0,30}")
# Discord's groups contain only the common extensions; the others that Spaces take follow here.
FILE_TYPE_GROUPS: dict[str, tuple[str, ...]] = {
    "image": ("image", ".bmp", ".tif", ".tiff", ".heic"),
    "audio": ("audio", ".aac", ".oga", ".aiff"),
    "video": ("video", ".mkv", ".avi", ".m4v"),
}


def file_types(accepted: Collection[str]) -> list[str]:
    """Gradio's categories and extensions as Discord's; empty if any file may be chosen.

    A kind that Discord cannot express, or too many of them, leaves the choice to the member: the
    file is checked again once it is downloaded.
    """
    found: list[str] = []
    for one in accepted:
        entry = one.casefold()
        if entry in FILE_TYPE_GROUPS:
            found += FILE_TYPE_GROUPS[entry]
        elif EXTENSION.fullmatch(entry):
            found.append(entry)
        else:
            return []
    unique = list(dict.fromkeys(found))
    return unique if len(unique) <= MAX_FILE_TYPES else []


class TypedCommand(app_commands.Command[Any, ..., Any]):
    """A command whose attachment options name the files they take, by option name."""

    file_types: Mapping[str, Collection[str]] = {}

    def to_dict(self, tree: app_commands.CommandTree[Any]) -> dict[str, Any]:
        payload = super().to_dict(tree)
        for option in payload.get("options") or ():
            if types := file_types(self.file_types.get(option["name"], ())):
                option["file_types"] = types
        return payload


class TypedUpload(ui.FileUpload[Any]):
    """A form's file field that names the kinds it takes."""

    def __init__(self, accepted: Collection[str], **settings: Any) -> None:
        super().__init__(**settings)
        self._types = file_types(accepted)

    def to_component_dict(self) -> Any:
        payload: Any = super().to_component_dict()
        return {**payload, "file_types": self._types} if self._types else payload
