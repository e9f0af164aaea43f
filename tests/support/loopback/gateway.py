"""The gateway: websocket sessions of the bot, their events, resumes and ends."""

from __future__ import annotations

import asyncio
import importlib
import logging
import secrets
import time
import zlib
from collections import deque
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson
from aiohttp import web

from .limits import play

if TYPE_CHECKING:
    from .server import DiscordServer
    from .state import Guild

log = logging.getLogger(__name__)

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME = 0, 1, 2, 3, 4, 6
RECONNECT, MEMBERS, INVALID, HELLO, ACK = 7, 8, 9, 10, 11
PRIVILEGED = {"presences": 1 << 8, "members": 1 << 1, "message_content": 1 << 15}
EVENTS_A_MINUTE = 120
REMEMBERED = 2000


class Session:
    """What survives a connection: the sequence, and the events to replay after a resume."""

    def __init__(self, intents: int, shard: tuple[int, int]) -> None:
        self.id = secrets.token_hex(16)
        self.intents, self.shard = intents, shard
        self.sequence = 0
        self.events: deque[tuple[int, bytes]] = deque(maxlen=REMEMBERED)
        self.connection: Connection | None = None

    def send(self, event: str, data: Any) -> None:
        """Dispatches an event: at once, or after the session resumes."""
        self.sequence += 1
        frame = orjson.dumps({"op": DISPATCH, "t": event, "s": self.sequence, "d": data})
        self.events.append((self.sequence, frame))
        if self.connection:
            self.connection.push(frame)


def compressor(kind: str) -> Any:
    """A function from frame to bytes for `zlib-stream` or `zstd-stream`; None for plain text."""
    if kind == "zlib-stream":
        stream = zlib.compressobj(1)
        return lambda frame: stream.compress(frame) + stream.flush(zlib.Z_SYNC_FLUSH)
    if kind == "zstd-stream":
        # discord.py requests it only if this package is installed.
        zstandard = importlib.import_module("zstandard")
        packer = zstandard.ZstdCompressor().compressobj()
        block = zstandard.COMPRESSOBJ_FLUSH_BLOCK
        return lambda frame: packer.compress(frame) + packer.flush(block)
    return None


class Connection:
    """One websocket. Frames go through a queue, so that dispatching never waits."""

    def __init__(self, gateway: Gateway, socket: web.WebSocketResponse, compress: str) -> None:
        self.gateway, self.socket = gateway, socket
        self.session: Session | None = None
        self.silent = False
        self.heard = time.monotonic()
        self._pack = compressor(compress)
        self._queue: asyncio.Queue[bytes | int] = asyncio.Queue()
        self._received: deque[float] = deque(maxlen=EVENTS_A_MINUTE)

    def push(self, frame: bytes) -> None:
        """Sends a frame, unless the connection is set to be silent."""
        if not self.silent:
            self._queue.put_nowait(frame)

    def push_op(self, op: int, data: Any = None) -> None:
        """Sends an opcode that is not an event."""
        self.push(orjson.dumps({"op": op, "d": data, "s": None, "t": None}))

    def close(self, code: int) -> None:
        """Closes after the queued frames; the session stays. Code 0 cuts the TCP connection."""
        if self.session and self.session.connection is self:
            self.session.connection = None
        self._queue.put_nowait(code)

    async def write(self) -> None:
        """Writes the queue to the socket until it is closed."""
        while True:
            frame = await self._queue.get()
            if isinstance(frame, int):
                await self._end(frame)
                return
            try:
                if self._pack:
                    await self.socket.send_bytes(self._pack(frame))
                else:
                    await self.socket.send_str(frame.decode())
            except (ConnectionError, aiohttp.ClientConnectionResetError):
                return

    async def _end(self, code: int) -> None:
        if code:
            await self.socket.close(code=code, drain=False)
            return
        request = self.socket._req
        if request and request.transport:
            request.transport.abort()

    async def read(self) -> None:
        """Reads what the bot sends until the socket is closed."""
        async for message in self.socket:
            if message.type is not aiohttp.WSMsgType.TEXT or self.silent:
                continue
            payload = orjson.loads(message.data)
            now = time.monotonic()
            if len(self._received) == EVENTS_A_MINUTE and now - self._received[0] < 60:
                self.close(4008)
                continue
            self._received.append(now)
            self.gateway.received(self, payload)


class Gateway:
    """All sessions of the bot, and what a test may do to them."""

    def __init__(self, server: DiscordServer) -> None:
        self.server = server
        self.heartbeat_interval = 41.25
        self.shards = 1
        # The identifies of one bucket of shards may come so many seconds apart, 0: at any time.
        self.max_concurrency = 1
        self.identify_interval = 0.0
        self.hasty = 0
        self._identified: dict[int, float] = {}
        self.down = False
        self.refused = 0
        self.identifies = 0
        self.resumes = 0
        self.heartbeats = 0
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self.closed: list[int] = []
        self.presence: dict[str, Any] | None = None

    @property
    def ready(self) -> bool:
        """Whether the bot has a live session."""
        return any(session.connection for session in self.sessions.values())

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serves one websocket."""
        if self.down:
            return web.Response(status=503, text="upstream connect error")
        if fault := self.server.limits.fault_for("GET", "/"):
            self.refused += 1
            return await play(fault)
        socket = web.WebSocketResponse(max_msg_size=16_384, compress=False, autoping=True)
        await socket.prepare(request)
        connection = Connection(self, socket, request.query.get("compress", ""))
        self.connections.add(connection)
        writer = asyncio.create_task(connection.write())
        watch = asyncio.create_task(self._watch(connection))
        connection.push_op(HELLO, {"heartbeat_interval": int(self.heartbeat_interval * 1000)})
        try:
            await connection.read()
        finally:
            self._lost(connection)
            for task in (writer, watch):
                task.cancel()
        return socket

    async def _watch(self, connection: Connection) -> None:
        # A client that has missed its heartbeats is taken for dead; its session can be resumed.
        while True:
            await asyncio.sleep(self.heartbeat_interval)
            if time.monotonic() - connection.heard > self.heartbeat_interval * 1.5:
                connection.close(4000)
                return

    def _lost(self, connection: Connection) -> None:
        self.connections.discard(connection)
        code = connection.socket.close_code
        self.closed.append(code or 0)
        session = connection.session
        if session and session.connection is connection:
            session.connection = None
            # A bot that closes with these codes ends its session as well.
            if code in (1000, 1001):
                self.sessions.pop(session.id, None)
        self.server.changed()

    def received(self, connection: Connection, payload: dict[str, Any]) -> None:
        """Takes one payload of the bot."""
        op, data = payload.get("op"), payload.get("d")
        if op == HEARTBEAT:
            self.heartbeats += 1
            connection.heard = time.monotonic()
            connection.push_op(ACK)
        elif op == IDENTIFY:
            self._identify(connection, data or {})
        elif op == RESUME:
            self._resume(connection, data or {})
        elif connection.session is None:
            connection.close(4003)
        elif op == PRESENCE:
            self.presence = data
        elif op == MEMBERS:
            self._members(connection.session, data or {})
        elif op != VOICE:
            connection.close(4001)

    def _identify(self, connection: Connection, data: dict[str, Any]) -> None:
        if connection.session:
            connection.close(4005)
            return
        self.identifies += 1
        if data.get("token") != self.server.token:
            connection.close(4004)
            return
        intents = data.get("intents", 0)
        asked = intents & sum(PRIVILEGED.values())
        if asked & ~self.server.privileged:
            connection.close(4014)
            return
        index, count = data.get("shard", (0, 1))
        if not 0 <= index < count:
            connection.close(4010)
            return
        if self._is_hasty(index % self.max_concurrency):
            self.hasty += 1
            connection.push_op(INVALID, False)
            return
        session = Session(intents, (index, count))
        self.sessions[session.id] = session
        session.connection, connection.session = connection, session
        self._welcome(session)

    def _is_hasty(self, bucket: int) -> bool:
        now = time.monotonic()
        last, self._identified[bucket] = self._identified.get(bucket, 0.0), now
        return now - last < self.identify_interval

    def connected(self) -> set[int]:
        """The shards that have a live session."""
        return {session.shard[0] for session in self.sessions.values() if session.connection}

    def _welcome(self, session: Session) -> None:
        guilds = [g for g in self.server.guilds.values() if g.has_bot and self._owns(session, g)]
        ready = {
            "v": 10,
            "user": self.server.bot.to_json(),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "resume_gateway_url": self.server.gateway_url,
            "shard": list(session.shard),
            "application": {"id": str(self.server.application_id), "flags": self.server.flags},
            "private_channels": [],
            "relationships": [],
        }
        session.send("READY", ready)
        if session.intents & 1:
            for guild in guilds:
                if not guild.outage:
                    session.send("GUILD_CREATE", guild.to_json())
        self.server.changed()

    def _resume(self, connection: Connection, data: dict[str, Any]) -> None:
        if data.get("token") != self.server.token:
            connection.close(4004)
            return
        session = self.sessions.get(data.get("session_id", ""))
        seen = data.get("seq") or 0
        oldest = session.events[0][0] if session and session.events else 1
        if session is None or seen > session.sequence or seen + 1 < oldest:
            connection.push_op(INVALID, False)
            return
        self.resumes += 1
        session.connection, connection.session = connection, session
        for sequence, frame in session.events:
            if sequence > seen:
                connection.push(frame)
        session.send("RESUMED", {})
        self.server.changed()

    def _members(self, session: Session, data: dict[str, Any]) -> None:
        guild = self.server.guilds.get(int(data["guild_id"]))
        if guild is None:
            return
        wanted = data.get("user_ids")
        wanted = [wanted] if isinstance(wanted, int | str) else wanted
        ids = {int(user) for user in wanted} if wanted else set(guild.members)
        users = [self.server.users[user] for user in guild.members if user in ids]
        query = (data.get("query") or "").lower()
        found = [user for user in users if user.name.lower().startswith(query)]
        chunk = {
            "guild_id": str(guild.id),
            "members": [guild.member_json(user) for user in found],
            "chunk_index": 0,
            "chunk_count": 1,
            "nonce": data.get("nonce"),
        }
        session.send("GUILD_MEMBERS_CHUNK", chunk)

    @staticmethod
    def _owns(session: Session, guild: Guild | None) -> bool:
        index, count = session.shard
        return index == ((guild.id >> 22) % count if guild and guild.has_bot else 0)

    def recipients(self, guild: Guild | None, intent: int) -> list[Session]:
        """The sessions that receive an event of this guild (None: a direct message)."""
        if intent and guild and not guild.has_bot:
            return []
        alive = self.sessions.values()
        return [s for s in alive if self._owns(s, guild) and (not intent or s.intents & intent)]

    def drop(self, *, resumable: bool = True, code: int = 0, shard: int | None = None) -> None:
        """Ends every connection, or a shard's: by a cut (code 0) or a close code, with or without
        resume."""
        for connection in list(self.connections):
            session = connection.session
            if shard is None or (session and session.shard[0] == shard):
                connection.close(code)
        if not resumable:
            dropped = [s.id for s in self.sessions.values() if shard in (None, s.shard[0])]
            for session_id in dropped:
                del self.sessions[session_id]

    def ask_reconnect(self) -> None:
        """Asks the bot to reconnect, as Discord does before it restarts a gateway."""
        for connection in self.connections:
            connection.push_op(RECONNECT)

    def invalidate(self, *, resumable: bool = False) -> None:
        """Tells the bot that its sessions are invalid."""
        if not resumable:
            self.sessions.clear()
        for connection in self.connections:
            connection.push_op(INVALID, resumable)

    def go_silent(self, silent: bool = True) -> None:
        """Stops answering on the open connections, without closing them."""
        for connection in self.connections:
            connection.silent = silent
