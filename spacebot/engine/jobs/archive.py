"""Stored jobs, for doing something with them again: their values, files and endpoints."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacebot.engine import follow_ups
from spacebot.engine.accounts import Accounts
from spacebot.engine.catalogue import Catalogue
from spacebot.engine.jobs.records import chain_of, endpoint_stub, to_job
from spacebot.engine.on_demand import listing_server
from spacebot.engine.store import JobRecord, Store
from spacebot.errors import InputError, SpacebotError, StoreError
from spacebot.models import (
    NO_ACCOUNT,
    Account,
    AnswerPlace,
    Endpoint,
    File,
    FollowUpChain,
    Job,
)

JOB_FORGOTTEN = "This job is no longer stored. Use the command again."


class JobArchive:
    """The jobs in the store. `upload_path` gives the path of a job's file by its name."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        upload_path: Callable[[str, str], Path],
        accounts: Accounts | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.store = store
        self._upload_path = upload_path
        self._accounts = accounts

    async def recall(self, job: str) -> tuple[JobRecord, Job]:
        """A stored job with its current endpoint; raises `SpacebotError`.

        Files that are no longer stored are left out of its values.
        """
        record = await self.store.get(job)
        if record is None:
            raise InputError(JOB_FORGOTTEN)
        kept = to_job(record, await self.endpoint_of(record))
        arguments = {name: one for name, one in kept.arguments.items() if _file_exists(one)}
        return record, replace(kept, arguments=arguments)

    async def endpoint_of(self, record: JobRecord) -> Endpoint:
        """A stored job's endpoint, as last described; raises `SpacebotError`."""
        chain, account = chain_of(record), NO_ACCOUNT
        if self._accounts is not None and record.account:
            account = await self._accounts.get(record.account)
        if chain is not None:
            return await self.follow_up_of(record, chain, account)
        named = record.space, record.api_name, record.command
        guild = listing_server(record.command, record.message_ref.guild)
        found = await self.catalogue.find(*named, account, guild=guild)
        return _as_private(record, found)

    async def follow_up_of(
        self, record: JobRecord, chain: FollowUpChain, account: Account
    ) -> Endpoint:
        """The endpoint of a job in a stored job's chain; raises `SpacebotError`."""
        guild = listing_server(record.command, record.message_ref.guild)
        found = await follow_ups.endpoint_of(
            self.catalogue, record.space, chain, account, guild=guild
        )
        return _as_private(record, found)

    async def job_of(self, record: JobRecord, find: Awaitable[Endpoint] | None = None) -> Job:
        """A stored job, with its endpoint from `find` if that differs from the one it ran.

        If there is none, the job gets a stub: running it says why.
        """
        try:
            endpoint = await (find or self.endpoint_of(record))
        except StoreError:
            raise
        except SpacebotError:
            endpoint = endpoint_stub(record)
        return to_job(record, endpoint)

    def adopt(self, job: str, file: File) -> File:
        """Give this job a copy of another job's stored file; raises `InputError` if the file is
        gone."""
        if file.path is None or not file.path.exists():
            raise InputError(f"{file.name} is no longer stored. Attach it again.")
        path = self._upload_path(job, file.name)
        try:
            os.link(file.path, path)
        except OSError:
            shutil.copyfile(file.path, path)
        return replace(file, path=path, folder=path.parent)


def _as_private(record: JobRecord, endpoint: Endpoint) -> Endpoint:
    """The endpoint, made private if the earlier answer was private."""
    private = record.message_ref.private
    return replace(endpoint, answer=AnswerPlace.PRIVATE) if private else endpoint


def _file_exists(value: Any) -> bool:
    if not isinstance(value, File):
        return True
    # A file that was never downloaded may still be at its address.
    return value.path.exists() if value.path is not None else value.url is not None
