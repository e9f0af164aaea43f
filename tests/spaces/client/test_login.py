"""Spaces that ask for a user name and a password."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from spacebot.deploy import environment
from spacebot.errors import LoginNeeded, SettingsError, SpaceNotFound
from spacebot.models import File, Source
from spacebot.settings import Settings, command_source, parse_space, space_sources
from spacebot.spaces.client import Connection, Network, Result, SpaceDescription
from tests.support.apps import free_port, serve
from tests.support.apps.locked import LOGIN

USER, PASSWORD = LOGIN
WRITTEN = f"{quote(USER)}:{quote(PASSWORD, safe='')}@"


def with_login(url: str) -> str:
    """An address that contains the login, as an owner writes it."""
    return url.replace("://", f"://{WRITTEN}")


@pytest.fixture(scope="module")
def locked() -> Iterator[str]:
    """The address of an app behind a login."""
    with serve("locked", auth=LOGIN) as url:
        yield url


async def paint(connection: Connection, folder: Path) -> tuple[str, File]:
    """The result of a call: the user and the picture."""
    updates = connection.run("/paint", {"colour": "#ff0000"}, key="a", stateful=False)
    result = [one async for one in updates][-1]
    assert isinstance(result, Result)
    whose, picture = await connection.localize(result.outputs, folder, cap=10**6)
    return whose, picture


@pytest.mark.parametrize("by", ["address", "auth"])
async def test_a_login_opens_the_space_and_its_files(
    locked: str, by: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    source = (
        parse_space(f"art={with_login(locked)}#/paint")
        if by == "address"
        else command_source({"space": locked, "auth": list(LOGIN)})
    )
    described: list[SpaceDescription] = []
    async with Network() as network:
        connection = Connection(source, network, changed=described.append)
        try:
            whose, picture = await paint(connection, tmp_path)
        finally:
            await connection.close()
    assert whose == f"for {USER}"
    assert picture.path
    assert picture.path.stat().st_size
    told = f"{source!r}{source.space}{connection.source.url}{picture.url}{caplog.text}{described}"
    for secret in (PASSWORD, WRITTEN, quote(PASSWORD, safe="")):
        assert secret not in told
    assert described[0].config.get("username") is None


@pytest.mark.parametrize(
    ("login", "told"),
    [
        (None, "asks for a login. The bot's owner can provide it: http://user:password@"),
        ((USER, "wrong"), "rejects the user name and password in SPACES or COMMANDS"),
    ],
)
async def test_without_the_right_login_the_owner_is_told_where_it_goes(
    locked: str, login: Any, told: str
):
    async with Network() as network:
        connection = Connection(Source(locked, auth=login), network)
        try:
            with pytest.raises(SpaceNotFound, match=told) as caught:
                await connection.ready()
        finally:
            await connection.close()
    assert "wrong" not in str(caught.value)


async def test_it_logs_in_again_after_a_restart(tmp_path: Path):
    port = free_port()
    async with Network() as network:
        connection = Connection(Source(f"http://127.0.0.1:{port}", auth=LOGIN), network)
        try:
            with serve("locked", port, auth=LOGIN):
                await paint(connection, tmp_path)
            with serve("locked", port, auth=LOGIN):
                # So soon that the Space is not asked which process it is: the job meets
                # the new one, is not taken, and may be sent again.
                with pytest.raises(LoginNeeded) as caught:
                    await paint(connection, tmp_path)
                assert (caught.value.safe_to_retry, caught.value.worth_retrying) == (True, True)
                assert (await paint(connection, tmp_path))[0] == f"for {USER}"
        finally:
            await connection.close()


async def test_a_login_that_is_not_needed_does_no_harm(served: Callable[[str], str]):
    async with Network() as network:
        connection = Connection(Source(served("fast"), auth=LOGIN), network)
        try:
            await connection.ready()
        finally:
            await connection.close()
    assert connection.answers


@pytest.mark.parametrize(
    "entry",
    [
        f"http://{USER}:{PASSWORD}@host",
        "http://studio:s3cret",
        "http://studio:@host",
        "http://:s3cret@host",
        "http://s3cret@host",
        "http://studio:s3cret@[host",
        "http://studio:s3cret/p@host",
        "studio:s3cret@host",
        "ftp://studio:s3cret@host",
    ],
)
def test_a_login_that_cannot_be_read_is_not_shown(entry: str):
    for read in (
        lambda: Settings.from_environ({"SPACES": entry}),
        lambda: command_source({"space": entry}),
    ):
        with pytest.raises(SettingsError) as caught:
            read()
        shown = f"{caught.value}{caught.value.__cause__}"
        assert "s3cret" not in shown
        assert "p@ss" not in shown


@pytest.mark.parametrize("auth", ["studio", ["s3cret"], ["studio", ""], ["a", 7], {"a": "s3cret"}])
def test_a_wrong_auth_is_named_and_not_shown(auth: Any):
    with pytest.raises(SettingsError, match="as auth, a user name and a password") as caught:
        command_source({"space": "http://host", "auth": auth})
    assert "s3cret" not in str(caught.value)


def test_the_entries_of_a_space_share_its_login():
    settings = Settings.from_environ({"SPACES": "a=http://u:secret@host b=http://host"})
    assert [one.auth for one in space_sources(settings, [])] == [("u", "secret")] * 2
    settings = Settings.from_environ({"SPACES": "a=http://u:secret@host b=http://u:other@host"})
    with pytest.raises(SettingsError, match="http://host has two logins") as caught:
        space_sources(settings, [])
    assert "secret" not in str(caught.value)


def test_a_login_is_deployed_as_a_secret(tmp_path: Path):
    (tmp_path / ".env").write_text("SPACES=http://u:secret@host\n")
    made = environment.read_environment(tmp_path / ".env")
    assert made.secrets == {"SPACES": "http://u:secret@host"}
    assert "SPACES" not in made.variables
    # A name cannot be both.
    assert "SPACES" in made.unset
    assert "secret" not in repr(made)
