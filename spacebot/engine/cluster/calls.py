"""What one process asks of another, carried by PostgreSQL's NOTIFY."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from spacebot.concurrency import TaskSet
from spacebot.engine.store import ClusterSession
from spacebot.errors import StoreError

log = logging.getLogger(__name__)

# How long to wait for another process, in seconds: Discord allows 3 for everything.
ANSWER_WITHIN = 1.5


class ProcessCalls:
    """Asks other processes to cancel what they run, and answers them.

    `session` gives the current session. `cancel` cancels what runs in this process under an id and
    says what that does; it returns None where this process cannot tell now.
    """

    def __init__(
        self,
        session: Callable[[], ClusterSession | None],
        cancel: Callable[[str], str | None],
    ) -> None:
        self._session = session
        self._cancel = cancel
        self._asked: dict[str, asyncio.Future[str]] = {}
        self._tasks = TaskSet()

    async def cancel(self, asker: int, process: int, target: str) -> str:
        """Have another process cancel what it runs; returns what that does, empty if it runs it
        no longer. Raises `StoreError` or `TimeoutError` where it is not known to have been told."""
        number = uuid.uuid4().hex
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._send(process, {"id": number, "asker": asker, "target": target})
                return await answer
        finally:
            del self._asked[number]

    def heard(self, payload: str) -> None:
        """Take a message of another process."""
        try:
            message = json.loads(payload)
            if "said" in message:
                self._answered(message["id"], str(message["said"]))
                return
            # All of it is understood before anything is cancelled.
            asker, number, target = (message[name] for name in ("asker", "id", "target"))
            asker = int(asker)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("a message of another process is not understood: %s", type(error).__name__)
            return
        if (said := self._cancel(str(target))) is not None:
            answer = self._answer(asker, {"id": number, "said": said})
            self._tasks.start(answer, "answer to another process")

    def _answered(self, number: str, said: str) -> None:
        answer = self._asked.get(number)
        if answer is not None and not answer.done():
            answer.set_result(said)

    async def _answer(self, asker: int, message: Mapping[str, Any]) -> None:
        try:
            await self._send(asker, message)
        except StoreError as error:
            log.warning("another process could not be answered: %s", error)

    async def _send(self, process: int, message: Mapping[str, Any]) -> None:
        session = self._session()
        if session is None:
            raise StoreError("This process has no session with the database.")
        await session.notify(process, json.dumps(message))
