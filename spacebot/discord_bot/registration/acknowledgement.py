"""Acknowledging interactions, even if Discord's response to that is lost or empty."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import aiohttp
import discord
from discord.webhook.async_ import AsyncWebhookAdapter

from spacebot.discord_bot.delivery import DISCORD_ERRORS, Refusal, refusal_of

# Answers that create no message.
AUTOCOMPLETE_RESULT, MODAL = 8, 9


class AcknowledgingAdapter(AsyncWebhookAdapter):
    """discord.py's requests for interactions; after a lost response, it checks whether the answer
    arrived."""

    def __init__(self, client: discord.Client) -> None:
        super().__init__()
        self.client = client

    async def create_interaction_response(  # type: ignore[override]
        self,
        interaction_id: int,
        token: str,
        *,
        session: aiohttp.ClientSession,
        params: Any,
        **how: Any,
    ) -> Any:
        """Answer an interaction; raises if that failed, or if another process was first."""
        watched, lost = AmbiguousFailureSession(session), None
        ask = partial(
            super().create_interaction_response, interaction_id, token, params=params, **how
        )
        try:
            answered = await ask(session=cast(aiohttp.ClientSession, watched))
            if isinstance(answered, dict):
                return answered
        except DISCORD_ERRORS as error:
            if isinstance(error, discord.HTTPException) and not _is_ours(error, watched):
                raise
            lost = error
        about: dict[str, Any] = {"id": str(interaction_id), "type": 2}
        if (params.payload or {}).get("type") not in (AUTOCOMPLETE_RESULT, MODAL):
            try:
                message = await self.get_original_interaction_response(
                    self.client.application_id or 0, token, session=session, **how
                )
            except discord.NotFound as error:
                if refusal_of(error) is not Refusal.UNANSWERED:
                    raise
                # The request itself was lost, for example on a connection that Discord had closed.
                return await ask(session=session)
            about["response_message_id"] = message["id"]
        elif lost and not isinstance(lost, discord.HTTPException):
            raise lost
        return {"interaction": about}


def _is_ours(error: discord.HTTPException, watched: AmbiguousFailureSession) -> bool:
    """Whether we are the ones who already answered an interaction.

    discord.py repeats a request whose response got lost, and the first one may have been accepted.
    If none was lost, another process with the same token was faster.
    """
    return refusal_of(error) is Refusal.ACKNOWLEDGED and watched.lost


class AmbiguousFailureSession:
    """A session that notes whether Discord may have done something without confirming it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.lost = False

    @asynccontextmanager
    async def request(self, *args: Any, **arguments: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """Make a request, as `aiohttp.ClientSession` does."""
        try:
            async with self._session.request(*args, **arguments) as response:
                self.lost = self.lost or response.status >= 500
                yield response
        except (aiohttp.ClientError, OSError):
            self.lost = True
            raise
