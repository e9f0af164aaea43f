"""A message's attachments, and downloading them on their way to a Space."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import discord

from spacebot.engine.jobs import JobManager
from spacebot.errors import DiskFull, InputError
from spacebot.models import Endpoint, File, Job
from spacebot.spaces.outputs.text import code
from spacebot.wording import file_size

# The limit of a file for a Space that sets none.
MAX_UPLOAD_BYTES = 100_000_000


def attachments_of(message: discord.Message) -> list[discord.Attachment]:
    """The files of a message and of the messages that it forwards."""
    return [file for one in (message, *message.message_snapshots) for file in one.attachments]


def text_of(message: discord.Message) -> str:
    """The text of a message or of a message that it forwards; else the text of its embeds."""
    parts = (message, *message.message_snapshots)
    if said := "\n\n".join(one.content for one in parts if one.content.strip()):
        return said
    embeds = [embed for one in parts for embed in one.embeds]
    written = (part for one in embeds for part in (one.title, one.description) if part)
    return "\n\n".join(written)


def embedded_pictures(message: discord.Message) -> Iterator[File]:
    """Pictures that Discord shows in a message without attaching them: embeds and stickers."""
    for one in (message, *message.message_snapshots):
        for embed in one.embeds:
            shown = (embed.video, embed.image, embed.thumbnail)
            # Discord's own copy: nothing is fetched from wherever a link leads.
            found = next((part for part in shown if part.proxy_url), None)
            if found is not None and found.proxy_url:
                yield _picture_file(found.url or found.proxy_url, found.proxy_url)
        for sticker in one.stickers:
            if sticker.format is not discord.StickerFormatType.lottie:
                suffix = PurePosixPath(urlsplit(sticker.url).path).suffix
                yield _picture_file(f"{sticker.name}{suffix}", sticker.url)


def _picture_file(name: str, url: str) -> File:
    path = PurePosixPath(urlsplit(name).path)
    kind = mimetypes.guess_type(path.name)[0]
    # If a link does not say what it leads to, it is assumed to be a picture.
    return File(path.name if kind else f"{path.stem or 'picture'}.png", mime=kind, url=url)


def with_pending_files(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The values, with each attachment as a `File` that is not downloaded yet."""
    return {
        name: pending_file(value) if isinstance(value, discord.Attachment) else value
        for name, value in arguments.items()
    }


def pending_file(attachment: discord.Attachment) -> File:
    """An attachment as a `File` that is not downloaded yet."""
    return File(
        name=member_file_name(attachment),
        size=attachment.size,
        mime=attachment.content_type,
        url=attachment.url,
    )


def member_file_name(attachment: discord.Attachment) -> str:
    """The file's name as the member wrote it.

    Discord replaces unsupported characters in `filename`, and hashes names in other scripts;
    `title` then holds the real name, usually without its extension.
    """
    suffix = PurePosixPath(attachment.filename).suffix
    title = PurePosixPath((attachment.title or "").replace("\\", "/")).name
    if not title or title.endswith(suffix):
        return title or attachment.filename
    return title + suffix


async def load_attachments(client: discord.Client, jobs: JobManager, job: Job) -> dict[str, Any]:
    """The values, with each file in the job's own folder; raises `InputError`."""
    return {
        option: await _load_attachment(client, jobs, job, option, value)
        if isinstance(value, File)
        else value
        for option, value in job.arguments.items()
    }


async def _load_attachment(
    client: discord.Client, jobs: JobManager, job: Job, option: str, file: File
) -> File:
    if file.path is not None:
        # A file of an earlier job, which may be deleted before this one.
        return file if jobs.uploads.owns(job.id, file.path) else jobs.archive.adopt(job.id, file)
    return await fetch_attachment(client, jobs, job.id, job.endpoint, file, option=option)


async def fetch_attachment(
    client: discord.Client,
    jobs: JobManager,
    job: str,
    endpoint: Endpoint,
    file: File,
    *,
    option: str = "",
) -> File:
    """Download a file from Discord into the job's own folder; raises `InputError`."""
    called, limit = (
        f"`{option}`" if option else code(file.name),
        endpoint.max_file_size or MAX_UPLOAD_BYTES,
    )
    _check_size(called, file.size or 0, limit, option)
    try:
        # discord.py holds a file in memory, so only a few are downloaded at once.
        with DiskFull.translate_errors():
            path = jobs.uploads.path(job, file.name)
            async with jobs.uploads.at_once:
                content = await client.http.get_from_cdn(file.url or "")
                # Discord does not say how large an embed's picture or a sticker is.
                _check_size(called, len(content), limit, option)
                await asyncio.to_thread(path.write_bytes, content)
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
        said = f"Discord did not provide {code(file.name)}. Attach it again."
        raise InputError(f"{called}: {said}" if option else said, option=option) from error
    return replace(file, path=path, folder=path.parent, size=len(content))


def _check_size(called: str, size: int, limit: int, option: str) -> None:
    if size > limit:
        raise InputError(
            f"{called} is {file_size(size)}: this Space accepts at most {file_size(limit)} per "
            "file. Attach a smaller one.",
            option=option,
        )
