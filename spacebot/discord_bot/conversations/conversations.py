"""The conversations: where they are, who may speak, and what is asked next."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import discord

from spacebot.discord_bot.age import AgeGate
from spacebot.discord_bot.conversations.allowed import conversation_places, endpoint_of
from spacebot.discord_bot.conversations.chat_surface import ChatSurface
from spacebot.discord_bot.conversations.earlier import wait_for_earlier
from spacebot.discord_bot.conversations.message_stream import MessageStream
from spacebot.discord_bot.conversations.question import (
    Question,
    copied_record,
    lost_conversation,
    question_job,
    saved_question,
)
from spacebot.discord_bot.conversations.question_queue import (
    MAX_WAITING,
    QuestionQueue,
    QuestionQueues,
)
from spacebot.discord_bot.conversations.transcript import secrets_of
from spacebot.discord_bot.delivery import DISCORD_ERRORS
from spacebot.discord_bot.delivery.attachments import attachments_of, fetch_attachment, pending_file
from spacebot.discord_bot.recovery import Recovery
from spacebot.engine import job_text
from spacebot.engine.admission import Ask
from spacebot.engine.jobs import (
    SECRET_PLACEHOLDER,
    JobManager,
    ending_of,
    endpoint_stub,
    to_job,
    to_stored,
)
from spacebot.engine.store import Conversation, JobRecord
from spacebot.errors import EndpointGone, InputError, SpacebotError, kind_of
from spacebot.models import Endpoint, File, Job, Reply, Requester

log = logging.getLogger(__name__)

NOT_YOURS = (
    "This conversation belongs to {owner}. They can let everybody speak with **Open to all** "
    "under the last answer; **Fork** gives you one of your own."
)
CONVERSATION_ENDED = "This conversation is no longer stored. Start a new one with `{command}`."


class Conversations:
    """Every conversation of the bot. All calls belong to one event loop."""

    def __init__(self, client: discord.Client, jobs: JobManager, age: AgeGate) -> None:
        self.client = client
        self.jobs = jobs
        self.age = age
        self.store = jobs.store.chats
        self.question_queues = QuestionQueues(self._answer, jobs.release)
        # By channel; if several people may talk to the bot in one channel, by person too.
        self._of_channel: dict[str, str] = {}
        self._of_person: dict[tuple[str, str], str] = {}
        # By conversation and member: one member's password is never used for another's question.
        self._secrets: dict[tuple[str, str], dict[str, Any]] = {}
        # The chat that each channel has chosen, as Space and API name.
        self.chosen: dict[str, tuple[str, str]] = {}
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def chats(self, guild: int | None) -> dict[str, Endpoint]:
        """The chats that a server's members see, by their commands; for None, those elsewhere."""
        commands = await self.jobs.catalogue.commands_in(guild)
        return {name: endpoint for name, endpoint in commands.items() if endpoint.chats}

    def __bool__(self) -> bool:
        return bool(self._of_channel or self._of_person)

    async def load(self) -> None:
        """Learn where the stored conversations are, and which chats channels have chosen."""
        self.chosen = await self.store.chosen()
        for conversation, channel, user, addressed in await self.store.places():
            self._note(conversation, channel, user, addressed)

    async def choose(self, channel: str, chat: tuple[str, str] | None) -> None:
        """Set the chat that answers in a channel; None removes the choice."""
        await self.store.choose(channel, chat)
        self.chosen.pop(channel, None)
        self.chosen |= {channel: chat} if chat else {}

    def _note(self, conversation: str, channel: str, user: str, addressed: bool) -> None:
        if addressed:
            self._of_person[channel, user] = conversation
        else:
            self._of_channel[channel] = conversation

    def lock(self, channel: object) -> asyncio.Lock:
        """Held while a message of this channel finds its conversation, so that messages stay in
        order."""
        return self._locks.setdefault(str(channel), asyncio.Lock())

    async def find(self, channel: object, user: object) -> Conversation | None:
        """The conversation that somebody talks to in this channel."""
        found = self._of_channel.get(str(channel)) or self._of_person.get((str(channel), str(user)))
        return await self.store.get(found) if found else None

    async def latest(self, conversation: str) -> Conversation | None:
        """A conversation as it is now, whichever process changed it last."""
        bot: Any = self.client
        return await (self.store.fresh if bot.has_peers else self.store.get)(conversation)

    async def begin(
        self,
        command: str,
        endpoint: Endpoint,
        settings: Mapping[str, Any],
        *,
        owner: discord.abc.User,
        channel: int,
        guild: int | None,
        addressed: bool = False,
    ) -> Conversation:
        """Begin a conversation; `settings` are by option name, attachments as
        Discord sends them."""
        number = uuid.uuid4().hex[:12]
        brought = {
            name: await self._fetched(number, endpoint, one, name)
            if isinstance(one, discord.Attachment)
            else one
            for name, one in settings.items()
        }
        secrets = secrets_of(endpoint, brought)
        conversation = Conversation(
            id=number,
            space=endpoint.space,
            api_name=endpoint.api_name,
            command=command,
            user=str(owner.id),
            mention=owner.mention,
            channel=str(channel),
            # A secret: with a session's name, anyone could speak in it on the Space itself.
            session=uuid.uuid4().hex,
            guild=str(guild) if guild else None,
            addressed=addressed,
            arguments={
                n: SECRET_PLACEHOLDER if n in secrets else to_stored(one)
                for n, one in brought.items()
            },
        )
        await self.add(conversation)
        self.give_secrets(number, conversation.user, secrets)
        return conversation

    async def add(self, conversation: Conversation) -> None:
        """Store a conversation, and answer in its channel from now on."""
        await self.jobs.store.saved(self.store.add(conversation))
        self._note(conversation.id, conversation.channel, conversation.user, conversation.addressed)

    def give_secrets(self, conversation: str, user: str, secrets: Mapping[str, Any]) -> None:
        """Use these secret settings for one member's questions here, until the bot stops."""
        if secrets:
            self._secrets.setdefault((conversation, user), {}).update(secrets)

    def secrets(self, conversation: str, user: str) -> Mapping[str, Any]:
        """The secret settings that one member has entered for this conversation."""
        return self._secrets.get((conversation, user), {})

    def say(
        self,
        conversation: Conversation,
        author: discord.abc.User,
        text: str,
        attachments: Sequence[discord.Attachment] = (),
        message: int | None = None,
    ) -> None:
        """Append a message to the conversation's queue."""
        job = question_job(self.client, conversation, author, text, message)
        ready = asyncio.ensure_future(self._prepare(conversation, job, attachments))
        self.question_queues.add(Question(job.id, conversation, job.requester, ready, message))

    async def _prepare(
        self, conversation: Conversation, job: Job, attachments: Sequence[discord.Attachment]
    ) -> Job:
        """Download the files and store the question; raises `SpacebotError`."""
        places = conversation_places(self.client, conversation)
        self.jobs.admission.check(Ask.of_job(job, places=places))
        if attachments and job.turn:
            endpoint = await self.endpoint(conversation)
            files = [await self._fetched(job.id, endpoint, one) for one in attachments]
            job = replace(job, turn=replace(job.turn, files=files))
        self.jobs.admit(job, places=places)
        await self.jobs.keep(job)
        return job

    async def _fetched(
        self, job: str, endpoint: Endpoint, attachment: discord.Attachment, option: str = ""
    ) -> File:
        file = pending_file(attachment)
        return await fetch_attachment(self.client, self.jobs, job, endpoint, file, option=option)

    async def endpoint(self, conversation: Conversation) -> Endpoint:
        """The endpoint of a conversation, as last described; raises `SpacebotError`."""
        found = await endpoint_of(self.jobs, conversation)
        if not found.chats:
            raise EndpointGone(
                "The Space no longer has this chat: it was changed. Start another one."
            )
        return found

    async def _answer(self, line: QuestionQueue, question: Question) -> None:
        """Answer one question, when its turn has come. Every failure is shown."""
        job = None
        try:
            job = await question.ready
            await self._ask(line, question, job)
        except Exception as error:
            if not isinstance(error, SpacebotError):
                log.exception("job %s failed unexpectedly", question.job)
            elif not isinstance(error, InputError):
                log.warning("job %s failed: %s", question.job, kind_of(error))
            said = job_text.describe_failure(error)
            await self.tell(question.conversation, said, question.message)
            if job is not None:
                await self.jobs.drop(job, ending_of(error))

    async def _ask(self, line: QuestionQueue, question: Question, job: Job) -> None:
        if earlier := await wait_for_earlier(self.client, self.jobs, line, question):
            line.go_behind(question, earlier)
            return
        if self.jobs.closing:
            # It is stored: the next start asks it.
            return
        if question.dropped:
            await self.jobs.forget(job)
            return
        kept = await self.latest(question.conversation.id)
        if kept is None or kept.ended is not None:
            raise EndpointGone(CONVERSATION_ENDED.format(command=job.command))
        line.current = self._surface(kept, job, question)
        await line.current.run()

    def _surface(self, kept: Conversation, job: Job, question: Question) -> ChatSurface:
        about = (kept, job, question, self.secrets(kept.id, question.requester.user))
        return ChatSurface(self.client, self.jobs, self.age, *about)

    async def tell(
        self, conversation: Conversation, text: str, question: int | None = None
    ) -> None:
        """Say something in a conversation that is not an answer."""
        try:
            await MessageStream(self.client, int(conversation.channel), question=question).show(
                [Reply(text[:2000])]
            )
        except DISCORD_ERRORS as error:
            log.info("conversation %s: cannot post there: %s", conversation.id, error)

    async def hear(
        self,
        conversation: Conversation,
        message: discord.Message,
        text: str,
        *,
        mentioned: bool,
    ) -> None:
        """Handle a message in a conversation's channel: a question, or nothing for us."""
        if conversation.addressed and not mentioned:
            return
        if conversation.ended is not None:
            if mentioned or message.guild is None:
                said = CONVERSATION_ENDED.format(command=conversation.command)
                await self.tell(conversation, said, message.id)
            return
        if not conversation.open and str(message.author.id) != conversation.user:
            if mentioned:
                said = NOT_YOURS.format(owner=conversation.mention)
                await self.tell(conversation, said, message.id)
            return
        files = attachments_of(message)
        if not text and not files:
            return
        line = self.question_queues.of(conversation.id)
        if line.is_full:
            if not line.warned_full:
                line.warned_full = True
                said = (
                    f"⏳ {MAX_WAITING} messages wait here already. Say "
                    "this again when one is answered."
                )
                await self.tell(conversation, said, message.id)
            return
        self.say(conversation, message.author, text, files, message.id)

    async def again(self, conversation: Conversation, requester: Requester) -> bool:
        """Ask the last question again; False if there is none. Raises `SpacebotError`."""
        if not (said := await self.jobs.store.said(conversation.id)):
            return False
        job = replace(to_job(said[-1], endpoint_stub(said[-1])), requester=requester)
        self.jobs.admit(job, places=conversation_places(self.client, conversation))
        await self.jobs.admission.write(job.id)
        self.question_queues.add(saved_question(job, conversation, again=True, over=True))
        return True

    async def fork(
        self, conversation: Conversation, owner: discord.abc.User, channel: int
    ) -> Conversation:
        """A copy that continues separately in another channel, for another owner."""
        copy = replace(
            conversation,
            id=uuid.uuid4().hex[:12],
            user=str(owner.id),
            mention=owner.mention,
            channel=str(channel),
            session=uuid.uuid4().hex,
            process=None,
            account=None,
            addressed=False,
            open=False,
            answer=(),
            created=time.time(),
            used=time.time(),
        )
        await self.add(copy)
        # The new owner keeps only the secrets that they entered themselves.
        mine = self.secrets(conversation.id, copy.user)
        self.give_secrets(copy.id, copy.user, mine)
        for record in await self.jobs.store.said(conversation.id):
            if copied := copied_record(record, copy):
                await self.jobs.store.saved(self.jobs.store.add(copied))
        return copy

    def deleted(self, message: int) -> None:
        """Handle a deleted message."""
        self.question_queues.deleted(message)

    def closed(self, channel: int, why: str) -> None:
        """Handle a thread that was closed or deleted."""
        if conversation := self._of_channel.get(str(channel)):
            self.question_queues.stop(conversation, why)

    async def recovery(self, record: JobRecord) -> Recovery | None:
        """How to continue a question that a restart interrupted; None for any other job."""
        if record.chat is None or record.turn is None:
            return None
        conversation = await self.store.get(record.chat) or lost_conversation(record)
        job = await self.jobs.archive.job_of(record, endpoint_of(self.jobs, conversation))
        if not record.user:
            # A copied question, asked again in the fork.
            job = replace(job, requester=Requester(conversation.user, conversation.mention))
        question = saved_question(job, conversation, again=bool(record.turn.answer))

        async def run() -> None:
            self.question_queues.add(question)

        remembers = job.endpoint.stateful and not job.endpoint.takes_history
        surface = self._surface(conversation, job, question)
        return Recovery(job, surface, run, job.endpoint.repeatable or not remembers)
