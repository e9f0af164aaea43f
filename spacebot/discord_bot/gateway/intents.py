"""Which intents the bot requests from Discord: the fewest, and privileged ones only if used."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

import discord

from spacebot.discord_bot.discord_internals import set_intents

log = logging.getLogger(__name__)

CONTENT, MEMBERS = "message_content", "members"
# A privileged intent → its name in the Developer Portal, and the flags of an application that has
# it switched on: a verified application, and a small one.
PORTAL_NAMES: Mapping[str, tuple[str, str, str]] = {
    CONTENT: (
        "Message Content Intent",
        "gateway_message_content",
        "gateway_message_content_limited",
    ),
    MEMBERS: ("Server Members Intent", "gateway_guild_members", "gateway_guild_members_limited"),
}


def minimal_intents() -> discord.Intents:
    """Servers, their messages and reactions, and deletions: no privileged intent."""
    return discord.Intents(guilds=True, guild_messages=True, dm_messages=True, guild_reactions=True)


class PrivilegedIntents:
    """The privileged intents that features need, and which of them Discord allows.

    A forbidden intent is never requested, since Discord would refuse the whole connection. A
    requested one stays until the next start. `identify` gets the client another session.
    """

    def __init__(self, client: discord.Client, identify: Callable[[], Awaitable[None]]) -> None:
        self._client = client
        self._identify = identify
        self._needs: dict[str, frozenset[str]] = {}
        self._allowed: frozenset[str] = frozenset()
        self._asked: frozenset[str] = frozenset()
        self._refused = False

    @property
    def asked(self) -> frozenset[str]:
        """The privileged intents that are requested."""
        return self._asked

    def need(self, feature: str, names: Iterable[str]) -> None:
        """Note what a feature needs now, replacing what it needed before."""
        self._needs[feature] = frozenset(names)

    def lacking(self, names: Iterable[str]) -> list[str]:
        """Those of these that Discord does not allow, by their names in the Developer Portal."""
        return [PORTAL_NAMES[name][0] for name in sorted(names) if name not in self._allowed]

    def refuse(self) -> None:
        """Request no privileged intent until `renew` is called: Discord rejected them."""
        self._refused = True

    def read(self, flags: discord.ApplicationFlags) -> None:
        """Note what an application's flags allow, and request what is needed."""
        self._allowed = frozenset(
            name
            for name, (_, verified, small) in PORTAL_NAMES.items()
            if getattr(flags, verified) or getattr(flags, small)
        )
        if self._refused:
            self._allowed = frozenset()
        needed = frozenset[str]().union(*self._needs.values())
        self._asked |= needed & self._allowed
        self._set(minimal_intents(), self._asked)

    def _set(self, intents: discord.Intents, names: Iterable[str]) -> None:
        for name in names:
            setattr(intents, name, True)
        set_intents(self._client, intents)

    async def renew(self) -> None:
        """Check what Discord allows now, and identify again if that adds what is needed.

        The old session closes once the new one is ready: no event is missed.
        """
        before = self._asked
        self._refused = False
        self.read((await self._client.application_info()).flags)
        if self._asked == before or not self._client.is_ready():
            return
        log.info("identifying again, to receive more: %s", ", ".join(sorted(self._asked)))
        try:
            await self._identify()
        except TimeoutError:
            log.warning("Discord did not list its servers in time")
        except (discord.ConnectionClosed, OSError) as error:
            log.warning("Discord did not give a new session: %s", type(error).__name__)
            self._forgo(before)

    def _forgo(self, before: frozenset[str]) -> None:
        """Continue with the intents of the current session."""
        self._asked, self._allowed = before, self._allowed & before
        self._set(minimal_intents(), before)
