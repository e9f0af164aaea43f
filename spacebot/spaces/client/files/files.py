"""Downloading the files of a result: streamed to disk, limited, without leaking the token."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import mimetypes
import operator
import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from gradio_client import utils

from spacebot.errors import DiskFull, SpaceUnreadable
from spacebot.models import File
from spacebot.spaces.client.files.uploads import is_file
from spacebot.spaces.client.transport.bounded_reading import chunks
from spacebot.spaces.client.transport.network import Network
from spacebot.spaces.client.transport.rate_limit import retry_after

MAX_REDIRECTS = 5
MAX_CONCURRENT_FILES = 4
# The longest that a Space may delay a file, in seconds.
MAX_RETRY_AFTER = 15.0
# The limits of one result: files, and bytes in all.
MAX_FILES, MAX_TOTAL_BYTES = 100, 400_000_000
DISK_FULL = "the bot's disk is full"


class FileTooLarge(Exception):
    """A file is over the cap."""


class ResultTooLarge(Exception):
    """The files of a result exceed `MAX_TOTAL_BYTES` together."""


class FileRateLimited(Exception):
    """The Space asks for a longer pause before a file than anybody waits."""


class ByteBudget:
    """How many more bytes of one result's files may be downloaded."""

    def __init__(self) -> None:
        self.left = MAX_TOTAL_BYTES

    def take(self, size: int) -> None:
        """Count bytes that arrived; raises `ResultTooLarge`."""
        self.left -= size
        if self.left < 0:
            raise ResultTooLarge


class FileFetcher:
    """Downloads the files of one Space.

    `root` is the address that the Space serves its files under, and `headers` may contain the
    owner's token: they go to that origin only. Files keep their address only if they are `linked`:
    anyone can open it, without the token.
    """

    def __init__(
        self, network: Network, root: str, headers: Mapping[str, str], *, linked: bool = True
    ) -> None:
        self._network = network
        self._root = root
        self._headers = headers
        self._linked = linked

    async def localize(
        self, values: list[Any], folder: Path, *, cap: int, full: bool = False
    ) -> list[Any]:
        """Replace every file in raw outputs with a `File` in `folder`, of at most `cap` bytes each.

        A file that cannot be downloaded becomes a `File` without a path that says why: a lost file
        never affects the others. Raises `DiskFull`. If the disk is known to be `full`, `cap`
        applies to all files together, and 0 leaves them out.
        """
        # Walking through a long result takes a while.
        found = await self._network.call(lambda: list(_files(values)))
        if not found:
            return values
        if full:
            cap //= len(found)
        limit, allowance = asyncio.Semaphore(MAX_CONCURRENT_FILES), ByteBudget()

        async def one(data: dict[str, Any]) -> File:
            async with limit:
                return await self._fetch(data, folder, cap, allowance, full=full)

        fetched = await asyncio.gather(*map(one, found[:MAX_FILES]), return_exceptions=True)
        if error := next((one for one in fetched if isinstance(one, BaseException)), None):
            raise error
        brought = [one for one in fetched if isinstance(one, File)]
        files = iter([*brought, *map(self._left_out, found[MAX_FILES:])])
        return await self._network.call(_replace_files, values, files)

    def address(self, data: Mapping[str, Any]) -> str:
        """Where the Space serves a file: a stream at its own address, the rest by path.

        Gradio 3 gives its pictures as `data:` addresses, which hold the file itself.
        """
        if str(data.get("url")).startswith("data:"):
            return str(data["url"])
        if data.get("is_stream") and data.get("url"):
            return urljoin(self._root, str(data["url"]))
        return self._root + "file=" + utils.encode_file_path(data["path"])

    def _link(self, data: Mapping[str, Any]) -> str | None:
        with contextlib.suppress(ValueError):
            address = self.address(data)
            return address if self._linked and not address.startswith("data:") else None
        return None

    def _left_out(self, data: Mapping[str, Any]) -> File:
        problem = f"one result can bring at most {MAX_FILES} files"
        return File(name=file_name_of(data), url=self._link(data), problem=problem)

    async def _fetch(
        self, data: dict[str, Any], folder: Path, cap: int, allowance: ByteBudget, *, full: bool
    ) -> File:
        name = file_name_of(data)
        mime, size = data.get("mime_type"), data.get("size")
        mime = mime if isinstance(mime, str) and mime else mimetypes.guess_type(name)[0]
        size = size if isinstance(size, int) and size >= 0 else None
        url = self._link(data)
        suffix = re.sub(r"[^.\w]", "", PurePosixPath(name).suffix)[:12]
        path = folder / f"{uuid.uuid4().hex}{suffix}"
        try:
            if cap <= 0:
                raise FileTooLarge
            _make_folder(folder)
            size = await self._bring(self.address(data), path, cap, allowance)
        except FileTooLarge:
            problem = DISK_FULL if full else f"it is larger than {cap // 1_000_000} MB"
        except ResultTooLarge:
            problem = f"this result's files exceed {MAX_TOTAL_BYTES // 1_000_000} MB in total"
        except FileRateLimited:
            problem = "the Space limits how often it can be asked"
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, SpaceUnreadable) as error:
            if DiskFull.is_meant_by(error):
                path.unlink(missing_ok=True)
                raise DiskFull from error
            problem = "the Space did not provide it"
        else:
            return File(name=name, path=path, url=url, mime=mime, size=size)
        path.unlink(missing_ok=True)
        return File(name=name, url=url, mime=mime, size=size, problem=problem)

    async def _bring(self, address: str, path: Path, cap: int, allowance: ByteBudget) -> int:
        if address.startswith("data:"):
            return await self._network.call(_unpack, address, path, cap, allowance)
        return await self._download(address, path, cap, allowance)

    async def _download(self, url: str, path: Path, cap: int, allowance: ByteBudget) -> int:
        for _ in range(MAX_REDIRECTS):
            async with await self._get(url) as response:
                if response.status in (301, 302, 303, 307, 308):
                    url = urljoin(url, response.headers.get("Location", ""))
                    continue
                if response.status == 429:
                    await asyncio.sleep(_retry_pause(response))
                    continue
                response.raise_for_status()
                return await _save(response, path, cap, allowance)
        raise ValueError("too many redirects, or refusals")

    async def _get(self, url: str) -> aiohttp.ClientResponse:
        home, there = urlsplit(self._root), urlsplit(url)
        if (home.scheme, home.netloc) == (there.scheme, there.netloc):
            return await self._network.http.get(url, headers=self._headers, allow_redirects=False)
        # Elsewhere: no token, and no address within the bot's own network.
        if there.scheme not in ("http", "https"):
            raise ValueError(f"a file cannot be at {there.scheme}:")
        return await self._network.public.get(url, allow_redirects=False)


def _files(value: Any) -> Iterator[dict[str, Any]]:
    """Every file in raw outputs."""
    if is_file(value):
        yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _files(item)


def _replace_files(value: Any, files: Iterator[File]) -> Any:
    """Raw outputs with each file replaced by the next of `files`; parts without files are not
    copied."""
    if is_file(value):
        return next(files)
    if not isinstance(value, dict | list | tuple):
        return value
    old = list(value.values() if isinstance(value, dict) else value)
    new = [_replace_files(one, files) for one in old]
    if all(map(operator.is_, old, new)):
        return value
    return dict(zip(value, new, strict=True)) if isinstance(value, dict) else new


def file_name_of(data: Mapping[str, Any]) -> str:
    """The name of a Space's file, without folders and control characters."""
    name = PurePosixPath(str(data.get("orig_name") or data["path"])).name
    name = "".join(letter for letter in name if letter.isprintable())
    return name if name.strip(". ") else "file"


def _retry_pause(response: aiohttp.ClientResponse) -> float:
    """How many seconds a refused request waits; raises `FileRateLimited`."""
    pause = retry_after(response.headers.get("Retry-After", "")) or 1.0
    if pause > MAX_RETRY_AFTER:
        raise FileRateLimited
    return pause


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


def _unpack(address: str, path: Path, cap: int, allowance: ByteBudget) -> int:
    """Write the content of a `data:` address to `path`; returns its bytes, raises
    `FileTooLarge`."""
    head, _, body = address.partition(",")
    if not head.endswith(";base64"):
        raise ValueError("not in base64")
    # Four characters of base64 are three bytes.
    if len(body) * 3 // 4 > cap + 3:
        raise FileTooLarge
    content = base64.b64decode(body, validate=True)
    allowance.take(len(content))
    return path.write_bytes(content)


async def _save(
    response: aiohttp.ClientResponse, path: Path, cap: int, allowance: ByteBudget
) -> int:
    """Write a body to `path`; returns its bytes, raises `FileTooLarge` beyond `cap`."""
    if (response.content_length or 0) > cap:
        raise FileTooLarge
    size = 0
    with path.open("wb") as out:
        async for chunk in chunks(response):
            size += len(chunk)
            if size > cap:
                raise FileTooLarge
            allowance.take(len(chunk))
            out.write(chunk)
    return size
