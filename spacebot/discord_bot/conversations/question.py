"""A question of a conversation, as a job that waits for its turn."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, replace

import discord

from spacebot.discord_bot.delivery import requester_of
from spacebot.engine.jobs import endpoint_stub
from spacebot.engine.store import Conversation, JobRecord
from spacebot.models import (
    DEFAULT_FILE_LIMIT,
    ChatTurn,
    Job,
    JobEnding,
    MessageRef,
    Requester,
)


@dataclass(slots=True, eq=False)
class Question:
    """A waiting question.

    `again` asks it again; `over` replaces the last answer's messages. `conversation` is its state
    when the question was asked. `ready` yields the `job`, whose id is known before, once its files
    are downloaded and it is stored.
    """

    job: str
    conversation: Conversation
    requester: Requester
    ready: asyncio.Future[Job]
    message: int | None = None
    again: bool = False
    over: bool = False
    dropped: bool = False


def saved_question(job: Job, conversation: Conversation, **how: bool) -> Question:
    """A stored question, to be asked `again` or to replace (`over`) the last answer."""
    ready: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
    ready.set_result(job)
    message = job.message_ref.origin if job.message_ref else None
    return Question(job.id, conversation, job.requester, ready, message, **how)


def question_job(
    client: discord.Client,
    conversation: Conversation,
    author: discord.abc.User,
    text: str,
    message: int | None,
) -> Job:
    """The job of a question, without its files; `message` asked it, if there is one."""
    requester = requester_of(author)
    return Job(
        id=uuid.uuid4().hex[:12],
        endpoint=endpoint_stub(conversation),
        requester=requester,
        arguments={},
        command=conversation.command,
        message_ref=ref_in(client, conversation, requester, message),
        stored=True,
        chat=conversation.id,
        turn=ChatTurn(author.display_name, text),
    )


def ref_in(
    client: discord.Client, conversation: Conversation, requester: Requester, question: int | None
) -> MessageRef:
    """Where a conversation's question is answered: the answer has no message yet."""
    guild = client.get_guild(int(conversation.guild)) if conversation.guild else None
    return MessageRef(
        application=client.application_id or 0,
        created=time.time(),
        user=int(requester.user),
        channel=int(conversation.channel),
        guild=int(conversation.guild) if conversation.guild else None,
        origin=question,
        file_limit=guild.filesize_limit if guild else DEFAULT_FILE_LIMIT,
    )


def copied_record(record: JobRecord, copy: Conversation) -> JobRecord | None:
    """A question and its answer, for a copy of its conversation.

    It belongs to nobody, since its author has it in their history already. None for a question
    without an answer: it is asked only in the original conversation.
    """
    if record.is_unfinished and not record.is_answered:
        return None
    state = JobEnding.DONE.value if record.is_unfinished else record.state
    ref = replace(record.message_ref, channel=int(copy.channel), origin=None)
    number = uuid.uuid4().hex[:12]
    about = {"id": number, "chat": copy.id, "user": "", "mention": ""}
    return replace(record, **about, state=state, message_ref=ref)


def lost_conversation(record: JobRecord) -> Conversation:
    """What one of its questions tells about a conversation that is gone."""
    return Conversation(
        id=record.chat or "",
        space=record.space,
        api_name=record.api_name,
        command=record.command,
        user=record.user,
        mention=record.mention,
        channel=str(record.message_ref.channel or 0),
        session="",
        ended=time.time(),
    )
