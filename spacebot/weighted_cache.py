"""Values of very different sizes, held in memory within two bounds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class WeightedCache(Generic[K, V]):
    """Up to `most` values by key, which together weigh up to `most_weight`: those used last.

    One that is heavier alone is held until the next one comes. `dropped` is told the key of
    each that goes, whatever it goes for.
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
        """The value of a key; that alone is no use."""
        return self._entries[key][0] if key in self._entries else None

    def use(self, key: K) -> None:
        """Have a value that is there be the one used last."""
        self._entries.move_to_end(key)

    def put(self, key: K, value: V, weight: int) -> None:
        """Hold a value, in the place of the one before."""
        self._forget(key)
        self._entries[key] = value, weight
        self._weight += weight
        while len(self) > 1 and (len(self) > self.most or self._weight > self.most_weight):
            self.drop(next(iter(self._entries)))

    def drop(self, key: K) -> None:
        """Let go of a value, where it is there."""
        if self._forget(key):
            self._dropped(key)

    def _forget(self, key: K) -> bool:
        entry = self._entries.pop(key, None)
        self._weight -= entry[1] if entry else 0
        return entry is not None
