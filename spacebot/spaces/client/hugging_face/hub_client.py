"""The Hub's API, off the event loop, within its limits, with errors in plain words."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import httpx2
from huggingface_hub import HfApi, SpaceInfo
from huggingface_hub.errors import (
    DisabledRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from spacebot.errors import HubTokenRefused, HubUnavailable, SpacebotError, SpaceNotFound
from spacebot.models import GpuQuota, HubUser, SpaceListing
from spacebot.spaces.client.hugging_face.budget import RequestBudget
from spacebot.spaces.client.hugging_face.cache import AnswerCache
from spacebot.spaces.client.hugging_face.listings import (
    collect,
    hub_id_of,
    listing_of,
    listings_of,
    user_of,
)
from spacebot.spaces.client.hugging_face.requests import HubRequest, use_hooks

log = logging.getLogger(__name__)
T = TypeVar("T")

REQUEST_SECONDS = 10.0
MAX_THREADS = 8
# How many requests searches leave to jobs, and suggestions while typing leave to searches.
SEARCH_RESERVE, TYPING_RESERVE = 100, 200
MAX_FOUND = 50
MAX_KEYWORDS = 3
CACHED_SEARCHES, SEARCH_TTL = 500, 300.0
CACHED_SPACES, SPACE_TTL = 500, 60.0
# Spaces are listed with these fields; a full record is ten times as long.
LISTED_FIELDS: Any = ["cardData", "disabled", "likes", "private", "runtime", "sdk", "tags"]
TOKEN = re.compile(r"[!-~]{1,200}")
DISABLED = "Hugging Face has disabled this Space. Choose another one."
GONE = "There is no such Space on Hugging Face, or it is private."
SILENT = "Hugging Face is not answering now. Try again in a minute."
TROUBLED = "Hugging Face has a problem right now. Try again in a few minutes."
REFUSED = "Hugging Face does not accept this token: it was revoked, or mistyped."
MAY_NOT = (
    "This token lacks a permission for that. Add it at https://huggingface.co/settings/tokens: "
    "the ZeroGPU quota needs to read billing."
)


class HubClient:
    """Sends requests to the Hub. Without a `token`, it sees only what is public."""

    def __init__(self, api: HfApi | None = None, budget: RequestBudget | None = None) -> None:
        use_hooks()
        self.api = api or HfApi()
        self.budget = budget or RequestBudget()
        # Its own threads, so that a slow Hub delays nothing else.
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="hub")
        self._searches = AnswerCache(most=CACHED_SEARCHES, seconds=SEARCH_TTL)
        self._spaces = AnswerCache(most=CACHED_SPACES, seconds=SPACE_TTL)

    def close(self) -> None:
        """Cancel what is under way."""
        self._searches.close()
        self._spaces.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def search(self, wish: str, keywords: Sequence[str] = ()) -> list[SpaceListing]:
        """Public Gradio Spaces by meaning, the closest first; raises `SpacebotError`.

        If the search by meaning finds nothing or fails, those whose names contain `keywords`.
        """
        key = ("wish", wish, *keywords)
        return await self._searches.get(key, partial(self._search, wish, keywords))

    async def _search(self, wish: str, keywords: Sequence[str]) -> list[SpaceListing]:
        try:
            found = await self._listed(
                SEARCH_RESERVE, self.api.search_spaces, wish, sdk="gradio", include_non_running=True
            )
        except (HfHubHTTPError, ValueError) as error:
            log.warning("The Hub's search by meaning failed: %s", type(error).__name__)
            found = []
        return found or await self._by_keywords(keywords)

    async def _by_keywords(self, keywords: Sequence[str]) -> list[SpaceListing]:
        """Spaces whose names contain most of these words, then the most liked ones."""
        words = list(dict.fromkeys(keywords))[:MAX_KEYWORDS]
        pages = await asyncio.gather(*(self.named(word, reserve=SEARCH_RESERVE) for word in words))
        found = {one.space: one for page in pages for one in page}
        hits = {space: sum(space in {o.space for o in page} for page in pages) for space in found}
        return sorted(found.values(), key=lambda one: (-hits[one.space], -one.likes))

    async def named(self, text: str, *, reserve: int = TYPING_RESERVE) -> list[SpaceListing]:
        """Public Gradio Spaces whose name contains this text, the most liked first.

        "owner/" lists an owner's. Raises `SpacebotError`.
        """
        author, slash, name = text.rpartition("/")
        where = {"author": author} if slash else {}
        key = ("name", text.casefold())
        return await self._searches.get(key, partial(self._named, name, where, reserve))

    async def _named(self, name: str, where: dict[str, str], reserve: int) -> list[SpaceListing]:
        listing = self._listed(
            reserve,
            self.api.list_spaces,
            search=name or None,
            filter="gradio",
            sort="likes",
            limit=MAX_FOUND,
            expand=LISTED_FIELDS,
            **where,
        )
        return await _translated(listing)

    async def _listed(
        self, reserve: int, call: Callable[..., Iterable[Any]], *args: Any, **kwargs: Any
    ) -> list[SpaceListing]:
        """The Spaces of a listing that anyone can use."""

        def read() -> list[Any]:
            return collect(call(*args, token=False, **kwargs), MAX_FOUND)

        found = listings_of(await self._ask(read, reserve=reserve))
        return [one for one in found if _is_usable(one)]

    async def listing(self, space: str, token: str = "") -> SpaceListing:
        """The Hub's description of a Space, at most a minute old; raises `SpacebotError`."""
        key = ("space", space.casefold(), _digest(token))
        return await self._spaces.get(key, partial(self._listing, space, token))

    async def _listing(self, space: str, token: str) -> SpaceListing:
        record = await _translated(self.info(space, token))
        listing = listing_of(record)
        if listing is None:
            raise SpaceNotFound(GONE)
        return listing

    async def info(self, space: str, token: str = "", *, reserve: int = 0) -> SpaceInfo:
        """A Space's full record; raises the library's `HfHubHTTPError`, or `SpacebotError`."""
        asking = partial(self.api.space_info, timeout=REQUEST_SECONDS, token=token or False)
        return await self._ask(asking, space, reserve=reserve)

    async def id_of(self, space: str) -> str:
        """The Hub's id of a public Space, which outlives its names; raises `SpacebotError`."""
        return await self._spaces.get(("id", space.casefold()), partial(self._id_of, space))

    async def _id_of(self, space: str) -> str:
        return hub_id_of(await _translated(self.info(space, reserve=SEARCH_RESERVE)))

    async def present_name(self, space: str) -> str:
        """The name that a public Space has now, "" if there is none; raises `SpacebotError`."""
        try:
            return await self._at(space)
        except (SpaceNotFound, HubTokenRefused):
            return ""

    async def space_at(self, subdomain: str) -> str:
        """The owner/name of the Space at a subdomain of hf.space; raises `SpacebotError`."""
        # The Hub offers this beside /api/spaces/owner/name; the library has no function for it.
        asking = partial(self._at, f"by-subdomain/{subdomain}")
        return await self._spaces.get(("subdomain", subdomain), asking)

    async def _at(self, path: str) -> str:
        return (await _translated(self.info(path, reserve=SEARCH_RESERVE))).id

    async def whoami(self, token: str) -> HubUser:
        """A token's owner and permissions; raises `SpacebotError`."""
        _check_token(token)

        async def ask() -> HubUser:
            return user_of(await self._ask(self.api.whoami, token))

        return await _translated(ask())

    async def quota(self, token: str) -> GpuQuota:
        """An account's ZeroGPU seconds, at most a minute old; raises `SpacebotError`."""
        _check_token(token)
        key = ("quota", _digest(token))
        return await self._spaces.get(key, partial(self._quota, token))

    async def _quota(self, token: str) -> GpuQuota:
        found = await _translated(self._ask(self.api.get_zero_gpu_quota, token=token))
        pays = found.overquota_used is not None
        return GpuQuota(found.base, found.remaining, found.resets_at, pays)

    async def _ask(self, call: Callable[..., T], *args: Any, reserve: int = 0, **kwargs: Any) -> T:
        """Call the library in a thread; raises its `HfHubHTTPError`, or `SpacebotError`."""
        request = HubRequest(self.budget, time.monotonic() + REQUEST_SECONDS, reserve)
        work = partial(call, *args, **kwargs)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, request.run, work)
        except DisabledRepoError as error:
            raise SpaceNotFound(DISABLED) from error
        except (HfHubHTTPError, SpacebotError):
            raise
        except (TimeoutError, httpx2.HTTPError, OSError, OfflineModeIsEnabled) as error:
            raise HubUnavailable(SILENT) from error


async def _translated(asking: Awaitable[T]) -> T:
    """The answer to a question, with the library's errors in plain words."""
    try:
        return await asking
    except RepositoryNotFoundError as error:
        raise SpaceNotFound(GONE) from error
    except HfHubHTTPError as error:
        raise _in_words(error) from error
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise HubUnavailable(TROUBLED) from error


def _in_words(error: HfHubHTTPError) -> SpacebotError:
    match error.response.status_code:
        case 401:
            return HubTokenRefused(REFUSED)
        case 403:
            return HubTokenRefused(MAY_NOT)
        case _:
            return HubUnavailable(TROUBLED)


def _check_token(token: str) -> None:
    """Raise `HubTokenRefused` for a token that no header can carry."""
    if not TOKEN.fullmatch(token):
        raise HubTokenRefused(REFUSED)


def _digest(token: str) -> str:
    """A token's key in a cache, which contains no token."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest() if token else ""


def _is_usable(listing: SpaceListing) -> bool:
    """Whether anyone can use it: a Gradio app that runs, or will once it is woken."""
    hidden = listing.private or listing.disabled
    ready = listing.runs or listing.sleeps or not listing.stage
    return listing.sdk in ("gradio", "") and ready and not hidden
