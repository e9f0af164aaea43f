"""How the Hub says that a Space stands, and waking one that sleeps."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import aiohttp
from huggingface_hub import SpaceInfo

from spacebot.concurrency import growing_pauses
from spacebot.errors import SpaceBusy, SpaceRenamed, SpaceUnavailable
from spacebot.models import ADULT_TAG
from spacebot.spaces.client.hugging_face.hub_client import SEARCH_RESERVE
from spacebot.spaces.client.transport.network import Network

# The pauses between two looks at a Space that wakes, in seconds: they grow, so that many
# such Spaces leave the Hub's requests to others.
POLL_INTERVAL, MAX_POLL_INTERVAL = 3.0, 4.0
# What the Hub says of a Space that cannot serve, and what a user can do about it.
ENDED_STAGES = {
    "PAUSED": "The Space is paused by its owner. It answers again when they resume it.",
    "RUNTIME_ERROR": "The Space has crashed. Its owner has to fix it.",
    "BUILD_ERROR": "The Space could not be built. Its owner has to fix it.",
    "CONFIG_ERROR": "The Space's configuration is broken. Its owner has to fix it.",
    "NO_APP_FILE": "The Space has no app. Its owner has to add one.",
    "DELETING": "The Space is being deleted.",
}
# What it says of one that will serve, in words for whoever waits.
WAKING_STAGES = {
    "SLEEPING": "The Space was asleep and is being woken",
    "STOPPED": "The Space was asleep and is being woken",
    "BUILDING": "The Space is being built",
    "APP_STARTING": "The Space is starting",
}
STATIC_SPACE = (
    "This is a static Space: pages without an app behind them. Only Gradio Spaces can be used."
)
ASLEEP_STAGES = ("SLEEPING", "STOPPED")


RENAMED = "This Space is called {} now. Use that name."
PASSED_ON = (
    "This Space is {} on Hugging Face now, so it belongs to somebody else. The bot's owner can "
    "put that name in its settings."
)


class HubSpace:
    """One Space on the Hub. `news` says how far its waking is: "" while it is not being woken.

    The Hub leads former names, and other spellings, to the Space that there is. What members
    bring is `exact`: the owner's lists and marks go by its name. What the settings name may be
    renamed by its author, and never passes to another one, who would be sent HF_TOKEN.
    """

    def __init__(self, network: Network, space: str, token: str, *, exact: bool = False) -> None:
        self._network = network
        self._space = space
        self._token = token
        self._exact = exact
        # What the Hub calls it, once that was asked.
        self.name = space
        self._began = 0.0
        self._took: float | None = None
        self.news = ""

    @property
    def left(self) -> float | None:
        """About how many seconds waking will take still, going by the last time; None: unknown."""
        if not self.news or self._took is None:
            return None
        return max(0.0, self._took - (time.monotonic() - self._began))

    async def check(self, *, reserve: int = 0) -> SpaceInfo:
        """Ask how the Space stands; raises `SpaceUnavailable` or `SpaceRenamed`.

        `reserve` requests are left to others.
        """
        info = await self._network.hub.info(self._space, self._token, reserve=reserve)
        self._check_name(info.id)
        if (stage := stage_of(info)) in ENDED_STAGES:
            raise SpaceUnavailable(ENDED_STAGES[stage]).for_good()
        if info.sdk == "static":
            raise SpaceUnavailable(STATIC_SPACE).for_good()
        return info

    def _check_name(self, name: str) -> None:
        """Raise `SpaceRenamed` where the Hub led to another Space than was asked for."""
        if self._exact and name != self._space:
            raise SpaceRenamed(RENAMED.format(name), name)
        if _author(name) != _author(self._space):
            raise SpaceRenamed(PASSED_ON.format(name), name)
        self.name = name

    async def awake(self) -> SpaceInfo:
        """Wait until the Space serves, waking it where it sleeps; raises what stops that."""
        self._began = time.monotonic()
        info = await self.check()
        if stage_of(info) not in WAKING_STAGES:
            return info
        try:
            info = await self._woken(info, growing_pauses(POLL_INTERVAL, MAX_POLL_INTERVAL))
        finally:
            self.news = ""
        self._took = time.monotonic() - self._began
        return info

    async def _woken(self, info: SpaceInfo, pauses: Iterator[float]) -> SpaceInfo:
        while news := WAKING_STAGES.get(stage_of(info)):
            self.news = news
            if time.monotonic() - self._began > self._network.wake:
                long = "The Space is starting, which takes long. Try again later."
                raise SpaceUnavailable(long).for_good()
            await self._visit(info)
            await asyncio.sleep(next(pauses))
            # Where the Hub takes no more requests for now, the next look tells.
            with contextlib.suppress(SpaceBusy):
                info = await self.check(reserve=SEARCH_RESERVE)
        return info

    async def _visit(self, info: SpaceInfo) -> None:
        """Any request wakes a Space; the answer is the Hub's waiting page."""
        if stage_of(info) in ASLEEP_STAGES and info.host:
            known = {"x-hf-authorization": f"Bearer {self._token}"} if self._token else {}
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                (
                    await self._network.http.get(info.host, headers=known, allow_redirects=False)
                ).close()


def _author(space: str) -> str:
    return space.partition("/")[0].casefold()


def stage_of(info: SpaceInfo) -> str:
    """The stage of a Space, as the Hub calls it."""
    return str(getattr(info.runtime, "stage", "RUNNING")).rpartition(".")[2]


def is_nsfw(info: SpaceInfo) -> bool:
    """Whether a Space is tagged as not for all audiences."""
    return ADULT_TAG in (info.tags or ())


def without_gradio(info: SpaceInfo | None, error: Exception) -> Exception:
    """Why a Space could not be reached, where its kind explains that better than `error`."""
    other = info.sdk if info and info.sdk not in (None, "gradio") else None
    if other is None or not isinstance(error, SpaceUnavailable):
        return error
    return SpaceUnavailable(
        f"This is a {other.capitalize()} Space, and no Gradio app answers in it. "
        "Only Gradio Spaces can be used."
    ).for_good()


def is_on_zero_gpu(info: SpaceInfo) -> bool:
    """Whether its GPU time counts against a quota of whoever uses it."""
    hardware = getattr(info.runtime, "hardware", None) or ""
    return hardware.startswith("zero")


def is_on_hub(address: str) -> bool:
    """Whether an address is a Space's own host on Hugging Face."""
    parts = urlsplit(address)
    return parts.scheme == "https" and (parts.hostname or "").endswith(".hf.space")
