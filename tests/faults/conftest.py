"""What the tests of faults share: Spaces in processes of their own, and the figures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import _gradio_files, space
from tests.spaces import Spawned, spawn

__all__ = ["_gradio_files", "space"]


class Figures(list[str]):
    """Lines for the end of the run."""

    def note(self, fault: str, **counts: object) -> None:
        """One fault, and what came of it."""
        self.append(f"{fault}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Iterator[Figures]:
    """Figures that are printed when all tests are done."""
    found = Figures()
    yield found
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line("")
        for line in found:
            reporter.write_line(line)


@pytest.fixture(scope="session")
def trouble() -> Iterator[Spawned]:
    """The Space `trouble` in a process of its own, to be killed and stopped."""
    with spawn("trouble") as app:
        yield app
