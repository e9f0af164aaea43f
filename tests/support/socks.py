"""A SOCKS proxy on loopback: versions 4, 4a and 5, with or without a password."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator

REFUSED = {4: b"\x00\x5b" + bytes(6), 5: b"\x05\x02\x00\x01" + bytes(6)}
GRANTED = {4: b"\x00\x5a" + bytes(6), 5: b"\x05\x00\x00\x01" + bytes(6)}


class Socks:
    """What passed: `asked` holds (version, host, port) of every request, as it was sent.

    `login` is the user name and password that SOCKS5 wants. `names` says where each host
    name leads. While it is `closed`, every request is refused.
    """

    def __init__(self, login: tuple[str, str] | None = None) -> None:
        self.login = login
        self.names: dict[str, str] = {}
        self.asked: list[tuple[int, str, int]] = []
        self.denied = 0
        self.closed = False
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._serve(reader, writer)
        writer.close()
        self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (version,) = await reader.readexactly(1)
        found = await (self._four(reader) if version == 4 else self._five(reader, writer))
        if found is None:
            return
        self.asked.append((version, *found))
        if self.closed:
            writer.write(REFUSED[version])
            await writer.drain()
            return
        there = await asyncio.open_connection(self.names.get(found[0], found[0]), found[1])
        writer.write(GRANTED[version])
        await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))

    async def _four(self, reader: asyncio.StreamReader) -> tuple[str, int]:
        head = await reader.readexactly(7)
        await reader.readuntil(b"\0")
        host = str(ipaddress.IPv4Address(head[3:]))
        # 4a sends an invalid address, followed by the name.
        if host.startswith("0.0.0."):
            host = (await reader.readuntil(b"\0"))[:-1].decode()
        return host, int.from_bytes(head[1:3])

    async def _five(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[str, int] | None:
        methods = await reader.readexactly((await reader.readexactly(1))[0])
        wanted = 2 if self.login else 0
        writer.write(bytes([5, wanted if wanted in methods else 255]))
        if wanted not in methods or (self.login and not await self._logged_in(reader, writer)):
            self.denied += 1
            await writer.drain()
            return None
        kind = (await reader.readexactly(4))[3]
        if kind == 3:
            host = (await _counted(reader)).decode()
        else:
            host = str(ipaddress.ip_address(await reader.readexactly(4 if kind == 1 else 16)))
        return host, int.from_bytes(await reader.readexactly(2))

    async def _logged_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await reader.readexactly(1)
        arguments = (await _counted(reader)).decode(), (await _counted(reader)).decode()
        writer.write(bytes([1, arguments != self.login]))
        return arguments == self.login

    async def close(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _counted(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly((await reader.readexactly(1))[0])


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def socks(login: tuple[str, str] | None = None) -> AsyncIterator[Socks]:
    """A proxy that listens."""
    proxy = Socks(login)
    async with await asyncio.start_server(proxy.handle, "127.0.0.1", 0) as server:
        proxy.port = server.sockets[0].getsockname()[1]
        yield proxy
        await proxy.close()
