"""One job's message in Discord, from the acknowledgement to the result.

The first reply is edited as the job moves on. An interaction's token lives 15
minutes: what takes longer is delivered by an ordinary message that mentions
whoever asked, and where the bot may not write there, by direct message.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord

from spacebot import inputs, words
from spacebot.buttons import cancel_view
from spacebot.errors import Cancelled, InputError, SpacebotError
from spacebot.jobs import Jobs, Running
from spacebot.models import Answer, Asker, Attached, Endpoint, File, Job, Outcome, Reply

log = logging.getLogger(__name__)

# Discord's token lives 15 minutes; what is under way then needs a little time.
TOKEN = 14.5 * 60
# An instant job needs no progress: its result is the first edit.
FIRST_EDIT = 1.0
EDIT = 1.5
# All messages together: progress must never use up what the results need.
EDITS_A_SECOND = 25.0
# A file for a Space without a limit of its own.
UPLOAD = 100_000_000
# The codes of Discord for what is gone (unknown channel, message, webhook, or the
# interaction's token) and for what is not allowed (access, permissions, a closed thread).
GONE = {10003, 10008, 10015, 10062, 50001, 50013, 50027, 50083, 160005}
TOO_LARGE = 40005


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Answers commands: each interaction becomes a job, and the job an answer."""

    jobs: Jobs

    async def answer(
        self,
        interaction: discord.Interaction[Any],
        command: str,
        endpoint: Endpoint,
        given: Mapping[str, Any],
    ) -> None:
        """Acknowledge an interaction, run the job and post what it gives.

        `given` holds Discord's values by option name, attachments as they are.
        """
        asker = Asker(
            user=str(interaction.user.id),
            mention=interaction.user.mention,
            place=str(interaction.channel_id),
        )
        job = Job(
            id=uuid.uuid4().hex[:12],
            endpoint=endpoint,
            asker=asker,
            given={name: _named(value) for name, value in given.items()},
            file_limit=interaction.filesize_limit,
        )
        delivery = Delivery(self.jobs, interaction, job, words.header(job, command))
        await delivery.acknowledge()
        try:
            given = await delivery.fetch(given)
            await delivery.run(given)
        except SpacebotError as error:
            await delivery.fail(error)
        except Exception as error:
            log.exception("job %s could not be answered", job.id)
            await delivery.fail(error)


class Delivery:
    """One job's message."""

    def __init__(
        self, jobs: Jobs, interaction: discord.Interaction[Any], job: Job, header: str
    ) -> None:
        self.jobs = jobs
        self.interaction = interaction
        self.job = job
        self.header = header
        self.private = job.endpoint.answer is Answer.PRIVATE
        self.since = time.time()
        self._thread: discord.Thread | None = None
        self._shown = ""
        self._uploads: list[Path] = []

    async def acknowledge(self) -> None:
        """Answer within Discord's 3 seconds, by a message that is edited from now on."""
        await self.interaction.response.send_message(
            f"{self.header}\n-# ⏳ Starting",
            ephemeral=self.private,
            allowed_mentions=discord.AllowedMentions.none(),
            view=cancel_view(self.job.id),
        )

    async def fetch(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Bring attachments here, checked for size before: they go to the Space by upload."""
        limit = self.job.endpoint.max_file_size or UPLOAD
        fetched: dict[str, Any] = {}
        for name, value in given.items():
            if isinstance(value, discord.Attachment):
                if value.size > limit:
                    raise InputError(
                        f"{name}: {value.filename} has {value.size / 1e6:.1f} MB; "
                        f"the Space takes at most {limit / 1e6:.1f} MB. Attach a smaller file.",
                        option=name,
                    )
                value = await self._save(value)
            fetched[name] = value
        return fetched

    async def _save(self, attachment: discord.Attachment) -> File:
        path = self.jobs.upload_path(attachment.filename)
        self._uploads.append(path)
        try:
            await attachment.save(path)
        except discord.HTTPException as error:
            raise InputError(
                f"Discord did not hand over {attachment.filename}. Attach it again."
            ) from error
        return File(
            name=attachment.filename,
            path=path,
            size=attachment.size,
            mime=attachment.content_type,
        )

    async def run(self, given: Mapping[str, Any]) -> None:
        """Run the job, showing how it moves on, and post its result."""
        job = Job(
            self.job.id, self.job.endpoint, self.job.asker, given, self.job.file_limit,
            self.job.conversation,
        )  # fmt: skip
        running = self.jobs.start(job, header=lambda: self.header)
        try:
            if job.endpoint.answer is Answer.THREAD:
                await self._open_thread()
            outcome = await self._follow(running)
            await self.post(outcome)
        finally:
            self.jobs.discard(running)
            for path in self._uploads:
                path.unlink(missing_ok=True)

    async def _follow(self, running: Running) -> Outcome:
        """Edit the message as the job moves on, until it ends."""
        result = asyncio.ensure_future(running.result())
        pause = FIRST_EDIT
        while not (await asyncio.wait({result}, timeout=pause))[0]:
            # The last edit must not wait behind this one: it is given up when the job ends.
            edit = asyncio.ensure_future(self._show(running))
            await asyncio.wait({result, edit}, return_when=asyncio.FIRST_COMPLETED)
            if not edit.done():
                edit.cancel()
            pause = max(EDIT, len(self.jobs.running) / EDITS_A_SECOND)
        return await result

    async def _show(self, running: Running) -> None:
        """Edit the message to where the job stands, where that has changed."""
        if self._expired:
            return
        line = words.progress(running.progress, self.since)
        try:
            preview = await self.jobs.preview(running, self.header)
            text = f"{preview.text[: 1990 - len(line)]}\n{line}" if preview else ""
            text = text or f"{self.header}\n{line}"
            if text == self._shown:
                return
            self._shown = text
            files = [] if preview is None else preview.files
            await self._edit(text, files=files, view=cancel_view(self.job.id))
        except discord.HTTPException as error:
            if error.code not in GONE:
                log.warning("job %s: progress could not be shown: %s", self.job.id, error)
        except SpacebotError as error:
            log.info("job %s: no preview: %s", self.job.id, type(error).__name__)

    @property
    def _expired(self) -> bool:
        return time.time() - self.interaction.created_at.timestamp() > TOKEN

    async def _edit(
        self, text: str, *, files: Sequence[Attached] = (), view: discord.ui.View | None = None
    ) -> None:
        opened = _opened(files)
        try:
            await self.interaction.edit_original_response(
                content=text,
                attachments=opened,
                view=view,
                allowed_mentions=discord.AllowedMentions.none(),
            )
        finally:
            for file in opened:
                file.close()

    async def _open_thread(self) -> None:
        """Open a thread on the reply, named by the prompt; without one the answer stays here."""
        channel = self.interaction.channel
        if not isinstance(channel, discord.TextChannel) or self.interaction.guild is None:
            return
        try:
            message = await self.interaction.original_response()
            self._thread = await channel.create_thread(
                name=inputs.thread_title(self.job.endpoint, self.job.given),
                message=discord.Object(message.id),
            )
        except discord.HTTPException as error:
            log.info("job %s: no thread: %s", self.job.id, error)

    async def post(self, outcome: Outcome) -> None:
        """Post the messages of a result, in order, where the asker will see them."""
        done = words.took(outcome.ran)
        replies = outcome.replies
        if self._thread is not None and await self._post_in_thread(self._thread, replies):
            await self._finish(Reply(f"{self.header}\n{done} · in {self._thread.mention}"))
            return
        first, *rest = replies
        if len(first.text) + len(done) < 2000:
            first = Reply(f"{first.text}\n{done}", first.files)
        await self._finish(first)
        for reply in rest:
            await self._more(reply)

    async def _post_in_thread(self, thread: discord.Thread, replies: Sequence[Reply]) -> bool:
        try:
            for reply in replies:
                await send(thread, reply)
        except discord.HTTPException as error:
            if error.code not in GONE:
                raise
            return False
        return True

    async def fail(self, error: BaseException) -> None:
        """Say in the same message what went wrong and what to do next."""
        if isinstance(error, Cancelled):
            log.info("job %s was cancelled", self.job.id)
        await self._finish(Reply(f"{self.header}\n{words.failure(error)}"))

    async def _finish(self, reply: Reply) -> None:
        """Make the first reply the final one, or deliver it another way."""
        if not self._expired:
            try:
                await self._edit(reply.text, files=reply.files)
            except discord.HTTPException as error:
                if error.code == TOO_LARGE and reply.files:
                    await self._finish(without_files(reply))
                    return
                if error.code not in GONE:
                    raise
            else:
                return
        await self._another_way(reply)

    async def _more(self, reply: Reply) -> None:
        """Post one message after the first."""
        if not self._expired:
            opened = _opened(reply.files)
            try:
                await self.interaction.followup.send(
                    reply.text,
                    files=opened,
                    ephemeral=self.private,
                    allowed_mentions=discord.AllowedMentions.none(),
                )
            except discord.HTTPException as error:
                if error.code not in GONE:
                    raise
            else:
                return
        await self._another_way(reply)

    async def _another_way(self, reply: Reply) -> None:
        """Deliver by an ordinary message, mentioning the asker; else by direct message."""
        user = self.interaction.user
        channel = self.interaction.channel
        if isinstance(channel, discord.abc.Messageable) and not self.private:
            try:
                await send(channel, reply, mention=user)
            except discord.HTTPException as error:
                log.info("job %s: not in its channel: %s", self.job.id, error)
            else:
                return
        try:
            await send(user, reply)
        except discord.HTTPException as error:
            log.warning("job %s could not be delivered anywhere: %s", self.job.id, error)


async def send(
    place: discord.abc.Messageable, reply: Reply, *, mention: discord.abc.User | None = None
) -> discord.Message:
    """Send a reply as an ordinary message; `mention` is pinged, nobody else is."""
    text = reply.text
    if mention is not None and mention.mention not in text:
        text = f"{mention.mention}\n{text}"[:2000]
    return await place.send(
        text,
        files=_opened(reply.files),
        allowed_mentions=discord.AllowedMentions(
            everyone=False, roles=False, users=[mention] if mention else False
        ),
    )


def without_files(reply: Reply) -> Reply:
    """The same without its files, saying so: Discord over-reports what it takes at times."""
    names = ", ".join(file.name for file in reply.files)
    return Reply(f"{reply.text[:1800]}\n-# Discord did not take {names}: too large for this place.")


def _opened(files: Sequence[Attached]) -> list[discord.File]:
    return [
        discord.File(file.path, file.name, description=file.description or None) for file in files
    ]


def _named(value: Any) -> Any:
    """An attachment by its name, before it was fetched."""
    if isinstance(value, discord.Attachment):
        return File(name=value.filename, size=value.size, mime=value.content_type)
    return value
