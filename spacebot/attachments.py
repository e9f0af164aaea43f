"""Bringing what a person attached here, on its way to a Space."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import discord

from spacebot.errors import InputError
from spacebot.inputs.form import megabytes
from spacebot.jobs import Jobs
from spacebot.models import File, Job
from spacebot.outputs.text import code

# A file for a Space without a limit of its own.
UPLOAD = 100_000_000


def named(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, with each attachment as a `File` that is not here yet."""
    return {
        name: _file(value) if isinstance(value, discord.Attachment) else value
        for name, value in given.items()
    }


def _file(attachment: discord.Attachment) -> File:
    return File(
        name=attachment.filename,
        size=attachment.size,
        mime=attachment.content_type,
        url=attachment.url,
    )


async def brought(client: discord.Client, jobs: Jobs, job: Job) -> dict[str, Any]:
    """What was given, with each file in the job's own folder; raises `InputError`."""
    return {
        option: await _brought(client, jobs, job, option, value)
        if isinstance(value, File)
        else value
        for option, value in job.given.items()
    }


async def _brought(client: discord.Client, jobs: Jobs, job: Job, option: str, file: File) -> File:
    if file.path is not None:
        # A file of an earlier job: that one may be forgotten before this one.
        return file if jobs.uploads.owns(job.id, file.path) else jobs.kept.adopt(job.id, file)
    limit = job.endpoint.max_file_size or UPLOAD
    if (file.size or 0) > limit:
        raise InputError(
            f"`{option}` is {megabytes(file.size or 0)} large: this Space takes at most "
            f"{megabytes(limit)} a file. Attach a smaller one.",
            option=option,
        )
    path = jobs.uploads.path(job.id, file.name)
    try:
        # discord.py holds a file in memory, so only a few are brought at once.
        async with jobs.uploads.at_once:
            content = await client.http.get_from_cdn(file.url or "")
            await asyncio.to_thread(path.write_bytes, content)
    except discord.HTTPException as error:
        raise InputError(
            f"`{option}`: Discord did not hand over {code(file.name)}. Attach it again.",
            option=option,
        ) from error
    return replace(file, path=path)
