"""A server whose moderators add Spaces: a loopback Discord, a loopback Hub, the real bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacebot.engine.on_demand import SpacePolicy
from spacebot.engine.store import ServerSpace
from spacebot.models import Source
from tests.e2e.conftest import Place, discord
from tests.support.bot_in_loop import Home, at_home
from tests.support.loopback import Channel, Guild, Interaction, User
from tests.support.spaces_hub import Hosted, Hub, hub


@dataclass(frozen=True)
class Town:
    """`mod` and `deputy` may manage the server "Lab", `ada` and `ben` may not."""

    place: Place
    home: Home
    hub: Hub
    mod: User
    deputy: User

    @property
    def guild(self) -> Guild:
        """The server."""
        return self.place.guild

    async def space(
        self, what: str, options: dict[str, Any] | None = None, *, by: User | None = None
    ) -> str:
        """Use `/space what`; returns the final answer to the moderator."""
        user = by or self.mod
        seen = await user.command(f"space {what}", options or {}, channel=self.place.channel)
        return await told(seen)

    async def rows(self, guild: Guild | None = None) -> list[ServerSpace]:
        """The Spaces that a server added."""
        return await self.home.jobs.store.server_spaces.of(str((guild or self.guild).id))

    def commands(self, guild: Guild | None = None) -> list[str]:
        """A server's own commands, as Discord has them."""
        found = self.place.server.commands.all((guild or self.guild).id)
        return [command["name"] for command in found]

    def puts(self, guild: Guild | None = None) -> int:
        """How often a server's commands were sent to Discord."""
        path = f"/guilds/{(guild or self.guild).id}/commands"
        made = self.place.server.requests
        return sum(one.method == "PUT" and one.path.endswith(path) for one in made)

    def other(self, *people: User) -> tuple[Guild, Channel]:
        """Another server, which the same moderator may manage."""
        guild = self.place.server.add_guild("Elsewhere", *people)
        guild.add_member(self.mod, "manage_guild", "manage_messages")
        return guild, guild.add_text_channel("there")


async def told(seen: Interaction) -> str:
    """The final text of the answer, with all its messages."""
    await seen.wait(lambda one: one.message is not None and not one.message.loading, 20)
    assert seen.message is not None
    assert seen.message.ephemeral
    return "\n".join(message.text for message in (seen.message, *seen.followups))


@asynccontextmanager
async def town(
    folder: Path, spaces: dict[str, str], *sources: Source, policy: SpacePolicy | None = None
) -> AsyncIterator[Town]:
    """The bot in a server; `spaces` are those on the Hub, by name, with their addresses."""
    async with discord() as place, hub() as there:
        mod, deputy = place.server.add_user("mod"), place.server.add_user("deputy")
        for one in (mod, deputy):
            place.guild.add_member(one, "manage_guild", "manage_messages")
        for name, address in spaces.items():
            there.spaces[name] = Hosted(address)
        async with at_home(
            place.server, *sources, folder=folder, hub=there.api, policy=policy
        ) as home:
            yield Town(place, home, there, mod, deputy)
