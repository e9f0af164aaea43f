"""Names say one thing: a class name occurs once, and a module name once in its wing."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "spacebot"


def _modules() -> Iterator[Path]:
    return (
        path for path in PACKAGE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py")
    )


def _duplicates(places: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: found for name, found in sorted(places.items()) if len(found) > 1}


def test_a_class_name_occurs_once() -> None:
    places = defaultdict(list)
    for path in _modules():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path.relative_to(PACKAGE)))
    assert len(places) > 200, "no classes were found"
    assert not _duplicates(places)


def test_a_module_name_occurs_once_in_its_wing() -> None:
    """A wing here is a folder of the package, or of a wing: `engine/jobs`."""
    places = defaultdict(list)
    for path in _modules():
        folders = path.relative_to(PACKAGE).parts[:-1]
        places["/".join((*folders[:2], path.stem))].append(str(path.relative_to(PACKAGE)))
    assert not _duplicates(places)
