"""Acknowledging interactions, where Discord's answer to that is lost or empty."""

from __future__ import annotations

from typing import Any

import discord
from discord.webhook.async_ import AsyncWebhookAdapter

from spacebot.places import TROUBLE

# Discord's code for an interaction that was answered before.
ACKNOWLEDGED = 40060
# Answers that make no message.
CHOICES, MODAL = 8, 9


class Acknowledging(AsyncWebhookAdapter):
    """discord.py's requests for interactions; what may have been taken is looked for."""

    def __init__(self, client: discord.Client) -> None:
        super().__init__()
        self.client = client

    async def create_interaction_response(  # type: ignore[override]
        self, interaction_id: int, token: str, *, params: Any, **how: Any
    ) -> Any:
        """Answer an interaction; raises where that was not taken."""
        lost: Exception | None = None
        try:
            answered = await super().create_interaction_response(
                interaction_id, token, params=params, **how
            )
            if isinstance(answered, dict):
                return answered
        except TROUBLE as error:
            # discord.py asks again by itself, and the first time may have been the one.
            if isinstance(error, discord.HTTPException) and error.code != ACKNOWLEDGED:
                raise
            lost = error
        about: dict[str, Any] = {"id": str(interaction_id), "type": 2}
        if (params.payload or {}).get("type") not in (CHOICES, MODAL):
            message = await self.get_original_interaction_response(
                self.client.application_id or 0, token, **how
            )
            about["response_message_id"] = message["id"]
        elif lost and not isinstance(lost, discord.HTTPException):
            raise lost
        return {"interaction": about}
