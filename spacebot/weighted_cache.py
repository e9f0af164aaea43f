"""Values of very different sizes, held in memory within two limits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class WeightedCache(Generic[K, V]):
    """Up to `most` values by key that together weigh up to `most_weight`: the most recently used.

    A value that is too heavy alone stays until the next one arrives. `dropped` is called with the
    key of each value that is dropped, for any reason.
    """

    def __init__(
        self, most: int, most_weight: int, dropped: Callable[[K], object] = lambda _: None
    ) -> None:
        self.most, self.most_weight = most, most_weight
        self._dropped = dropped
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[K]:
        return iter(tuple(self._entries))

    def get(self, key: K) -> V | None:
        """The value of a key; this does not count as use."""
        return self._entries[key][0] if key in self._entries else None

    def use(self, key: K) -> None:
        """Mark an existing value as used just now."""
        self._entries.move_to_end(key)

    def put(self, key: K, value: V, weight: int) -> None:
        """Store a value, replacing the previous one."""
        self._forget(key)
        self._entries[key] = value, weight
        self._weight += weight
        while len(self) > 1 and (len(self) > self.most or self._weight > self.most_weight):
            self.drop(next(iter(self._entries)))

    def drop(self, key: K) -> None:
        """Drop a value, if it exists."""
        if self._forget(key):
            self._dropped(key)

    def _forget(self, key: K) -> bool:
        entry = self._entries.pop(key, None)
        self._weight -= entry[1] if entry else 0
        return entry is not None
