"""An option's choices that match what a person types."""

from __future__ import annotations

import asyncio

from spacebot.models import Choice, Parameter
from spacebot.spaces import inputs

# From this many choices on, matching happens in a thread.
MAX_CHOICES_ON_LOOP = 2000


async def choices_for(parameter: Parameter | None, text: str) -> list[Choice]:
    """The choices of a parameter that match a text; none if there is no such parameter."""
    if parameter is None:
        return []
    if len(parameter.choices) > MAX_CHOICES_ON_LOOP:
        return await asyncio.to_thread(inputs.suggest_for, parameter, text)
    return inputs.suggest_for(parameter, text)
