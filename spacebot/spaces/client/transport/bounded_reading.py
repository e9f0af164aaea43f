"""Reading a Space's answers: limited after decompression, and without JSON that costs too much.

A few kilobytes of gzip can unpack to gigabytes, and three bytes of JSON can take a hundred in
memory: every answer of a Space is read here.
"""

from __future__ import annotations

import asyncio
import sys
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import httpx

from spacebot.errors import SpaceUnreadable
from spacebot.spaces.client.transport import json_parser
from spacebot.spaces.client.transport.network import Network
from spacebot.spaces.inputs.components.base import MAX_JSON_DEPTH, is_deep

MIB = 1 << 20
# The size limits of one answer (a description, an acknowledgement) and of one stream message.
MAX_ANSWER_BYTES, MAX_MESSAGE_BYTES = 16 * MIB, 24 * MIB
# The memory that parsed JSON may take, in bytes, estimated from its text, values and containers.
MAX_TEXT_BYTES, MAX_PARSED_BYTES = 48 * MIB, 160 * MIB
BYTES_PER_MARK = {",": 48, "[": 88, "{": 232}
# Longer JSON is parsed in an executor: this many bytes of empty lists take up to 30 ms.
MAX_INLINE_BYTES = 32 * 1024
PIECE_BYTES = 256 * 1024
ENCODING_HEADERS = (b"content-encoding", b"content-length")

TOO_LARGE = "The Space sent more than can be read here. Try smaller values."


class Inflater:
    """Undoes a response's encoding, in pieces of a bounded size."""

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise SpaceUnreadable
        # 47: a gzip or zlib header, whichever is there.
        self._zlib = None if encoding in ("", "identity") else zlib.decompressobj(47)

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """What a chunk unpacks to; raises `SpaceUnreadable`."""
        if self._zlib is None:
            yield chunk
            return
        try:
            while chunk and not self._zlib.eof:
                yield self._zlib.decompress(chunk, PIECE_BYTES)
                chunk = self._zlib.unconsumed_tail
        except zlib.error as error:
            raise SpaceUnreadable from error


class _BoundedStream(httpx.SyncByteStream):
    """The unpacked body of a response.

    Raises `SpaceUnreadable` beyond `MAX_ANSWER_BYTES` bytes.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._inner = response.stream
        self._inflater = Inflater(response.headers.get("Content-Encoding", ""))

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        assert isinstance(self._inner, httpx.SyncByteStream)
        for chunk in self._inner:
            for piece in self._inflater.pieces(chunk):
                size += len(piece)
                if size > MAX_ANSWER_BYTES:
                    raise SpaceUnreadable(TOO_LARGE)
                yield piece

    def close(self) -> None:
        """Release the connection."""
        assert isinstance(self._inner, httpx.SyncByteStream)
        self._inner.close()


class BoundedTransport(httpx.HTTPTransport):
    """httpx's transport, with responses unpacked here and limited in size."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its response has no encoding left for httpx to undo."""
        request.headers["Accept-Encoding"] = "gzip"
        response = super().handle_request(request)
        try:
            stream = _BoundedStream(response)
        except SpaceUnreadable:
            response.close()
            raise
        headers = [one for one in response.headers.raw if one[0].lower() not in ENCODING_HEADERS]
        return httpx.Response(
            response.status_code, headers=headers, stream=stream, extensions=response.extensions
        )


async def chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The unpacked body of a response as it arrives; raises `SpaceUnreadable`.

    It suspends after each piece: a few kilobytes that arrive at once can unpack to thousands.
    """
    inflater = Inflater(response.headers.get("Content-Encoding", ""))
    async for chunk in response.content.iter_any():
        for piece in inflater.pieces(chunk):
            yield piece
            await asyncio.sleep(0)


async def read_answer(response: aiohttp.ClientResponse, limit: int = MAX_ANSWER_BYTES) -> bytearray:
    """The whole body of a response; raises `SpaceUnreadable`."""
    whole = bytearray()
    async for piece in chunks(response):
        whole += piece
        if len(whole) > limit:
            whole.clear()
            raise SpaceUnreadable(TOO_LARGE)
    return whole


def parse_json(raw: bytes | bytearray) -> Any:
    """JSON → its value; raises `SpaceUnreadable` if it is invalid, too deep or too large.

    A bytearray is emptied: its text takes the same memory again.
    """
    try:
        return _parse(raw)
    except SpaceUnreadable as error:
        said = str(error)
    # A new error, since the frames of the old one hold the text as long as it lives.
    del raw
    raise SpaceUnreadable(said)


def _parse(raw: bytes | bytearray) -> Any:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise SpaceUnreadable from error
    if isinstance(raw, bytearray):
        raw.clear()
    if len(text) > MAX_INLINE_BYTES:
        _check_weight(text)
    try:
        value = json_parser.loads(text)
    except (ValueError, RecursionError) as error:
        raise SpaceUnreadable from error
    if text.count("[") + text.count("{") > MAX_JSON_DEPTH and is_deep(value):
        raise SpaceUnreadable
    return value


def _check_weight(text: str) -> None:
    # A character takes one, two or four bytes, depending on the widest one in the text.
    cost = sum(text.count(mark) * bytes_each for mark, bytes_each in BYTES_PER_MARK.items())
    if sys.getsizeof(text) > MAX_TEXT_BYTES or cost > MAX_PARSED_BYTES:
        raise SpaceUnreadable(TOO_LARGE)


async def read_json(network: Network, raw: bytes | bytearray) -> Any:
    """JSON → its value; long JSON is parsed in an executor; raises `SpaceUnreadable`."""
    return parse_json(raw) if len(raw) <= MAX_INLINE_BYTES else await network.call(parse_json, raw)


def weight(value: Any) -> int:
    """About how many bytes a value takes in memory."""
    size, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        size += sys.getsizeof(one)
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return size
