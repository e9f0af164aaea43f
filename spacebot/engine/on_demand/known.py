"""Descriptions of on-demand Spaces: parsed for the most recently used, compressed for all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
import zlib
from collections.abc import Collection
from dataclasses import dataclass

from spacebot.engine.store import DescriptionStore, StoredDescription
from spacebot.errors import SpacebotError, SpaceUnreadable, StoreError
from spacebot.models import Source, Space
from spacebot.spaces import inputs
from spacebot.spaces.client import SpaceDescription
from spacebot.spaces.schema import read_space
from spacebot.weighted_cache import WeightedCache

log = logging.getLogger(__name__)

UNREADABLE = "This Space's description cannot be read. Choose another one."
TOO_LARGE = "This Space's description is too large for this bot. Choose another one."
# The size limit of one compressed description, in bytes. Large Spaces have some 100,000.
MAX_DESCRIPTION_BYTES = 1_000_000
# From this age in seconds, a description is read again before it is used.
MAX_AGE = 3600.0
# How many parsed Spaces stay in memory, and the bytes of their compressed descriptions: parsed, a
# description takes some 30 times as much.
MAX_PARSED, MAX_PACKED_BYTES = 64, 2_000_000
# How often the use of a description is recorded, in seconds.
TOUCH_INTERVAL = 6 * 3600.0

# A Space ("owner/name"), and the key of the only account that may see its description; "" if
# everyone may.
Key = tuple[str, str]


@dataclass(slots=True)
class KnownSpace:
    """A Space as it was read; `read` is when, in epoch seconds."""

    space: Space
    packed: bytes
    read: float
    touched: float = 0.0

    @property
    def is_fresh(self) -> bool:
        """Whether it can be used without being read again."""
        return time.time() - self.read < MAX_AGE


class KnownSpaces:
    """The last known descriptions: recently used ones in memory, all of them in the database."""

    def __init__(self, store: DescriptionStore) -> None:
        self._store = store
        self._parsed: WeightedCache[Key, KnownSpace] = WeightedCache(MAX_PARSED, MAX_PACKED_BYTES)

    def __len__(self) -> int:
        return len(self._parsed)

    async def get(self, key: Key) -> KnownSpace | None:
        """A Space as last read, or None if it never was."""
        known = self._parsed.get(key) or await self._load(key)
        if known is None:
            return None
        self._hold(key, known)
        if time.time() - known.touched > TOUCH_INTERVAL:
            known.touched = time.time()
            # A full disk must not keep anyone from using what is known.
            with contextlib.suppress(StoreError):
                await self._store.touch(*key)
        return known

    async def put(self, key: Key, known: KnownSpace) -> None:
        """Store a Space that was just read, also for later starts."""
        self._hold(key, known)
        known.touched = time.time()
        await self._store.put(*key, StoredDescription(known.packed, known.read))

    async def forget(self, key: Key) -> None:
        """Forget a Space."""
        self._parsed.drop(key)
        await self._store.delete(*key)

    async def offered(self, key: Key, source: Source) -> Space | None:
        """A Space as last read and as `source` offers it, or None if it was never read.

        It is parsed on each call: the caller keeps it.
        """
        known = self._parsed.get(key) or await self._stored(key)
        return known and await self._parse(source, known.packed)

    async def _load(self, key: Key) -> KnownSpace | None:
        stored = await self._stored(key)
        space = stored and await self._parse(Source(key[0]), stored.packed)
        return KnownSpace(space, stored.packed, stored.read) if stored and space else None

    async def _stored(self, key: Key) -> StoredDescription | None:
        try:
            return await self._store.get(*key)
        except StoreError:
            # The store reports its own failures, and the Space can be read instead.
            return None

    @staticmethod
    async def _parse(source: Source, packed: bytes) -> Space | None:
        try:
            return await asyncio.to_thread(_parse_packed, source, packed)
        except (SpacebotError, ValueError, KeyError, zlib.error) as error:
            # An earlier version wrote it, or it contains something that this version cannot read.
            log.warning("The stored description of %s cannot be read: %r", source.space, error)
            return None

    def _hold(self, key: Key, known: KnownSpace) -> None:
        self._parsed.put(key, known, len(known.packed))


def parse(source: Source, description: SpaceDescription) -> Space:
    """The Space that a description describes; raises only `SpacebotError`. Blocking."""
    try:
        return read_described(source, description)
    except SpacebotError:
        raise
    except Exception as error:
        # A description may have any shape, and a bad one must affect only its own Space.
        raise SpaceUnreadable(UNREADABLE) from error


def _parse_packed(source: Source, packed: bytes) -> Space:
    return parse(source, unpack(packed))


def read_described(
    source: Source, description: SpaceDescription, taken: Collection[str] = ()
) -> Space:
    """The Space that a description describes; raises what `read_space` does. Blocking."""
    space = read_space(
        source,
        description.config,
        description.info,
        opened=description.opened,
        taken=taken,
        nsfw=description.nsfw,
        hub_id=description.hub_id,
    )
    for endpoint in space.endpoints:
        inputs.prepare_menus(endpoint.parameters)
    return space


def pack(description: SpaceDescription) -> bytes:
    """A description in stored form; raises `SpaceUnreadable` if it is too large. Blocking."""
    packed = zlib.compress(json.dumps(description.to_json()).encode())
    if len(packed) > MAX_DESCRIPTION_BYTES:
        raise SpaceUnreadable(TOO_LARGE)
    return packed


def unpack(packed: bytes) -> SpaceDescription:
    """A description from its stored form; raises `ValueError`, `KeyError` or `zlib.error`.
    Blocking."""
    return SpaceDescription.from_json(json.loads(zlib.decompress(packed)))
