"""The server itself: its state in one object, started on a free port of 127.0.0.1."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web

from . import routes_channels, routes_interactions, routes_places
from .actors import User
from .commands import Commands
from .gateway import PRIVILEGED, Gateway
from .interactions import Interaction
from .limits import Limits
from .rest import REQUEST_LIMIT, Logged, mount, nothing
from .state import Account, Attachment, Channel, Clock, Guild, Message, Snowflakes, Watched

TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAw.loopback.no-secret-this-token-opens-nothing"
FILE_ROUTE = "/{folder:attachments|ephemeral-attachments}/{channel}/{file}/{name}"
# The flags that say which privileged intents an unverified application may use.
FLAGS = {"presences": 1 << 13, "members": 1 << 15, "message_content": 1 << 19}


class DiscordServer(Watched):
    """A Discord of one's own: `async with DiscordServer() as server`.

    `privileged` names the intents that are switched on in the developer portal
    ("message_content", "members", "presences"); none is, as for a new application.
    """

    def __init__(
        self, *, token: str = TOKEN, privileged: tuple[str, ...] = (), port: int = 0
    ) -> None:
        super().__init__()
        self.token, self.port = token, port
        self.privileged = sum(PRIVILEGED[name] for name in privileged)
        self.flags = sum(FLAGS[name] for name in privileged)
        self.clock, self.ids = Clock(), Snowflakes()
        self.users: dict[int, Account] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.interactions: dict[int, Interaction] = {}
        self.tokens: dict[str, Interaction] = {}
        self.cdn: dict[int, Attachment] = {}
        self.requests: deque[Logged] = deque(maxlen=100_000)
        self.request_limit = REQUEST_LIMIT
        self.keep_answers = False
        self.extend: Callable[[web.Application], None] | None = None
        self.limits, self.commands, self.gateway = Limits(), Commands(self), Gateway(self)
        self.application_id = self.ids.next()
        self.bot = Account(self, self.application_id, "spacebot", bot=True)
        self.users[self.bot.id] = self.bot
        self.owner = self.add_user("owner")
        self._runner: web.AppRunner | None = None

    def __repr__(self) -> str:
        last = [f"{r.status} {r.method} {r.path}" for r in list(self.requests)[-10:]]
        ready = "connected" if self.gateway.ready else "not connected"
        return f"<DiscordServer, bot {ready}, last requests: {last}>"

    @property
    def base_url(self) -> str:
        """Where it is; files are served from here."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """The value for discord.py's Route.BASE."""
        return f"{self.base_url}/api/v10"

    @property
    def gateway_url(self) -> str:
        """The value for discord.py's DEFAULT_GATEWAY."""
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def registered_commands(self) -> list[dict[str, Any]]:
        """Every registered command, global ones first."""
        return [c for place in self.commands.places.values() for c in place.values()]

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=120 * 1024 * 1024)
        tables = (routes_places.table, routes_channels.table, routes_interactions.table)
        app.router.add_get("/", self.gateway.handle)
        app.router.add_get(FILE_ROUTE, self._file)
        mount(self, app, *tables)
        if self.extend:
            self.extend(app)
        app.router.add_route("*", "/{rest:.*}", nothing)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.gateway.drop(code=1001)
        if self._runner:
            await self._runner.cleanup()

    async def _file(self, request: web.Request) -> web.Response:
        attachment = self.cdn.get(int(request.match_info["file"]))
        if attachment is None or int(request.query.get("ex", "0"), 16) < self.clock.now():
            return web.Response(status=404, text="This content is no longer available.")
        kind = (attachment.content_type or "application/octet-stream").partition(";")[0]
        return web.Response(body=attachment.data, content_type=kind)

    def add_user(self, name: str, *, installed: bool = False) -> User:
        """Adds a person; `installed`: they have added the app to their own account."""
        user = User(self, self.ids.next(), name, installed=installed)
        self.users[user.id] = user
        return user

    def add_guild(
        self, name: str = "Guild", *members: Account, premium_tier: int = 0, has_bot: bool = True
    ) -> Guild:
        """Adds a guild with these members; `premium_tier` (0–3) sets its upload limit."""
        guild = Guild(self, self.ids.next(), name, premium_tier, has_bot)
        guild.members = {member.id: [] for member in members}
        if has_bot:
            guild.members[self.bot.id] = []
        self.guilds[guild.id] = guild
        self.dispatch("GUILD_CREATE", guild.to_json(), guild=guild)
        return guild

    def add_group(self, *people: Account) -> Channel:
        """Adds a group chat between people: the bot is there only by their own install."""
        channel = Channel(self, self.ids.next(), "group", 3, None)
        channel.owner = people[0]
        self.channels[channel.id] = channel
        return channel

    def dm_with(self, user: Account) -> Channel:
        """The direct message between a person and the bot."""
        if user.dm is None:
            user.dm = Channel(self, self.ids.next(), user.name, 1, None)
            user.dm.recipient = user
            self.channels[user.dm.id] = user.dm
        return user.dm

    def dispatch(
        self, event: str, data: dict[str, Any], *, guild: Guild | None = None, intent: int = 1
    ) -> int:
        """Sends an event to the bot's sessions that hear it (`intent` 0: all, of the shard), and
        gives their number."""
        sessions = self.gateway.recipients(guild, intent)
        for session in sessions:
            session.send(event, data)
        return len(sessions)

    def focused(self, data: dict[str, Any]) -> dict[str, Any]:
        """The option that is being typed in an autocomplete's data."""
        pile = list(data.get("options", ()))
        while pile:
            option = pile.pop()
            if option.get("focused"):
                return option
            pile.extend(option.get("options", ()))
        raise LookupError("no option is focused")

    def all_messages(self) -> list[Message]:
        """Every message of every channel, oldest first."""
        found = [m for channel in self.channels.values() for m in channel.messages]
        return sorted(found, key=lambda message: message.id)

    async def wait_until_ready(self, timeout: float = 10.0) -> None:  # noqa: ASYNC109
        """Returns once the bot has identified."""
        await self.wait(lambda server: server.gateway.ready, timeout)
