"""Attachments on their way to a Space, stored as long as their job."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from spacebot.engine.jobs.queue import JobLimits
from spacebot.errors import LimitReached
from spacebot.models import Job
from spacebot.spaces.outputs.values import files_in
from spacebot.wording import file_size


class UploadFolders:
    """A folder for each job under `folder`; `at_once` limits simultaneous downloads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.at_once = asyncio.Semaphore(4)

    def path(self, job: str, name: str) -> Path:
        """A path for a file of this name."""
        folder = self._folder / job
        # Each file has its own folder, since the Space sees the file's name.
        number = len(list(folder.iterdir())) if folder.exists() else 0
        place = folder / str(number)
        place.mkdir(parents=True)
        return place / (re.sub(r"[^\w.() -]", "_", Path(name).name)[-100:].strip(". ") or "file")

    def owns(self, job: str, path: Path) -> bool:
        """Whether a file belongs to this job and exists."""
        return path.is_relative_to(self._folder / job) and path.exists()

    def delete(self, jobs: Iterable[str]) -> None:
        """Delete the files of these jobs."""
        for job in jobs:
            shutil.rmtree(self._folder / job, ignore_errors=True)

    def since_before(self, moment: float) -> list[str]:
        """The jobs whose files are older than `moment` (epoch seconds)."""
        with contextlib.suppress(FileNotFoundError):
            folders = list(self._folder.iterdir())
            return [one.name for one in folders if one.stat().st_mtime < moment]
        return []


def check_room(job: Job, others: Iterable[Job], limits: JobLimits) -> None:
    """Raise `LimitReached` if this job's files exceed a limit, with those of unsettled jobs."""
    size = _size(job)
    if not size:
        return
    sizes = [(other.requester.turns, _size(other)) for other in others]
    if size + sum(held for _, held in sizes) > limits.files_in_all:
        raise LimitReached(
            "The bot's space for files of unfinished jobs is full "
            f"({file_size(limits.files_in_all)}). Try again in a few minutes."
        )
    if (
        size + sum(held for who, held in sizes if who == job.requester.turns)
        > limits.files_per_user
    ):
        raise LimitReached(
            "Your unfinished jobs leave no room for these files: the limit is "
            f"{file_size(limits.files_per_user)} in total. Try again when a job is done, or "
            "attach smaller files."
        )


def _size(job: Job) -> int:
    return sum(file.size or 0 for file in files_in(job.arguments))
