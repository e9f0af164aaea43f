"""Jobs as they are kept in the store, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from spacebot import inputs
from spacebot.models import Asker, Chain, Endpoint, File, Job, MessageRef
from spacebot.store import Conversation, Record

# Raw outputs are kept for what is done with a result later; a huge one is not worth it.
MOST = 64_000
# What is kept in the place of a password.
SECRET = {"secret": True}


def to_record(job: Job, state: str) -> Record:
    """A job as it is written down."""
    ref = job.message_ref or MessageRef()
    return Record(
        id=job.id,
        space=job.endpoint.space,
        api_name=job.endpoint.api_name,
        command=job.command,
        user=job.asker.user,
        mention=job.asker.mention,
        state=state,
        given=_without_secrets(job),
        message_ref=ref,
        conversation=job.conversation,
        message=str(ref.message) if ref.message else None,
        chain=asdict(job.chain) if job.chain else None,
    )


def to_job(record: Record, endpoint: Endpoint) -> Job:
    """A kept job as it was, for the endpoint as it is described now."""
    return Job(
        id=record.id,
        endpoint=endpoint,
        asker=Asker(record.user, record.mention),
        given=given_of(record),
        conversation=record.conversation,
        command=record.command,
        message_ref=record.message_ref,
        stored=True,
        chain=chain_of(record),
    )


def given_of(record: Record | Conversation) -> dict[str, Any]:
    """What was given, by option name; files where they are kept."""
    secret = secrets_of(record)
    return {name: restored(one) for name, one in record.given.items() if name not in secret}


def secrets_of(record: Record | Conversation) -> set[str]:
    """The options that were given and are not kept, since they are secret."""
    return {name for name, one in record.given.items() if one == SECRET}


def chain_of(record: Record) -> Chain | None:
    """What the job follows."""
    if not record.chain:
        return None
    return Chain(**{**record.chain, "path": tuple(record.chain["path"])})


def result_of(values: Any) -> Any:
    """Raw outputs as they are kept: None where they are too large."""
    return values if len(json.dumps(values, default=str)) <= MOST else None


def _without_secrets(job: Job) -> dict[str, Any]:
    secret = {
        name
        for parameter, own in inputs.by_owner(job.endpoint, job.given)
        if parameter.secret
        for name in own
    }
    return {name: SECRET if name in secret else kept(one) for name, one in job.given.items()}


def kept(value: Any) -> Any:
    """A given value as it is stored: a file by where it is."""
    if isinstance(value, File):
        return {"file": value.to_json()}
    return value


def restored(value: Any) -> Any:
    """A given value as it was before it was stored."""
    if isinstance(value, Mapping) and "file" in value:
        return File.from_json(value["file"])
    return value
