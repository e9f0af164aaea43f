"""Values on their way to a Space: all is JSON except an `Upload`, and only an `Upload` opens a
file.

Whatever a Space wrote (a default, a choice, a result, a chat's history) goes back as plain JSON,
even if it looks like one of Gradio's files.
"""

from __future__ import annotations

import base64
import mimetypes
import os
import stat
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from spacebot.errors import InputError
from spacebot.models import Upload

# The mark of a file within JSON.
META = {"_type": "gradio.FileData"}
TOO_LARGE = "The file is larger than the Space accepts. Try a smaller one."
# Base64 adds a third, and Gradio 3 accepts 16 MiB in a message.
MOST_WITHIN = 12 << 20


def holds_upload(value: Any) -> bool:
    """Whether a value contains a file to upload."""
    if isinstance(value, Mapping):
        return any(map(holds_upload, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_upload, value))
    return isinstance(value, Upload)


def map_items(value: Any, convert: Callable[[Any], Any]) -> Any:
    """A JSON object or list with each item converted; anything else unchanged."""
    if isinstance(value, Mapping):
        return {key: convert(item) for key, item in value.items()}
    return [*map(convert, value)] if isinstance(value, list | tuple) else value


def with_uploads(value: Any, upload: Callable[[Upload], Any]) -> Any:
    """A value as JSON: each `Upload` in it becomes what `upload` returns."""
    if isinstance(value, Upload):
        return upload(value)
    return map_items(value, lambda item: with_uploads(item, upload))


def is_file(value: Any) -> bool:
    """Whether JSON is a file as current versions of Gradio write it.

    gradio_client's own check raises if `meta` is not an object.
    """
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("path"), str)
        and isinstance(meta := value.get("meta"), Mapping)
        and meta.get("_type") == META["_type"]
    )


def inline_file(upload: Upload) -> dict[str, Any]:
    """A file as an inline value, for a Space that accepts no uploads.

    Raises `InputError` if it is too large for that, before reading it into memory.
    """
    kind = mimetypes.guess_type(upload.name)[0] or "application/octet-stream"
    with open_upload(upload) as file:
        if os.fstat(file.fileno()).st_size > MOST_WITHIN:
            raise InputError(TOO_LARGE)
        data = f"data:{kind};base64,{base64.b64encode(file.read()).decode()}"
    return {"path": upload.name, "url": data, "meta": META}


def open_upload(upload: Upload) -> BinaryIO:
    """The file, open for reading; raises `InputError` if it is not in its job's folder."""
    try:
        folder, path = upload.folder.resolve(strict=True), upload.path.resolve(strict=True)
        if not path.is_relative_to(folder):
            raise PermissionError(f"{path} is not in {folder}")
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError as error:
        raise InputError(f"{upload.name} is no longer stored. Attach it again.") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise InputError(f"{upload.name} is not a file. Attach it again.")
    return file
