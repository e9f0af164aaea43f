"""What the repository promises about itself: its layers, its settings, its documents."""

from __future__ import annotations

import ast
import dataclasses
import importlib.metadata
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from spacebot.discord_bot.automations import TRIGGERS
from spacebot.discord_bot.button_base import BUTTONS
from spacebot.models import AnswerPlace, FollowUp, Source
from spacebot.settings import VARIABLES, command_source, parse_spaces
from spacebot.spaces.inputs import INPUTS
from spacebot.spaces.outputs import RENDERERS
from spacebot.spaces.outputs.registry import HiddenRenderer
from tests.support import env_example

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
DOCUMENTS = README + "".join(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()

# The packages that are folders of components; every other module or folder is one component.
PACKAGES = {"discord_bot", "engine", "spaces"}
# From the bottom up: a component imports only from rows above its own. A new component gets its
# place here and in the picture in CONTRIBUTING.md.
LAYERS = (
    {
        "errors",
        "collector",
        "concurrency",
        "json_file",
        "lazy_imports",
        "weighted_cache",
        "wording",
    },
    {"models"},
    {"settings", "demo", "log"},
    {"spaces/inputs", "spaces/outputs"},
    {"spaces/schema", "spaces/client"},
    {"engine/store", "engine/job_text", "engine/recipes", "engine/built_in"},
    {"engine/accounts", "engine/cluster", "engine/on_demand"},
    {"engine/server_spaces"},
    {"engine/admission", "engine/catalogue", "engine/space_finder"},
    {"engine/follow_ups"},
    {"engine/jobs"},
    {"engine/admin", "engine/pacing"},
    {"engine/follow"},
    {"discord_bot/discord_internals"},
    {
        "discord_bot/age",
        "discord_bot/button_base",
        "discord_bot/features",
        "discord_bot/gateway",
        "discord_bot/open_menus",
    },
    {"discord_bot/delivery"},
    {"discord_bot/server_log"},
    {"discord_bot/forms", "discord_bot/recovery"},
    {"discord_bot/dispatcher"},
    {"discord_bot/failures", "discord_bot/registration"},
    {
        "discord_bot/automations",
        "discord_bot/buttons",
        "discord_bot/compare",
        "discord_bot/conversations",
        "discord_bot/tokens",
        "discord_bot/run_space",
        "discord_bot/server_spaces",
        "discord_bot/history",
        "discord_bot/limits",
    },
    {"discord_bot/find", "discord_bot/presets"},
    {"discord_bot/send_to"},
    {"discord_bot/client_status"},
    {"discord_bot/sharding"},
    {"discord_bot/client"},
    {"discord_bot/supervisor"},
    {"web", "process_metrics"},
    {"runtime", "zerogpu", "deploy"},
    {"app"},
)
# The order of the packages: a package imports nothing from those to its right.
ORDER = ("errors", "models", "settings", "spaces", "engine", "discord_bot", "web", "runtime")
LEVELS = {component: level for level, components in enumerate(LAYERS) for component in components}
# The only packages or components that may import a library.
OWNERS = {
    "discord": {"discord_bot"},
    "gradio": {"demo", "web", "zerogpu"},
    "gradio_client": {"spaces/client"},
    "huggingface_hub": {"deploy", "spaces/client"},
    "sqlalchemy": {"engine/store"},
    "cryptography": {"engine/accounts"},
    "dotenv": {"app", "deploy"},
}
FILE, FUNCTION = 400, 60


def sources() -> list[Path]:
    """The program's Python files."""
    return [ROOT / "app.py", *sorted((ROOT / "spacebot").rglob("*.py"))]


def component_of(path: Path) -> str:
    """The component a file belongs to: right under spacebot/, or right under a package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return component_in(parts if parts[0] == "app" else parts[1:])


def component_in(parts: Sequence[str]) -> str:
    """The component that a module's path, below the package, leads to."""
    in_package = parts[0] in PACKAGES and len(parts) > 1 and parts[1] != "__init__"
    return "/".join(parts[: 2 if in_package else 1])


def imported(path: Path) -> Iterator[str]:
    """The dotted name of everything that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def components_imported(path: Path) -> set[str]:
    """The other components that a file imports from."""
    names = (name.split(".")[1:] for name in imported(path) if name.startswith("spacebot."))
    return ({component_in(parts) for parts in names} & LEVELS.keys()) - {component_of(path)}


def shown(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_every_room_has_its_layer_and_its_line_in_contributing() -> None:
    components = {component_of(path) for path in sources()} - {"__init__"} - PACKAGES
    assert components == LEVELS.keys()
    names = {component.rpartition("/")[2] for component in components}
    unnamed = {name for name in names if not re.search(rf"\b{name}(\.py|/)", CONTRIBUTING)}
    assert unnamed == set()


def test_a_wing_knows_nothing_of_those_above_it() -> None:
    for path in sources():
        package = component_of(path).partition("/")[0]
        if package in ORDER:
            above = set(ORDER[ORDER.index(package) + 1 :])
            assert {
                component.partition("/")[0] for component in components_imported(path)
            } & above == set(), path


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_only(path: Path) -> None:
    if path == ROOT / "spacebot" / "__init__.py":
        assert components_imported(path) == set()
        return
    if component_of(path) in PACKAGES:
        assert components_imported(path) == set()
        return
    level = LEVELS[component_of(path)]
    assert {
        component for component in components_imported(path) if LEVELS[component] >= level
    } == set()


@pytest.mark.parametrize("library", OWNERS)
def test_a_library_has_its_rooms(library: str) -> None:
    users = {
        component_of(path)
        for path in sources()
        for name in imported(path)
        if name.split(".")[0] == library
    }
    owners = OWNERS[library]
    assert {
        component for component in users if not {component, component.partition("/")[0]} & owners
    } == set()


def test_only_settings_read_the_environment() -> None:
    # app.py hands os.environ to the settings.
    readers = [
        path
        for path in sources()
        if component_of(path) not in ("settings", "app")
        and re.search(r"\bos\.(environ|getenv)|from os import .*(environ|getenv)", path.read_text())
    ]
    assert shown(readers) == []


def test_only_one_file_knows_the_error_codes_of_discord() -> None:
    # Others ask `refusal_of`. In page/ and spaces/ a status is HTTP's, in bot/running.py the
    # gateway's.
    compared = re.compile(r"\berror\.(code|status)\b *(?:[!=<>]=?|in\b|not in\b)")
    components = {component for component in LEVELS if component in OWNERS["discord"]}
    asking = [
        path
        for path in sources()
        if component_of(path) in components and compared.search(path.read_text())
    ]
    assert shown(asking) == []
    codes = [path for path in sources() if re.search(r"\b50013\b", path.read_text())]
    assert shown(codes) == ["spacebot/discord_bot/delivery/refusals.py"]


def test_files_and_functions_stay_short() -> None:
    files = [path for path in sources() if len(path.read_text().splitlines()) > FILE]
    functions = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION
    ]
    assert (shown(files), functions) == ([], [])


def test_nothing_is_left_for_later_or_swallowed() -> None:
    later = re.compile("TO" + "DO|FIX" + "ME|XX" + "X")
    swallowed = re.compile(r"except( Exception| BaseException)?:\s+pass\b")
    written = [*sources(), *(ROOT / "spacebot").rglob("*.js"), *(ROOT / "spacebot").rglob("*.html")]
    assert shown([path for path in written if later.search(path.read_text())]) == []
    assert shown([path for path in sources() if swallowed.search(path.read_text())]) == []


def test_no_test_sets_the_clock_of_the_whole_process() -> None:
    """Every event loop relies on it: those of the Spaces would sleep until that time."""
    changed = re.compile(r"setattr\([^)]*\btime(\.|, \")(monotonic|time|perf_counter)\b")
    paths = [path for path in (ROOT / "tests").rglob("*.py") if changed.search(path.read_text())]
    assert shown(paths) == []


def test_env_example_is_the_settings() -> None:
    again = "write it again: .venv/bin/python -m tests.support.env_example > .env.example"
    assert (ROOT / ".env.example").read_text() == env_example.render(), again


def test_the_documents_tell_every_setting_and_its_default() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? *\|", DOCUMENTS, re.MULTILINE)
    assert rows == [(variable.name, variable.default) for variable in VARIABLES]


def test_the_documents_tell_every_key_of_commands() -> None:
    keys = re.findall(r'^\| `"(\w+)"` \|', DOCUMENTS, re.MULTILINE)
    known = (*dataclasses.fields(Source), *dataclasses.fields(FollowUp))
    # The embedded Space's own; an owner writes the address as the Space. `of` is only for the
    # buttons that a page's wiring shows: an owner says how many there are.
    assert set(keys) == {field.name for field in known} - {"address", "of"}
    assert [answer for answer in AnswerPlace if f'`"{answer}"`' not in DOCUMENTS] == []


def test_the_examples_of_the_documents_are_accepted() -> None:
    for value in re.findall(r"^SPACES=(.*)$", DOCUMENTS, re.MULTILINE):
        assert parse_spaces(value.strip('"'))
    lists = re.findall(r"^COMMANDS = (\[.*?\])\n```", DOCUMENTS, re.MULTILINE | re.DOTALL)
    assert len(lists) == 2
    assert all(command_source(entry) for listed in lists for entry in ast.literal_eval(listed))
    assert env_example.MUSICGEN in DOCUMENTS


def test_the_documents_tell_every_event_of_an_automation() -> None:
    assert [name for name, kind in TRIGGERS.items() if f"| {kind.label} |" not in DOCUMENTS] == []


def test_the_documents_name_every_button() -> None:
    labels = [button.label for button in BUTTONS.values() if button.label]
    assert [label for label in labels if f"**{label}" not in DOCUMENTS] == []


def test_documents_name_only_commands_there_are() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    asked = set(re.findall(r"\bmake ([a-z-]+)\b", DOCUMENTS + CONTRIBUTING))
    # In prose, "make" is also a verb: only what stands in code is a command.
    asked &= set(re.findall(r"(?:`|^)make ([a-z-]+)", DOCUMENTS + CONTRIBUTING, re.MULTILINE))
    assert {"run", "test"} <= asked
    assert asked <= targets


def test_ci_runs_what_readme_and_contributing_say() -> None:
    assert re.search(r"^make check test\b", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert "bash .ci/run" in CONTRIBUTING


def test_front_matter_agrees_with_the_requirements() -> None:
    header = README.split("---\n")[1]
    front = dict(re.findall(r"^(\w+): \"?(.*?)\"?$", header, re.MULTILINE))
    requirements = (ROOT / "requirements.txt").read_text()
    (gradio,) = re.findall(r"^gradio\[oauth\]==(.+)$", requirements, re.MULTILINE)
    assert front["sdk"] == "gradio"
    assert front["sdk_version"] == gradio
    assert (ROOT / front["app_file"]).exists()
    assert tuple(map(int, front["python_version"].split("."))) >= (3, 11)
    # The Hub refuses a longer one.
    assert len(front["short_description"]) <= 60


def test_everything_imported_is_a_requirement() -> None:
    """Including packages that another package happens to install today."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    declared = {canonicalize_name(Requirement(line).name) for line in lines if line.strip()}
    brought = importlib.metadata.packages_distributions()
    roots = {name.split(".")[0] for path in sources() for name in imported(path)}
    # Only ZeroGPU hardware has this.
    foreign = roots - set(sys.stdlib_module_names) - {"spacebot", "spaces"}
    missing = {
        root: brought[root]
        for root in foreign
        if not declared & {canonicalize_name(name) for name in brought[root]}
    }
    assert missing == {}


def requirements(name: str) -> list[str]:
    """The lines of a requirements file that name a package."""
    return [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("-")]


def test_every_requirement_has_both_bounds() -> None:
    for line in [*requirements("requirements.txt"), *requirements("requirements-postgres.txt")]:
        operators = {one.operator for one in Requirement(line).specifier}
        assert operators in ({"=="}, {">=", "<"}), line


def test_the_lock_holds_the_requirements_with_hashes_and_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = {
        canonicalize_name(name): version
        for name, version in re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([^\s;]+)", lock, re.MULTILINE)
    }
    for line in [*requirements("requirements.txt"), *requirements("requirements-postgres.txt")]:
        wanted = Requirement(line)
        version = pinned.get(canonicalize_name(wanted.name), "")
        assert wanted.specifier.contains(version), f"{line}: run make lock"
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock


def test_the_same_ruff_checks_everywhere() -> None:
    (wanted,) = re.findall(
        r"^ruff==(.+)$", (ROOT / "requirements-dev.txt").read_text(), re.MULTILINE
    )
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"ruff-pre-commit\n +rev: v(.+)$", hooks, re.MULTILINE) == [wanted]


@pytest.mark.parametrize(
    "path", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")], ids=lambda path: path.name
)
def test_links_between_the_documents_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_readme_is_short() -> None:
    assert len(README.split("---\n", 2)[2].split()) <= 1200


@pytest.mark.parametrize(
    "table", [INPUTS, RENDERERS, TRIGGERS], ids=["INPUTS", "RENDERERS", "TRIGGERS"]
)
def test_every_row_of_a_table_has_a_row_in_a_test(table: dict[str, object]) -> None:
    # By its key, or by Gradio's own name for it: ColorPicker for colorpicker.
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py")).lower()
    shown = [key for key, row in table.items() if not isinstance(row, HiddenRenderer)]
    assert [key for key in shown if not re.search(rf"\b{key}\b", tests)] == []


def test_a_wrong_setting_stops_the_start_with_one_line(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", ROOT / "app.py"],
        cwd=tmp_path,
        env={"PATH": "", "HOME": str(tmp_path), "LOG_LEVEL": "loud"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    line = "LOG_LEVEL: 'loud' cannot be used. Accepted: one of DEBUG, INFO, WARNING, ERROR.\n"
    assert (result.returncode, result.stdout, result.stderr) == (2, "", line)


def test_make_names_the_python_it_needs(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    newer = "sed 's/3, 11/3, 99/'"
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "$(echo "$2" | {newer})"\n')
    old.chmod(0o755)
    (tmp_path / "Makefile").write_text(MAKEFILE)
    (tmp_path / "requirements.txt").touch()
    result = subprocess.run(
        ["make", f"PYTHON={old}", "run"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert result.returncode != 0
    assert "Spacebot needs Python 3.11 or newer; this is" in result.stderr
    assert not (tmp_path / ".venv").exists()


def test_tests_reach_nothing_but_this_machine() -> None:
    with pytest.raises(OSError, match="loopback"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(OSError, match="loopback"):
        socket.create_connection(("discord.com", 443), timeout=1)
    assert "DISCORD_TOKEN" not in os.environ
