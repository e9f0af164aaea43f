"""Names say one thing, and what people read has plain words."""

import ast
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from spacebot import __version__

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "spacebot"
# A plain word serves better: see Style in CONTRIBUTING.md.
HOUSE_WORDS = re.compile(
    r"\b(mend(s|ed|ing)?|whoever|kept|given|anew|the one (who|that|whose)|one (who|that)"
    r"|first come|told of|comes of|goes by|taken up|in hand|where there is none"
    r"|no sign of life|had again)\b",
    re.I,
)
# A name in the code, in backticks.
NAMED = re.compile(r"`[^`]*`")
# A story, and a list of words without a meaning of their own.
OTHER_WORDS = {PACKAGE / "demo/talk.py", PACKAGE / "spaces/schema/naming.py"}


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
    """A package here is a folder of `spacebot`, or of such a folder: `engine/jobs`."""
    places = defaultdict(list)
    for path in _modules():
        folders = path.relative_to(PACKAGE).parts[:-1]
        places["/".join((*folders[:2], path.stem))].append(str(path.relative_to(PACKAGE)))
    assert not _duplicates(places)


def _messages(path: Path) -> Iterator[str]:
    """Each string of a module that is a phrase, without its docstrings."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and id(node) not in docstrings and " " in value.strip():
            yield value


def _comments(path: Path) -> Iterator[str]:
    """Each docstring and comment of a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.string


def _texts() -> Iterator[tuple[Path, Iterator[str]]]:
    """The texts of each module: all of the program's, and the comments of the tests."""
    for path in (*PACKAGE.rglob("*.py"), ROOT / "app.py"):
        if path not in OTHER_WORDS:
            yield path, chain(_messages(path), _comments(path))
    for folder in ("tests", "bench"):
        for path in (ROOT / folder).rglob("*.py"):
            yield path, _comments(path)


def test_what_people_read_has_plain_words() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]!r} in {text[:80]!r}"
        for path, texts in _texts()
        for text in texts
        if (match := HOUSE_WORDS.search(NAMED.sub("", text)))
    ]
    pages = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *PACKAGE.glob("web/templates/*.html")]
    for path in pages:
        # Code and what a template computes are for programs.
        text = re.sub(r"```.*?```|`[^`]*`|\{[{%].*?[%}]\}", "", path.read_text(), flags=re.S)
        found += [f"{path.relative_to(ROOT)}: {one[0]!r}" for one in HOUSE_WORDS.finditer(text)]
    assert not found, "Use a plain word: see Style in CONTRIBUTING.md.\n" + "\n".join(found)
    assert HOUSE_WORDS.search("Its owner has to mend it.")


def test_the_changelog_begins_with_this_version_and_its_date() -> None:
    first = re.search(r"^## .*$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert first, "it has no heading"
    assert re.fullmatch(rf"## \[{re.escape(__version__)}\] - \d{{4}}-\d\d-\d\d", first[0])
