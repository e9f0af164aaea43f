"""The program on the lower bounds of its requirements: `make test-versions`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.e2e.conftest import discord
from tests.support.asking import ask
from tests.support.postgres import Postgres
from tests.support.program import ROOT, running
from tests.versions.environments import REQUIREMENTS, installed, lowest


def lower_bounds() -> dict[str, Version]:
    """The lower bound of each requirement."""
    files = (REQUIREMENTS, ROOT / "requirements.txt")
    lines = [line for file in files for line in file.read_text().splitlines()]
    lines = [line for line in lines if line and not line.startswith("-r")]
    return {
        canonicalize_name(one.name): Version(bound.version)
        for one in map(Requirement, lines)
        for bound in one.specifier
        if bound.operator in (">=", "==")
    }


def test_every_lower_bound_can_be_installed_beside_the_others():
    found, bounds = installed(lowest()), lower_bounds()
    assert {name: found[name] for name in bounds} == bounds


# What is loaded at its first use, on some jobs alone, is loaded too.
EVERYTHING = """
import importlib, pkgutil, warnings, spacebot
warnings.simplefilter("ignore")
for module in pkgutil.walk_packages(spacebot.__path__, "spacebot."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def test_every_module_is_imported_on_the_lower_bounds():
    subprocess.run([lowest(), "-c", EVERYTHING], cwd=ROOT, check=True)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_the_program_starts_on_its_lower_bounds_and_answers(
    tmp_path: Path, postgres: Postgres, database: str
):
    env = {"DATABASE_URL": await postgres.create("lowest")} if database == "postgresql" else {}
    async with discord() as place, running(tmp_path, place.server, env=env, python=lowest()):
        given = {"prompt": "a cat"}
        answer = await ask(place.ada, "demo paint", given, channel=place.channel, seconds=60)
        assert answer.attachments
