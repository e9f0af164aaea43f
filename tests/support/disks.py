"""Small file systems of their own, which can be full or read-only."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def disk(folder: Path, megabytes: float, *, options: str = "") -> Iterator[Path]:
    """A file system of this size at `folder`; skips if this machine allows no mount."""
    folder.mkdir(parents=True, exist_ok=True)
    size = f"size={int(megabytes * 1024)}k{options}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"No file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Fill the file system under `folder` to the last byte; returns the file that fills it."""
    path = folder / "filling"
    with path.open("ab", buffering=0) as out:
        for size in (1 << 16, 1 << 12, 1):
            with suppress(OSError):
                while out.write(bytes(size)) == size:
                    pass
    return path
