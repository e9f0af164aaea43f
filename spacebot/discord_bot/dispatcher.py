"""Turns interactions into jobs: commands, buttons, and what a restart left behind."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import discord

from spacebot.discord_bot.age import AgeGate
from spacebot.discord_bot.button_base import cancel_view
from spacebot.discord_bot.delivery import (
    NO_PINGS,
    MessageSurface,
    Refusal,
    named_command,
    ref_of,
    refusal_of,
    requester_of,
)
from spacebot.discord_bot.delivery.attachments import with_pending_files
from spacebot.discord_bot.forms import Forms
from spacebot.discord_bot.recovery import Recovery
from spacebot.engine import job_text
from spacebot.engine.admission import Ask, check_access
from spacebot.engine.follow import Follower
from spacebot.engine.jobs import JobManager
from spacebot.engine.on_demand import is_one_off
from spacebot.engine.pacing import InteractionThrottle
from spacebot.engine.store import JobRecord
from spacebot.models import (
    AnswerPlace,
    AutocompleteRequest,
    Choice,
    Endpoint,
    FollowUpChain,
    Job,
    JobEnding,
)
from spacebot.spaces import inputs

log = logging.getLogger(__name__)

# How long an answer waits for its job to be stored, in seconds: a disk that is busy for longer must
# not miss Discord's 3-second deadline.
RECORD_WAIT = 0.25

JOB_NOT_BEGUN = "This job has not started yet. Press **Cancel** again in a moment."

ConversationOpener = Callable[
    [discord.Interaction[Any], str, Endpoint, Mapping[str, Any]], Awaitable[bool]
]


class Cancellable(Protocol):
    """What a Cancel button stops: a job, or several shown together."""

    job: Job

    def cancel(self, why: str = "") -> str:
        """Stop it; returns a sentence that says what that does, after `why`."""
        ...


class Dispatcher:
    """Answers interactions: each becomes a job, and the job an answer."""

    def __init__(
        self,
        client: discord.Client,
        jobs: JobManager,
        forms: Forms,
        *,
        age: AgeGate,
        converse: ConversationOpener,
    ) -> None:
        self.client = client
        self.jobs = jobs
        self.forms = forms
        self.age = age
        self.throttle = InteractionThrottle()
        self._groups: dict[str, Cancellable] = {}
        # Begins a conversation with a chat's command, if possible.
        self._converse = converse

    async def answer(
        self,
        interaction: discord.Interaction[Any],
        command: str,
        endpoint: Endpoint,
        arguments: Mapping[str, Any],
        *,
        chain: FollowUpChain | None = None,
        conversation: str | None = None,
    ) -> None:
        """Acknowledge an interaction, run the job and post its result.

        `arguments` holds Discord's values by option name, attachments unchanged. `chain` says what
        it follows, `conversation` whose session it runs in.
        """
        self._check(interaction, command, endpoint)
        on_demand = self.jobs.catalogue.on_demand
        if on_demand is not None and is_one_off(command):
            on_demand.runs.count(str(interaction.user.id))
        if built_in := self.jobs.catalogue.built_in.get(endpoint.space):
            endpoint = built_in.describe(await self.commands_for(interaction)).endpoints[0]
            await built_in.run(self, interaction, endpoint, arguments)
            return
        alone = chain is None and conversation is None
        if alone and await self._converse(interaction, command, endpoint, arguments):
            return
        job = self.job(interaction, command, endpoint, arguments)
        if alone and endpoint.stateful and endpoint.then:
            # The state for its buttons: specific to this result, and found again after a restart.
            conversation = uuid.uuid4().hex
        account = chain.account if chain else None
        job = replace(job, chain=chain, conversation=conversation, account=account)
        job = await self.acknowledge(interaction, job)
        await self.throttle.wait_for_crowd()
        surface = MessageSurface(self.client, self.jobs, job)
        await Follower(surface, job).run()

    async def commands_for(self, interaction: discord.Interaction) -> dict[str, Endpoint]:
        """Every command that the person sees in this place."""
        return await self.jobs.catalogue.commands_in(interaction.guild_id)

    def cancellable(self, job: str) -> Cancellable | None:
        """What this job's Cancel button stops, while it runs."""
        return self.jobs.find(job) or self._groups.get(job)

    def cancel(self, job: str) -> str:
        """Cancel a job that runs here; returns what that does, empty if it does not."""
        if running := self.cancellable(job):
            return running.cancel()
        # In a crowd, this waits behind the commands that need acknowledging.
        return JOB_NOT_BEGUN if job in self.jobs.job_ids else ""

    @contextmanager
    def cancelling(self, group: Cancellable) -> Iterator[None]:
        """Have one Cancel button stop several jobs."""
        self._groups[group.job.id] = group
        try:
            yield
        finally:
            del self._groups[group.job.id]

    def check_any_space(self, interaction: discord.Interaction[Any]) -> None:
        """Raise `NotAllowed` if this person may not find and run any Space in this server."""
        limits = self.jobs.admission.of(interaction.guild_id)
        check_access(limits, requester_of(interaction.user))

    def _check(
        self, interaction: discord.Interaction[Any], command: str, endpoint: Endpoint
    ) -> None:
        """Raise `NotAllowed` or `AgeRestricted` if this member may not run it here."""
        if is_one_off(command):
            self.check_any_space(interaction)
        self.age.check(interaction, endpoint)

    async def recovery(self, record: JobRecord) -> Recovery:
        """How to continue a job that an interaction asked for: in its reply."""
        job = await self.jobs.archive.job_of(record)
        surface = MessageSurface(self.client, self.jobs, job)

        async def run() -> None:
            # Its message may have become known since.
            await Follower(surface, surface.job).run()

        return Recovery(job, surface, run, job.endpoint.repeatable)

    def job(
        self,
        interaction: discord.Interaction[Any],
        command: str,
        endpoint: Endpoint,
        arguments: Mapping[str, Any],
    ) -> Job:
        """The job that an interaction asks for."""
        private = endpoint.answer is AnswerPlace.PRIVATE
        return Job(
            id=uuid.uuid4().hex[:12],
            endpoint=endpoint,
            requester=requester_of(interaction.user),
            arguments=with_pending_files(arguments),
            command=command,
            message_ref=ref_of(interaction, private=private, nsfw=self.age.takes(interaction)),
            stored=True,
        )

    async def acknowledge(
        self, interaction: discord.Interaction[Any], job: Job, *, jobs: int = 1
    ) -> Job:
        """Store a job and answer its interaction; returns the job, with the message's id.

        Before either, it raises what `JobManager.keep` raises. `jobs` is how many it counts as.
        """
        self.jobs.admit(job, jobs)
        keeping = asyncio.ensure_future(self.jobs.keep(job))
        try:
            with self.throttle.acknowledging():
                # Stored first, so that nobody ever waits on a message that a killed process left.
                await asyncio.wait({keeping}, timeout=RECORD_WAIT)
                async with self.throttle.slots:
                    message = await self._acknowledge(interaction, job)
            await keeping
        except BaseException:
            await self.jobs.drop(job, JobEnding.CANCELLED)
            raise
        return at_message(job, message)

    async def _acknowledge(self, interaction: discord.Interaction[Any], job: Job) -> int | None:
        """Answer within Discord's 3 seconds, with a message that is edited from now on; returns its
        id."""
        respond = partial(
            interaction.response.send_message,
            ephemeral=job.endpoint.answer is AnswerPlace.PRIVATE,
            allowed_mentions=NO_PINGS,
            view=cancel_view(job.id),
        )
        header = partial(job_text.header_line, job, named_command(interaction))
        try:
            answered = await respond(job_text.under(header(), job_text.STARTING))
        except discord.HTTPException as error:
            if refusal_of(error) is not Refusal.MODERATED:
                raise
            # Probably the prompt: without it, the command can still be answered.
            answered = await respond(job_text.under(header(options=False), job_text.STARTING))
        return answered.message_id

    async def ask(
        self,
        interaction: discord.Interaction[Any],
        command: str,
        endpoint: Endpoint,
        arguments: Mapping[str, Any],
        *,
        only: Collection[str] | None = None,
        chain: FollowUpChain | None = None,
        conversation: str | None = None,
    ) -> None:
        """Open a form with the current values, `only` for these options; then answer."""
        self._check(interaction, command, endpoint)
        # Checked before anybody types: the server's limits would refuse it afterwards anyway.
        asked = self.job(interaction, command, endpoint, arguments)
        self.jobs.admission.check(Ask.of_job(asked))

        async def finish(after: discord.Interaction[Any], filled: dict[str, Any]) -> None:
            await self.answer(
                after, command, endpoint, filled, chain=chain, conversation=conversation
            )

        await self.forms.open(interaction, command, endpoint, arguments, finish, only=only)

    async def suggest(
        self,
        interaction: discord.Interaction[Any],
        endpoint: Endpoint,
        option: str,
        text: str,
    ) -> Sequence[Choice]:
        """Suggestions for an option while a person types: the ones that the Space's page would
        offer."""
        arguments = {
            name: value
            for name, value in interaction.namespace
            if name != option and isinstance(value, str | int | float)
        }
        if built_in := self.jobs.catalogue.built_in.get(endpoint.space):
            endpoint = built_in.describe(await self.commands_for(interaction)).endpoints[0]
        requester = requester_of(interaction.user)
        return await self.jobs.catalogue.suggest(
            AutocompleteRequest(endpoint, option, text, arguments, requester)
        )

    async def run_or_ask(
        self,
        interaction: discord.Interaction[Any],
        command: str,
        endpoint: Endpoint,
        arguments: Mapping[str, Any],
        *,
        chain: FollowUpChain | None = None,
        conversation: str | None = None,
        ask: Collection[str] = (),
    ) -> None:
        """Answer, after a form for missing required values.

        `ask` names optional parameters to ask for as well.
        """
        needed = (option for one in endpoint.parameters for option in inputs.own_options(one))
        only = {
            one.name
            for one in needed
            if (one.required or one.parameter in ask) and one.name not in arguments
        }
        way = self.answer if not only else partial(self.ask, only=only)
        await way(interaction, command, endpoint, arguments, chain=chain, conversation=conversation)


def at_message(job: Job, message: int | None) -> Job:
    """The job, with the id of the message that answers it."""
    assert job.message_ref is not None
    return replace(job, message_ref=replace(job.message_ref, message=message))
