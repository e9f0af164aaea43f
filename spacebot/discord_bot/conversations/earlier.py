"""The questions that other processes were asked before one, in the same conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Set as AbstractSet
from typing import Any

from spacebot.discord_bot.conversations.question import Question
from spacebot.discord_bot.conversations.question_queue import QuestionQueue
from spacebot.engine.jobs import JobManager
from spacebot.errors import StoreError

# How often to look whether another process has answered, in seconds.
ELSEWHERE_PAUSE = 1.0
# How long to wait until what an ended process left is recovered, in seconds.
RECOVERY_WAIT = 30.0


async def wait_for_earlier(
    bot: Any, jobs: JobManager, line: QuestionQueue, question: Question
) -> AbstractSet[str]:
    """Wait while other processes answer earlier questions, or this one recovers them; returns the
    recovered ones, which are in the queue by then and come first."""
    if not bot.has_peers:
        return frozenset()
    clock, has_looked = asyncio.get_running_loop().time, False
    give_up = clock() + RECOVERY_WAIT
    while not jobs.closing and not question.dropped:
        try:
            asked = await jobs.store.asked_before(question.job)
        except StoreError:
            if not has_looked:
                break
        else:
            has_looked = True
            missing = asked.keys() - jobs.job_ids
            recovered = missing & {one.job for one in line.waiting}
            if recovered or not missing:
                return recovered
            if any(bot.is_living(asked[one]) for one in missing):
                give_up = clock() + RECOVERY_WAIT
            elif clock() > give_up:
                break
        await asyncio.sleep(ELSEWHERE_PAUSE)
    return frozenset()
