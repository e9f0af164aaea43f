"""What the tests of faults share: Spaces in processes of their own, and the figures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import space
from tests.support.apps import Spawned, spawn

__all__ = ["space"]


class Figures(list[str]):
    """Lines for the end of the run."""

    def note(self, fault: str, **counts: object) -> None:
        """One fault and its outcome."""
        self.append(f"{fault}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))


FIGURES = pytest.StashKey[Figures]()


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Figures:
    """Figures that are printed when all tests are done."""
    return request.config.stash.setdefault(FIGURES, Figures())


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the figures."""
    if found := config.stash.get(FIGURES, None):
        terminalreporter.section("faults")
        for line in found:
            terminalreporter.write_line(line)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry a Space every second or two, without growing pauses."""
    monkeypatch.setattr("spacebot.engine.jobs.runner.MAX_RETRY_PAUSE", 2.0)


@pytest.fixture(scope="session")
def trouble() -> Iterator[Spawned]:
    """The Space `trouble` in a process of its own, to be killed and stopped."""
    with spawn("trouble") as app:
        yield app
