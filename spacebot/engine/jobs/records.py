"""Converting jobs to stored records, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from spacebot.engine.store import Conversation, JobRecord, Preset
from spacebot.models import Endpoint, File, FollowUpChain, Job, MessageRef, Requester
from spacebot.spaces import inputs
from spacebot.spaces.outputs.values import fits

# Raw outputs are stored for later uses of a result; a huge one is not worth it.
MAX_RESULT_LENGTH = 64_000
# Stored in place of a password.
SECRET_PLACEHOLDER = {"secret": True}


def to_record(job: Job, state: str, process: int | None = None) -> JobRecord:
    """A job as a record."""
    ref = job.message_ref or MessageRef()
    return JobRecord(
        id=job.id,
        space=job.endpoint.space,
        api_name=job.endpoint.api_name,
        command=job.command,
        user=job.requester.user,
        mention=job.requester.mention,
        state=state,
        arguments={} if job.turn else _without_secrets(job),
        message_ref=ref,
        conversation=job.conversation,
        message=str(ref.message) if ref.message else None,
        chain=asdict(job.chain) if job.chain else None,
        account=job.account,
        chat=job.chat,
        turn=job.turn,
        process=process,
    )


def to_job(record: JobRecord, endpoint: Endpoint) -> Job:
    """A stored job as it was, with its endpoint as described now."""
    return Job(
        id=record.id,
        endpoint=endpoint,
        requester=Requester(record.user, record.mention),
        arguments=arguments_of(record),
        conversation=record.conversation,
        command=record.command,
        message_ref=record.message_ref,
        stored=True,
        chain=chain_of(record),
        account=record.account,
        chat=record.chat,
        turn=record.turn,
    )


def endpoint_stub(record: JobRecord | Conversation) -> Endpoint:
    """A minimal endpoint for a record whose own is gone: enough to report on the job."""
    return Endpoint(record.space, record.api_name, record.command, "")


def arguments_of(record: JobRecord | Conversation | Preset) -> dict[str, Any]:
    """The values by option name, files with their stored paths."""
    secret = secrets_of(record)
    return {name: from_stored(one) for name, one in record.arguments.items() if name not in secret}


def secrets_of(record: JobRecord | Conversation | Preset) -> set[str]:
    """The options whose values were entered but not stored, since they are secret."""
    return {name for name, one in record.arguments.items() if one == SECRET_PLACEHOLDER}


def values_line(arguments: Mapping[str, Any]) -> str:
    """Stored values in one line, as a member types them, without secrets."""
    parts = (
        f"{name}:{' '.join(_value_text(value).split())}"
        for name, value in arguments.items()
        if value != SECRET_PLACEHOLDER
    )
    return " ".join(parts)


def _value_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return str((value.get("file") or {}).get("name", ""))
    return str(value)


def chain_of(record: JobRecord) -> FollowUpChain | None:
    """The chain that the job belongs to."""
    if not record.chain:
        return None
    return FollowUpChain(**{**record.chain, "path": tuple(record.chain["path"])})


def storable_result(values: Any) -> Any:
    """Raw outputs in storable form; None if they are too large."""
    if not fits(values, MAX_RESULT_LENGTH):
        # Encoding 20 MB to measure it would block the event loop for half a second.
        return None
    return values if len(json.dumps(values, default=str)) <= MAX_RESULT_LENGTH else None


def _without_secrets(job: Job) -> dict[str, Any]:
    secret = {
        name
        for parameter, own in inputs.group_by_parameter(job.endpoint, job.arguments)
        if parameter.secret
        for name in own
    }
    return {
        name: SECRET_PLACEHOLDER if name in secret else to_stored(one)
        for name, one in job.arguments.items()
    }


def to_stored(value: Any) -> Any:
    """A value in storable form: a file by its path."""
    if isinstance(value, File):
        return {"file": value.to_json()}
    return value


def from_stored(value: Any) -> Any:
    """A value from its storable form."""
    if isinstance(value, Mapping) and "file" in value:
        return File.from_json(value["file"])
    return value
