"""How well an offered command fits a wish."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from spacebot.engine import recipes
from spacebot.engine.space_finder.kinds import FileKind, kinds_given, kinds_of_words, kinds_taken
from spacebot.engine.space_finder.words import stems
from spacebot.models import Endpoint, OptionType, Space
from spacebot.spaces.inputs.form import fields
from spacebot.spaces.schema import command_name

# The weight of a word of the wish in a command's name, its descriptions, its options.
NAME, DESCRIPTION, OPTION = 3, 2, 1
# The weights of the wish's kinds, if the command returns or takes them, and of taking the file as
# its own kind.
GIVES, TAKES, FILE_FITS = 2, 1, 1
# The weight of having been found by the Hub's search by meaning.
MEANT = 3
MIN_SCORE = 2


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """What is known about a file before it is downloaded."""

    name: str
    mime: str | None
    kind: FileKind


@dataclass(frozen=True, slots=True)
class Match:
    """A command that fits a wish; the higher the score, the better."""

    command: str
    endpoint: Endpoint
    space: Space
    score: int


def match_commands(
    spaces: Iterable[Space],
    wish: str,
    file: AttachedFile | None,
    meant: Iterable[str] = (),
    *,
    adult: bool = False,
) -> list[Match]:
    """The commands that fit a wish and take its file, the best first.

    `meant` are the Spaces that the Hub found for it; `adult` includes age-restricted ones.
    """
    words, found = stems(wish), frozenset(meant)
    fitting = [
        Match(command_name(space, endpoint), endpoint, space, score)
        for space in spaces
        for endpoint in space.endpoints
        if (adult or not endpoint.nsfw)
        and takes(endpoint, file)
        and (score := _score(space, endpoint, words, file) + MEANT * (space.source.space in found))
        >= MIN_SCORE
    ]
    return sorted(fitting, key=lambda one: -one.score)


def takes(endpoint: Endpoint, file: AttachedFile | None) -> bool:
    """Whether an endpoint has an option for a file."""
    return file is None or recipes.file_option(endpoint, file.name, file.mime) is not None


def _score(
    space: Space, endpoint: Endpoint, words: frozenset[str], file: AttachedFile | None
) -> int:
    # Nearly every endpoint takes or returns some text, which says nothing.
    named, taken = kinds_of_words(words) - {FileKind.TEXT}, kinds_taken(endpoint)
    left, score = set(words), 0
    # Each word counts once, with its highest weight.
    for weight, text in _texts(space, endpoint):
        hits = left & stems(text)
        score += weight * len(hits)
        left -= hits
    gives = bool(named & kinds_given(endpoint))
    if file is not None:
        return score + GIVES * gives + FILE_FITS * (file.kind in taken)
    # Without a file, "a picture of a cat" asks for a generator, not an editor.
    return score + GIVES * (gives and not _needs_file(endpoint)) + TAKES * bool(named & taken)


def _needs_file(endpoint: Endpoint) -> bool:
    return any(one.required and one.type is OptionType.ATTACHMENT for one in fields(endpoint)[0])


def _texts(space: Space, endpoint: Endpoint) -> Iterator[tuple[int, str]]:
    yield NAME, f"{space.name} {endpoint.name}"
    yield DESCRIPTION, f"{space.title} {endpoint.description}"
    parts = (*endpoint.parameters, *endpoint.outputs)
    yield OPTION, " ".join(one.label for one in parts)
