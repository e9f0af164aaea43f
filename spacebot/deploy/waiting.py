"""From the upload to the running Space: its stages, reported as they change."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from httpx2 import HTTPError
from huggingface_hub import HfApi, SpaceRuntime
from huggingface_hub.utils import get_session

from spacebot.deploy.console import Console
from spacebot.deploy.hub_errors import one_line

STAGES = {
    "BUILDING": "building: the packages are installed, which takes a few minutes",
    "RUNNING_BUILDING": "building, while the previous version still runs",
    "APP_STARTING": "starting",
    "RUNNING_APP_STARTING": "starting, while the previous version still runs",
    "RUNNING": "running",
}
# Stages that last until somebody acts.
FAILED_STAGES = {
    "BUILD_ERROR": "The Space could not be built.",
    "RUNTIME_ERROR": "The Space was built, but an error stopped it.",
    "CONFIG_ERROR": "Hugging Face cannot use the header of README.md.",
    "NO_APP_FILE": "Hugging Face finds no app.py in the Space.",
    "DELETING": "The Space is being deleted.",
    "PAUSED": "The Space is paused. Press Restart in its settings.",
    "STOPPED": "The Space is stopped. Press Restart in its settings.",
}
STAGES_UNDER_WAY = STAGES.keys() - {"RUNNING"}
STAGES_ASLEEP = ("PAUSED", "STOPPED", "SLEEPING")
MAX_LOG_LINES = 25


@dataclass(frozen=True, slots=True)
class WaitLimits:
    """In seconds: between two checks, until an unchanged stage counts, and in all."""

    poll: float = 2.0
    settle: float = 10.0
    all: float = 1200.0


class StartWaiter:
    """Waits until the Space runs the commit `sha`; `fresh` says that the Space is new."""

    def __init__(self, api: HfApi, name: str, console: Console, *, sha: str, fresh: bool) -> None:
        self._api = api
        self._name = name
        self._console = console
        self._sha = sha
        self._fresh = fresh
        self._started = time.monotonic()

    def until_running(self, patience: WaitLimits | None = None) -> bool:
        """Wait; returns whether it runs, and reports its stages meanwhile."""
        patience = patience or WaitLimits()
        last, since, worked = "", 0.0, False
        while (spent := time.monotonic() - self._started) < patience.all:
            runtime = self._api.get_space_runtime(self._name)
            stage = str(runtime.stage)
            if stage != last:
                self._console.say(f"{spent:5.0f} s  {STAGES.get(stage, stage.lower())}")
                last, since = stage, spent
            worked = worked or stage in STAGES_UNDER_WAY
            # Until the build has begun, the Hub still reports the previous stage.
            certain = worked or self._is_told(runtime) or spent - since >= patience.settle
            if certain and self._is_ours(runtime) and stage == "RUNNING":
                return True
            if certain and self._is_ours(runtime) and stage in FAILED_STAGES:
                self._tell_end(stage, runtime)
                return False
            time.sleep(patience.poll)
        self._console.complain(
            f"After {patience.all / 60:.0f} minutes the Space is still {last.lower()}. "
            "This continues on Hugging Face; its page on Hugging Face shows its progress."
        )
        return False

    def _is_ours(self, runtime: SpaceRuntime) -> bool:
        """Whether this stage is our commit's, as far as the Hub says whose it is."""
        return runtime.raw.get("sha") in (None, self._sha)

    def _is_told(self, runtime: SpaceRuntime) -> bool:
        """Whether this is certainly no stage from before the restart."""
        return self._fresh and runtime.raw.get("sha") == self._sha

    def _tell_end(self, stage: str, runtime: SpaceRuntime) -> None:
        self._console.complain(FAILED_STAGES[stage])
        if reason := runtime.raw.get("errorMessage"):
            self._console.complain(one_line(str(reason)))
        if stage in ("BUILD_ERROR", "RUNTIME_ERROR"):
            for line in self._log(build=stage == "BUILD_ERROR"):
                self._console.complain(f"  | {line}")

    def _log(self, *, build: bool) -> Iterator[str]:
        """The last lines of a log; failing to read it is no reason to fail."""
        lines: deque[str] = deque(maxlen=MAX_LOG_LINES)
        try:
            for text in self._api.fetch_space_logs(self._name, build=build):
                lines.extend(text.rstrip("\n").split("\n"))
        except (HTTPError, OSError) as error:
            lines.append(f"(the log could not be read to its end: {type(error).__name__})")
        yield from lines


def health(address: str) -> str:
    """What a running public Space's page reports, in a sentence."""
    try:
        answer = get_session().get(f"{address}/healthz", timeout=15)
        told = answer.json()
    except (HTTPError, OSError, ValueError):
        return "Its page has not answered yet; open it in a moment."
    if answer.status_code == 200:
        return "All is well."
    return f"It runs, but: {one_line(str(told.get('reason') or told.get('status')))}"
