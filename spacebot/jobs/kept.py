"""Kept jobs, to do something with again: their values, their files, their endpoints."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacebot import followups
from spacebot.catalogue import Catalogue
from spacebot.errors import InputError
from spacebot.jobs.records import chain_of, to_job
from spacebot.models import Endpoint, File, Job
from spacebot.store import Record, Store

FORGOTTEN = "This job is no longer kept. Use the command again."


class Kept:
    """The jobs in the store. `upload_path` gives the place of a job's file by its name."""

    def __init__(
        self, catalogue: Catalogue, store: Store, upload_path: Callable[[str, str], Path]
    ) -> None:
        self.catalogue = catalogue
        self.store = store
        self._upload_path = upload_path

    async def recall(self, job: str) -> tuple[Record, Job]:
        """A kept job with its endpoint as it is now; raises `EndpointGone`, `InputError`.

        Files that are no longer kept are left out of what was given.
        """
        record = await self.store.get(job)
        if record is None:
            raise InputError(FORGOTTEN)
        kept = to_job(record, self.endpoint_of(record))
        given = {name: one for name, one in kept.given.items() if _is_there(one)}
        return record, replace(kept, given=given)

    def endpoint_of(self, record: Record) -> Endpoint:
        """The endpoint of a kept job, as it is described now; raises `EndpointGone`."""
        chain = chain_of(record)
        if chain is not None:
            return followups.endpoint_of(self.catalogue, record.space, chain)
        return self.catalogue.find(record.space, record.api_name, record.command)

    def adopt(self, job: str, file: File) -> File:
        """A kept file of another job as this one's own; raises `InputError` where it is gone."""
        if file.path is None or not file.path.exists():
            raise InputError(f"{file.name} is no longer kept. Attach it again.")
        path = self._upload_path(job, file.name)
        try:
            os.link(file.path, path)
        except OSError:
            shutil.copyfile(file.path, path)
        return replace(file, path=path, folder=path.parent)


def _is_there(value: Any) -> bool:
    if not isinstance(value, File):
        return True
    # One that never came here may still be had from where it was.
    return value.path.exists() if value.path is not None else value.url is not None
