"""`python -m spacebot.deploy`, as its own process, against a Hub on loopback."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from spacebot.deploy import files
from spacebot.deploy.command import _parser
from tests.support.deploy_hub import READ, WRITE, Hub, Space, hub

DISCORD = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.loopback-loopback-loopback-loopback"
SECOND = "hf_secondsecondsecondsecond"
ENV = f"""\
DISCORD_TOKEN={DISCORD}
HF_TOKEN={SECOND}
SPACES=musicgen=huggingface-projects/transformers-musicgen#/predict
GRADIO_SERVER_NAME=127.0.0.1
DATA_DIR=data/
LOG_LEVEL=DEBUG
JOB_SECONDS=3600
OTHER_KEY=other-value
"""


@dataclass
class Ran:
    """A run of the command: its exit code and output."""

    code: int
    said: str

    def __post_init__(self) -> None:
        for secret in (DISCORD, SECOND, WRITE, READ, "other-value"):
            assert secret not in self.said
        assert "Traceback" not in self.said


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a Space needs, without the .env of the person who runs the tests."""
    root = tmp_path_factory.mktemp("clone")
    for name, path in files.needed_files().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, root / name)
    return root


@pytest.fixture(autouse=True)
def _in_the_clone(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)


@pytest.fixture
async def there() -> AsyncIterator[Hub]:
    async with hub() as served:
        yield served


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.env"
    path.write_text(ENV)
    return path


def environ(url: str, token: str | None = WRITE) -> dict[str, str]:
    home = os.environ["HOME"]
    arguments = {"PATH": "/usr/bin", "HOME": home, "HF_HOME": f"{home}/nobody", "HF_ENDPOINT": url}
    # What HF_DEBUG makes huggingface_hub log must not show a secret either.
    return arguments | {"HF_DEBUG": "1"} | ({"HF_TOKEN": token} if token else {})


async def deploy(
    url: str, *arguments: str | Path, token: str | None = WRITE, yes: bool = True
) -> Ran:
    """Run the command without a terminal."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "spacebot.deploy", *arguments, *(["--yes"] if yes else [])),
        env=environ(url, token),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode is not None
    return Ran(process.returncode, said.decode())


async def type_in(url: str, answers: list[tuple[str, str]], *arguments: str | Path) -> Ran:
    """Run the command at a terminal: wait for each question, type its answer."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "spacebot.deploy", *arguments),
        env=environ(url),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    )
    os.close(theirs)
    said = ""
    pending = list(answers)

    def read() -> str:
        try:
            return os.read(ours, 4096).decode()
        except OSError:
            return ""

    while text := await asyncio.wait_for(asyncio.to_thread(read), 60):
        said += text
        if pending and pending[0][0] in said:
            os.write(ours, f"{pending.pop(0)[1]}\n".encode())
    os.close(ours)
    return Ran(await process.wait(), said)


async def test_a_new_space_gets_files_secrets_variables_and_runs(there, env_file, clone) -> None:
    ran = await deploy(there.url, "ada/bot", "--env-file", env_file, "--private")
    assert ran.code == 0, ran.said
    space = there.spaces["ada/bot"]
    assert space.private
    assert space.secrets == {"DISCORD_TOKEN": DISCORD, "HF_TOKEN": SECOND}
    assert space.variables == {
        "SPACES": "musicgen=huggingface-projects/transformers-musicgen#/predict",
        "LOG_LEVEL": "DEBUG",
    }
    assert space.files.keys() - {".gitattributes"} == files.needed_files(clone).keys()
    # The header goes along as it is.
    assert space.files["README.md"] == (clone / "README.md").read_bytes()
    for line in ("building: ", "starting", "running", there.host, "OTHER_KEY"):
        assert line in ran.said


async def test_the_files_are_all_that_is_needed_and_nothing_else() -> None:
    names = files.needed_files().keys()
    assert {"app.py", "README.md", "requirements.txt", "spacebot/web/static/page.css"} <= names
    roots = {name.split("/")[0] for name in names}
    assert roots == {"app.py", "README.md", "requirements.txt", "LICENSE", "spacebot"}
    assert not [name for name in names if "__pycache__" in name or "/." in name]


async def test_an_update_changes_what_differs_and_keeps_the_rest(there, env_file) -> None:
    there.spaces["ada/bot"] = Space(
        files={".gitattributes": b"", "spacebot/__init__.py": b"", "spacebot/gone.py": b"old"},
        secrets={"DISCORD_TOKEN": "old", "DISCORD_PROXY": "http://kept:1"},
        variables={"LOG_LEVEL": "INFO", "JOB_SECONDS": "60", "TRYOUT": "0"},
        volumes=[{"type": "model", "source": "ada/model", "mountPath": "/models"}],
        stages=["RUNNING"],
    )
    options = ("--storage", "--hardware", "cpu-upgrade", "--env-file", env_file)
    ran = await deploy(there.url, "ada/bot", *options)
    assert ran.code == 0, ran.said
    space = there.spaces["ada/bot"]
    assert "spacebot/gone.py" not in space.files
    assert "1 removed: spacebot/gone.py" in ran.said
    assert space.secrets["DISCORD_TOKEN"] == DISCORD
    assert space.secrets["DISCORD_PROXY"] == "http://kept:1"
    # JOB_SECONDS has its default in the file; TRYOUT is not named there.
    assert space.variables.keys() == {"LOG_LEVEL", "TRYOUT", "SPACES", "DATA_DIR"}
    assert (space.variables["LOG_LEVEL"], space.variables["DATA_DIR"]) == ("DEBUG", "/data")
    assert there.buckets == {"ada/bot-data": {"visibility": "private"}}
    assert [volume["source"] for volume in space.volumes] == ["ada/model", "ada/bot-data"]
    assert space.hardware == "cpu-upgrade"

    again = await deploy(there.url, "ada/bot", "--env-file", env_file, "--no-wait")
    assert (again.code, space.commits) == (0, 1)
    assert [volume["source"] for volume in space.volumes] == ["ada/model", "ada/bot-data"]


async def test_what_is_missing_is_asked_for_and_not_shown(there, tmp_path) -> None:
    (tmp_path / "empty.env").write_text("DISCORD_TOKEN=\n")
    answers = [("DISCORD_TOKEN (", DISCORD), ("HF_TOKEN (", ""), ("Go on?", "")]
    options = ("--env-file", tmp_path / "empty.env", "--no-wait")
    ran = await type_in(there.url, answers, "ada/bot", *options)
    assert ran.code == 0, ran.said
    assert there.spaces["ada/bot"].secrets == {"DISCORD_TOKEN": DISCORD}

    # The command does not ask again for what the Space has; a no changes nothing.
    asked = len(there.asked)
    ran = await type_in(there.url, [("HF_TOKEN (", ""), ("Go on?", "n")], "ada/bot", *options)
    assert (ran.code, "DISCORD_TOKEN (" in ran.said) == (1, False)
    assert all(line.startswith("GET ") for line in there.asked[asked:])


async def test_a_free_account_deploys_to_zero_gpu(there, env_file) -> None:
    there.pro = False
    ran = await deploy(there.url, "ada/bot", "--env-file", env_file)
    assert ran.code == 1
    assert "add --hardware zero-a10g" in ran.said
    assert "requires a PRO subscription" in ran.said
    ran = await deploy(there.url, "ada/bot", "--env-file", env_file, "--hardware", "zerogpu")
    assert ran.code == 0, ran.said
    assert there.spaces["ada/bot"].hardware == "zero-a10g"


@pytest.mark.parametrize("stage", ["BUILD_ERROR", "RUNTIME_ERROR"])
async def test_a_space_that_does_not_come_up_shows_the_end_of_its_log(
    there, env_file, stage
) -> None:
    there.builds = ("BUILDING", stage)
    there.error_message = "Exit code: 1. Reason: it broke"
    there.log = [f"line {number}" for number in range(40)] + [f"token={DISCORD}"]
    ran = await deploy(there.url, "ada/bot", "--env-file", env_file)
    assert ran.code == 3
    assert "Reason: it broke" in ran.said
    assert "line 39" in ran.said
    assert "line 5\n" not in ran.said
    assert "token=•••" in ran.said
    assert f"GET /api/spaces/ada/bot/logs/{'build' if stage[0] == 'B' else 'run'}" in there.asked


CREATE = ("POST", "/api/repos/create")
COMMIT = ("POST", "/api/spaces/ada/bot/commit/main")
REFUSALS = [
    (CREATE, 402, "hosting on cpu-basic requires a PRO subscription", "plan does not allow"),
    (CREATE, 403, "You must subscribe to PRO to create this Space", "plan does not allow"),
    (
        CREATE,
        403,
        "ZeroGPU Spaces limit reached for your account",
        "cannot have another Space on ZeroGPU",
    ),
    (CREATE, 403, "You must add a payment method to your account", "settings/billing"),
    (CREATE, 402, "Prepaid credits are required for this hardware", "settings/billing"),
    (CREATE, 403, "You don't have the rights to create a space", "token may not do this"),
    (CREATE, 409, "You already created this space repo", "The name ada/bot is taken"),
    (CREATE, 400, "Invalid hardware", "Hugging Face says: Invalid hardware"),
    (CREATE, 429, "Too many requests", "in a few minutes"),
    (COMMIT, 403, "Private repository storage limit reached", "no storage left"),
    (COMMIT, 500, "Internal error", "has a problem (500)"),
]


@pytest.mark.parametrize(("call", "status", "text", "said"), REFUSALS)
async def test_each_refusal_has_its_sentence(there, env_file, call, status, text, said) -> None:
    there.refuse[call] = (status, text)
    ran = await deploy(there.url, "ada/bot", "--env-file", env_file)
    assert (ran.code, said in ran.said) == (1, True), ran.said
    assert status == 500 or text in ran.said


async def test_tokens_that_cannot_deploy_are_told_before_anything_is_done(there, env_file) -> None:
    cases: list[tuple[str | None, str]] = [
        (None, "You are not logged in"),
        (READ, "can read, but not write"),
        ("hf_revokedrevokedrevoked", "does not know your token"),
    ]
    env_file.write_text("LOG_LEVEL=DEBUG\n")
    for token, said in cases:
        ran = await deploy(there.url, "ada/bot", "--env-file", env_file, token=token)
        assert (ran.code, said in ran.said) == (1, True), ran.said
        assert ".venv/bin/hf auth login" in ran.said
    assert not [line for line in there.asked if "/spaces" in line or "/repos" in line]


async def test_names_that_cannot_be_deployed_to(there, env_file) -> None:
    there.orgs.append({"name": "readers", "roleInOrg": "read"})
    there.spaces["ada/other"] = Space(files={"app.py": b"", "README.md": b""})
    cases = [
        ("bob/bot", 1, "Name it ada/bot"),
        ("readers/bot", 1, "can read, but not write"),
        ("ada/other", 1, "holds another app"),
        ("bot", 2, "not in the form owner/name"),
        ("ada/bad name", 2, "alphanumeric"),
    ]
    for name, code, said in cases:
        ran = await deploy(there.url, name, "--env-file", env_file)
        assert (ran.code, said in ran.said) == (code, True), ran.said
    ran = await deploy(there.url, "acme/bot", "--env-file", env_file, "--no-wait")
    assert (ran.code, "acme/bot" in there.spaces) == (0, True)
    assert there.spaces["ada/other"].commits == 0


async def test_wrong_settings_and_files_stop_before_the_network(there, env_file, tmp_path) -> None:
    env_file.write_text("LOG_LEVEL=loud\n")
    ran = await deploy(there.url, "ada/bot", "--env-file", env_file)
    assert (ran.code, "LOG_LEVEL: 'loud' cannot be used" in ran.said) == (2, True)
    ran = await deploy(there.url, "ada/bot", "--env-file", tmp_path / "none.env")
    assert (ran.code, "there is no file" in ran.said) == (2, True)
    assert there.asked == []
    env_file.write_text(ENV)
    ran = await deploy(there.url, "ada/bot", "--env-file", env_file, yes=False)
    assert (ran.code, "add --yes" in ran.said, there.spaces) == (1, True, {})


async def test_without_network_it_says_so(env_file) -> None:
    ran = await deploy("http://127.0.0.1:9", "ada/bot", "--env-file", env_file)
    assert (ran.code, "cannot be reached from here" in ran.said) == (1, True)


def test_the_documents_tell_every_option() -> None:
    hosting = (files.ROOT / "docs" / "hosting.md").read_text()
    told = set(re.findall(r"`(--[a-z-]+)", hosting))
    usage = _parser().format_help()
    assert set(re.findall(r"(--[a-z-]+)", usage)) - {"--help"} <= told
