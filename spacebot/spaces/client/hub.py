"""A Space's state by the Hub's word, and waking it if it sleeps."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import aiohttp
from huggingface_hub import SpaceInfo

from spacebot.concurrency import growing_pauses
from spacebot.errors import SpaceBusy, SpaceRenamed, SpaceUnavailable
from spacebot.models import ADULT_TAG
from spacebot.spaces.client.hugging_face.hub_client import DISABLED, SEARCH_RESERVE
from spacebot.spaces.client.hugging_face.listings import hub_id_of
from spacebot.spaces.client.transport.network import Network

# The growing pauses between two checks on a waking Space, in seconds: many such Spaces must leave
# the Hub's requests to others.
POLL_INTERVAL, MAX_POLL_INTERVAL = 3.0, 4.0
# The Hub's stages of a Space that cannot serve, and what a user can do about each.
ENDED_STAGES = {
    "PAUSED": "The Space is paused by its owner. It answers again when they resume it.",
    "RUNTIME_ERROR": "The Space has crashed. Its owner has to fix it.",
    "BUILD_ERROR": "The Space could not be built. Its owner has to fix it.",
    "CONFIG_ERROR": "The Space's configuration is broken. Its owner has to fix it.",
    "NO_APP_FILE": "The Space has no app. Its owner has to add one.",
    "DELETING": "The Space is being deleted.",
}
# The stages of a Space that will serve, in words for the person who waits.
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
    """One Space on the Hub. `news` says how far it has woken: "" while it is not being woken.

    The Hub redirects former names, and other spellings, to the current Space. A Space that members
    name has a `check_id`, which raises `SpaceNotAllowed` if the owner blocked the Hub's id under a
    former name; only its current name works, since ALLOWED_SPACES lists names. A Space in the
    settings may be renamed by its author, but never pass to another author, who would be sent
    HF_TOKEN.
    """

    def __init__(
        self,
        network: Network,
        space: str,
        token: str,
        *,
        check_id: Callable[[str], None] | None = None,
    ) -> None:
        self._network = network
        self._space = space
        self._token = token
        self._check_id = check_id
        # What the Hub says of it, once known.
        self.name, self.id = space, ""
        self.nsfw = self.on_zero_gpu = False
        self._began = 0.0
        self._took: float | None = None
        self.news = ""

    @property
    def left(self) -> float | None:
        """About how many more seconds waking will take, judging by the last time;
        None if unknown."""
        if not self.news or self._took is None:
            return None
        return max(0.0, self._took - (time.monotonic() - self._began))

    async def check(self, *, reserve: int = 0) -> SpaceInfo:
        """Ask for the Space's state; raises `SpaceUnavailable`, `SpaceRenamed`, `SpaceNotAllowed`.

        `reserve` requests are left to others.
        """
        info = await self._network.hub.info(self._space, self._token, reserve=reserve)
        self._check_name(info.id)
        self.id, self.nsfw, self.on_zero_gpu = hub_id_of(info), is_nsfw(info), is_on_zero_gpu(info)
        if self._check_id is not None:
            self._check_id(self.id)
        if info.disabled:
            raise SpaceUnavailable(DISABLED).for_good()
        if (stage := stage_of(info)) in ENDED_STAGES:
            raise SpaceUnavailable(ENDED_STAGES[stage]).for_good()
        if info.sdk == "static":
            raise SpaceUnavailable(STATIC_SPACE).for_good()
        return info

    def _check_name(self, name: str) -> None:
        """Raise `SpaceRenamed` if the Hub redirected to another Space."""
        if self._check_id is not None and name != self._space:
            raise SpaceRenamed(RENAMED.format(name), name)
        if _author(name) != _author(self._space):
            raise SpaceRenamed(PASSED_ON.format(name), name)
        self.name = name

    async def awake(self) -> SpaceInfo:
        """Wait until the Space serves, waking it if it sleeps; raises what prevents that."""
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
                long = "The Space is taking a long time to start. Try again later."
                raise SpaceUnavailable(long).for_good()
            await self._visit(info)
            await asyncio.sleep(next(pauses))
            # If the Hub accepts no requests now, the next check tells.
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
    """A Space's stage, in the Hub's words."""
    return str(getattr(info.runtime, "stage", "RUNNING")).rpartition(".")[2]


def is_nsfw(info: SpaceInfo) -> bool:
    """Whether a Space is tagged as not for all audiences."""
    return ADULT_TAG in (info.tags or ())


def without_gradio(info: SpaceInfo | None, error: Exception) -> Exception:
    """Why a Space could not be reached, if its kind explains that better than `error`."""
    other = info.sdk if info and info.sdk not in (None, "gradio") else None
    if other is None or not isinstance(error, SpaceUnavailable):
        return error
    return SpaceUnavailable(
        f"This is a {other.capitalize()} Space, and no Gradio app answers in it. "
        "Only Gradio Spaces can be used."
    ).for_good()


def is_on_zero_gpu(info: SpaceInfo) -> bool:
    """Whether its GPU time counts against its user's quota."""
    hardware = getattr(info.runtime, "hardware", None) or ""
    return hardware.startswith("zero")


def is_on_hub(address: str) -> bool:
    """Whether an address is a Space's own host on Hugging Face."""
    parts = urlsplit(address)
    return parts.scheme == "https" and (parts.hostname or "").endswith(".hf.space")
