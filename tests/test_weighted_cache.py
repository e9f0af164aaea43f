"""Values in memory, within two bounds."""

from __future__ import annotations

from spacebot.weighted_cache import WeightedCache


def test_those_used_longest_ago_go_first() -> None:
    dropped: list[str] = []
    cache: WeightedCache[str, int] = WeightedCache(3, 100, dropped.append)
    for number, key in enumerate("abc"):
        cache.put(key, number, 1)
    cache.use("a")
    cache.put("d", 3, 1)
    assert (list(cache), dropped) == (["c", "a", "d"], ["b"])
    assert (cache.get("a"), cache.get("b")) == (0, None)


def test_heavy_ones_leave_room_for_fewer_and_one_is_always_held() -> None:
    dropped: list[str] = []
    cache: WeightedCache[str, int] = WeightedCache(10, 10, dropped.append)
    cache.put("a", 0, 6)
    cache.put("b", 1, 6)
    assert (list(cache), dropped) == (["b"], ["a"])
    cache.put("c", 2, 50)
    assert (list(cache), dropped) == (["c"], ["a", "b"])
    cache.put("c", 3, 5)
    cache.put("d", 4, 5)
    # A replaced value was not dropped, and no longer counts.
    assert (list(cache), dropped) == (["c", "d"], ["a", "b"])
    cache.drop("c")
    cache.drop("nobody")
    assert (len(cache), dropped) == (1, ["a", "b", "c"])
