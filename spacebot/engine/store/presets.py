"""The presets of members and servers: commands with their values, under a name."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from spacebot.engine.store.part import StorePart
from spacebot.engine.store.tables import by_key, presets
from spacebot.models import guild_key, guild_of

# How many presets a member, or a server, may have.
MAX_PRESETS = 25


@dataclass(frozen=True, slots=True)
class Preset:
    """One preset.

    `owner` is `models.user_key` or `models.guild_key`. `key` is the name in the form used for
    comparison. `arguments` are stored like those of a job, without secrets. `nsfw` says whether the
    command was age-restricted when the preset was saved.
    """

    owner: str
    key: str
    name: str
    space: str
    api_name: str
    command: str
    arguments: Mapping[str, Any] = field(repr=False)
    nsfw: bool
    maker: str
    created: float = field(default_factory=time.time)


class PresetStore(StorePart):
    """The presets in the store."""

    async def of(self, owner: str) -> list[Preset]:
        """A member's or a server's presets, by name."""
        chosen = sa.select(presets).where(presets.c.owner == owner).order_by(presets.c.key)
        return [Preset(**by_key(row, presets)) for row in await self._rows(chosen)]

    async def get(self, owner: str, key: str) -> Preset | None:
        """One preset; None if there is none with this name."""
        mine = sa.and_(presets.c.owner == owner, presets.c.key == key)
        found = await self._rows(sa.select(presets).where(mine))
        return Preset(**by_key(found[0], presets)) if found else None

    async def servers(self) -> list[int]:
        """The ids of the servers that have presets."""
        chosen = sa.select(presets.c.owner).where(presets.c.owner.startswith(guild_key("")))
        owners = await self._rows(chosen.distinct())
        return [guild for row in owners if (guild := guild_of(row.owner)) is not None]

    async def put(self, preset: Preset) -> None:
        """Store a preset, replacing one with the same name."""
        await self._put(presets, asdict(preset))

    async def delete(self, owner: str, key: str) -> None:
        """Delete one preset."""
        mine = sa.and_(presets.c.owner == owner, presets.c.key == key)
        await self._execute(presets.delete().where(mine))

    async def delete_all(self, owner: str) -> None:
        """Delete every preset of a member or a server."""
        await self._execute(presets.delete().where(presets.c.owner == owner))
