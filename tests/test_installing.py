"""An installed Spacebot is complete, and reads its settings where it is started."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_an_installed_program_reads_the_env_file_of_its_folder(tmp_path: Path) -> None:
    installed, folder = tmp_path / "venv" / "site-packages", tmp_path / "folder"
    for made in (installed, folder):
        made.mkdir(parents=True)
    # A folder above the environment may be another project's.
    (tmp_path / ".env").write_text("LOG_LEVEL=quiet\n")
    shutil.copy(ROOT / "app.py", installed)
    (folder / ".env").write_text("LOG_LEVEL=loud\n")
    result = subprocess.run(
        [sys.executable, "-W", "ignore", installed / "app.py"],
        cwd=folder,
        env={"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 2
    assert result.stderr.startswith("LOG_LEVEL: 'loud' ")


def test_every_file_of_the_package_is_installed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = (*settings["package-data"]["*"], "*.py")
    files = [path for path in (ROOT / "spacebot").rglob("*.*") if "__pycache__" not in path.parts]
    assert [path for path in files if path.suffix in (".html", ".js")]
    assert not [path for path in files if not any(path.match(one) for one in patterns)]
