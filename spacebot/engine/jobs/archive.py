"""Kept jobs, to do something with again: their values, their files, their endpoints."""

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
    """The jobs in the store. `upload_path` gives the place of a job's file by its name."""

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
        """A kept job with its endpoint as it is now; raises `SpacebotError`.

        Files that are no longer kept are left out of what was given.
        """
        record = await self.store.get(job)
        if record is None:
            raise InputError(JOB_FORGOTTEN)
        kept = to_job(record, await self.endpoint_of(record))
        arguments = {name: one for name, one in kept.arguments.items() if _file_exists(one)}
        return record, replace(kept, arguments=arguments)

    async def endpoint_of(self, record: JobRecord) -> Endpoint:
        """The endpoint of a kept job, as it was last described; raises `SpacebotError`."""
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
        """The endpoint of a job in the chain of a kept one; raises `SpacebotError`."""
        guild = listing_server(record.command, record.message_ref.guild)
        found = await follow_ups.endpoint_of(
            self.catalogue, record.space, chain, account, guild=guild
        )
        return _as_private(record, found)

    async def job_of(self, record: JobRecord, find: Awaitable[Endpoint] | None = None) -> Job:
        """A kept job, its endpoint found by `find`, where it is not the one that ran.

        Where that cannot be had, it has a stub: running it says why.
        """
        try:
            endpoint = await (find or self.endpoint_of(record))
        except StoreError:
            raise
        except SpacebotError:
            endpoint = endpoint_stub(record)
        return to_job(record, endpoint)

    def adopt(self, job: str, file: File) -> File:
        """A kept file of another job as this one's own; raises `InputError` where it is gone."""
        if file.path is None or not file.path.exists():
            raise InputError(f"{file.name} is no longer stored. Attach it again.")
        path = self._upload_path(job, file.name)
        try:
            os.link(file.path, path)
        except OSError:
            shutil.copyfile(file.path, path)
        return replace(file, path=path, folder=path.parent)


def _as_private(record: JobRecord, endpoint: Endpoint) -> Endpoint:
    """The endpoint; after a private answer it answers privately, wherever it does now."""
    private = record.message_ref.private
    return replace(endpoint, answer=AnswerPlace.PRIVATE) if private else endpoint


def _file_exists(value: Any) -> bool:
    if not isinstance(value, File):
        return True
    # One that never came here may still be had from where it was.
    return value.path.exists() if value.path is not None else value.url is not None
