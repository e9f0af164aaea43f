"""The seeds of generators, and the boxes beside them that let the Space draw one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from spacebot.models import Endpoint, Parameter
from spacebot.spaces.inputs.components.base import name_of

RANDOM_WORDS = frozenset({"random", "randomize", "randomise", "randomized", "randomised", "rand"})


def seed_parameters(endpoint: Endpoint) -> list[Parameter]:
    """The parameters that are a generator's seed, by their name or label."""
    numbers = (one for one in endpoint.parameters if one.component in ("number", "slider"))
    return [one for one in numbers if "seed" in parameter_words(one)]


def random_boxes(endpoint: Endpoint) -> list[Parameter]:
    """The boxes that let the Space draw its own seed, if it has a seed to enter."""
    if not seed_parameters(endpoint):
        return []
    boxes = (one for one in endpoint.parameters if one.component == "checkbox")
    return [one for one in boxes if _randomizes(parameter_words(one))]


def keep_given_seed(endpoint: Endpoint, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with those boxes off if a seed was entered: the Space would draw another.

    Below 0, a seed stands for a random one.
    """
    seeds = (arguments.get(name_of(one)) for one in seed_parameters(endpoint))
    if not any(seed is not None and not str(seed).startswith("-") for seed in seeds):
        return dict(arguments)
    off = {name_of(one): False for one in random_boxes(endpoint)}
    return off | {name: one for name, one in arguments.items() if one is not None}


def _randomizes(words: frozenset[str]) -> bool:
    return bool(words & RANDOM_WORDS) and ("seed" in words or len(words) == 1)


def parameter_words(parameter: Parameter) -> frozenset[str]:
    """The words of its name and label, in lower case."""
    apart = re.sub(r"([a-z])([A-Z])", r"\1 \2", f"{parameter.name} {parameter.label}")
    return frozenset(re.findall(r"[a-z]+", apart.casefold()))
