"""Jobs as they are kept in the store, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spacebot.models import Asker, Endpoint, File, Job
from spacebot.store import Record

# Raw outputs are kept for what is done with a result later; a huge one is not worth it.
MOST = 64_000


def to_record(job: Job, state: str) -> Record:
    """A job as it is written down."""
    return Record(
        id=job.id,
        space=job.endpoint.space,
        api_name=job.endpoint.api_name,
        command=job.command,
        user=job.asker.user,
        mention=job.asker.mention,
        state=state,
        given={name: _kept(value) for name, value in job.given.items()},
        place={**job.place, "file_limit": job.file_limit},
        conversation=job.conversation,
    )


def to_job(record: Record, endpoint: Endpoint) -> Job:
    """A kept job as it was, for the endpoint as it is described now."""
    place = dict(record.place)
    return Job(
        id=record.id,
        endpoint=endpoint,
        asker=Asker(record.user, record.mention, str(place.get("channel", ""))),
        given=given_of(record),
        file_limit=place.pop("file_limit", Job.file_limit),
        conversation=record.conversation,
        command=record.command,
        place=place,
    )


def given_of(record: Record) -> dict[str, Any]:
    """What was given, by option name; files where they are kept."""
    return {name: _given(value) for name, value in record.given.items()}


def result_of(values: Any) -> Any:
    """Raw outputs as they are kept: None where they are too large."""
    return values if len(json.dumps(values, default=str)) <= MOST else None


def _kept(value: Any) -> Any:
    if isinstance(value, File):
        return {"file": {**asdict(value), "path": str(value.path) if value.path else None}}
    return value


def _given(value: Any) -> Any:
    if isinstance(value, Mapping) and "file" in value:
        kept = value["file"]
        return File(**{**kept, "path": Path(kept["path"]) if kept["path"] else None})
    return value
