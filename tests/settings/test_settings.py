"""The settings: accepted values, and the one line about a wrong value."""

from __future__ import annotations

from pathlib import Path

import pytest

from spacebot.errors import SettingsError
from spacebot.models import AnswerPlace, Source
from spacebot.settings import VARIABLES, Settings, command_source, parse_spaces, space_sources

SECRET = "hunter2-very-secret"
HF = "hf_abcdefghijklmnop"


def read(**environ: str) -> Settings:
    """The settings of an environment."""
    return Settings.from_environ(environ)


def test_every_setting_has_a_default():
    settings = read()
    assert settings.discord_token == settings.hf_token == settings.discord_proxy == ""
    assert settings.spaces == ()
    assert settings.data_dir == Path("data")
    assert (settings.gradio_server_name, settings.gradio_server_port) == ("127.0.0.1", 7860)
    assert settings.log_level == "INFO"
    assert settings.offers_tryout


def test_an_empty_value_is_the_default():
    assert read(**{variable.name: "  " for variable in VARIABLES}) == read()


def test_the_tryout_is_off_with_a_token_unless_it_is_asked_for():
    assert not read(DISCORD_TOKEN="t").offers_tryout
    assert read(DISCORD_TOKEN="t", TRYOUT="1").offers_tryout
    assert not read(TRYOUT="0").offers_tryout


def test_on_a_space_the_page_listens_where_it_can_be_reached():
    assert read(SPACE_ID="a/b").gradio_server_name == "0.0.0.0"
    assert read(SPACE_ID="a/b", GRADIO_SERVER_NAME="::").gradio_server_name == "::"


def test_signing_in_with_hugging_face_is_for_spaces_with_a_key_of_their_own():
    env = {
        "SYSTEM": "spaces",
        "SPACE_ID": "a/b",
        "OAUTH_CLIENT_ID": "1",
        "OAUTH_CLIENT_SECRET": "s",
    }
    assert read(**env).signs_in
    assert not any(read(**{**env, name: ""}).signs_in for name in env)


def test_secrets_are_not_in_the_repr():
    settings = read(DISCORD_TOKEN=SECRET, HF_TOKEN=HF, DISCORD_PROXY=f"http://u:{SECRET}@p:1")
    assert SECRET not in repr(settings)
    assert HF not in repr(settings)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("owner/name", Source("owner/name")),
        ("owner/name#/predict", Source("owner/name", "/predict")),
        ("owner/name#predict", Source("owner/name", "/predict")),
        ("music=owner/name#/predict", Source("owner/name", "/predict", "music")),
        ("ナイス=owner/name", Source("owner/name", name="ナイス")),
        ("https://huggingface.co/spaces/owner/name", Source("owner/name")),
        ("https://huggingface.co/spaces/owner/name/tree/main", Source("owner/name")),
        ("hf.co/spaces/owner/name?logs=build", Source("owner/name")),
        ("a=https://huggingface.co/spaces/owner/name#/x", Source("owner/name", "/x", "a")),
        ("http://127.0.0.1:7861/", Source("http://127.0.0.1:7861")),
        ("x=https://apps.example/one/#/run", Source("https://apps.example/one", "/run", "x")),
        ("https://apps.example/?a=b", Source("https://apps.example")),
    ],
)
def test_a_space_is_written_in_several_ways(text, source):
    assert parse_spaces(text) == (source,)


@pytest.mark.parametrize("between", [" ", ",", "\n", ", ", "\r\n\t", ",,"])
def test_entries_are_separated_by_spaces_commas_or_newlines(between):
    assert parse_spaces(f"a/b{between}c=d/e") == (Source("a/b"), Source("d/e", name="c"))


BAD_SPACES = {
    "name": "'name' is none of these",
    "a/b/c": "'a/b/c' is none of these",
    "ftp://host/app": "'ftp://host/app' is none of these",
    "https://": "'https://' is none of these",
    "https://host:99999": "'https://host:99999' is none of these",
    "https://huggingface.co/spaces/owner": "is none of these",
    "Loud=a/b": "before the = of 'Loud=a/b', a command's name: 1–32 lower-case letters",
    "=a/b": "before the = of '=a/b', a command's name",
    f"{'x' * 33}=a/b": "a command's name: 1–32 lower-case letters, digits, - or _",
    "a/b#": "after the # of 'a/b#', an endpoint of the Space, like #/predict",
    "a/b#//x": "after the # of 'a/b#//x', an endpoint of the Space",
    "#/predict": "entries separated by spaces, commas or newlines, each [name=]SPACE[#/endpoint]",
}


@pytest.mark.parametrize("value", BAD_SPACES)
def test_a_malformed_entry_is_refused_in_one_line(value):
    with pytest.raises(SettingsError) as caught:
        read(SPACES=f"good/one {value}")
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"SPACES: 'good/one {value}' cannot be used. Accepted: ")
    assert BAD_SPACES[value] in line


@pytest.mark.parametrize(
    "value",
    [
        f"https://user:{SECRET}@:1/app",
        f"https://{SECRET}@host/app",
        f"user:{SECRET}@host/app",
        f"https://user:p@{SECRET}@/app",
        f"https://host:99999/?key={SECRET}",
        f"Loud=https://user:{SECRET}@host",
        HF,
        f"Loud={HF}",
        "MTAwMDAwMDAwMDAwMDAwMDAw.GaBcDe.abcdefghijklmnopqrstuvwxyz0123",
    ],
)
def test_a_secret_in_an_entry_is_not_repeated(value):
    with pytest.raises(SettingsError) as caught:
        read(SPACES=value)
    for secret in (SECRET, HF, "abcdefghijklmnopqrstuvwxyz0123"):
        assert secret not in str(caught.value)
    assert "•••" in str(caught.value)


def test_a_login_in_an_address_is_no_part_of_the_space():
    settings = read(SPACES=f"https://user:{SECRET}@host/app")
    (source,) = settings.spaces
    assert (source.space, source.auth) == ("https://host/app", ("user", SECRET))
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        (
            "GRADIO_SERVER_PORT",
            "80a",
            "GRADIO_SERVER_PORT: '80a' cannot be used. Accepted: a port number from 1 to 65535.",
        ),
        (
            "GRADIO_SERVER_PORT",
            "70000",
            "GRADIO_SERVER_PORT: '70000' cannot be used. Accepted: a port number from 1 to 65535.",
        ),
        (
            "GRADIO_SERVER_NAME",
            "http://0.0.0.0",
            "GRADIO_SERVER_NAME: 'http://0.0.0.0' cannot be used. Accepted: an IP address or host "
            "name of this machine, like 127.0.0.1 or 0.0.0.0.",
        ),
        (
            "LOG_LEVEL",
            "loud",
            "LOG_LEVEL: 'loud' cannot be used. Accepted: one of DEBUG, INFO, WARNING, ERROR.",
        ),
        ("TRYOUT", "maybe", "TRYOUT: 'maybe' cannot be used. Accepted: 1 or 0."),
        (
            "DISCORD_TOKEN",
            f"Bot {SECRET}",
            "DISCORD_TOKEN: this value cannot be used. Accepted: one word, copied whole, "
            "without spaces, quotes or 'Bot ' before it.",
        ),
        (
            "HF_TOKEN",
            f"{HF} {SECRET}",
            "HF_TOKEN: this value cannot be used. Accepted: one word, copied whole, "
            "without spaces, quotes or 'Bot ' before it.",
        ),
        (
            "DISCORD_PROXY",
            f"ftp://u:{SECRET}@p:1",
            "DISCORD_PROXY: this value cannot be used. Accepted: the address of a proxy, "
            "like http://proxy.example:3128 or socks5://proxy.example:1080.",
        ),
        (
            "ALL_PROXY",
            f"socks5://u:{SECRET}@p:port",
            "ALL_PROXY: this value cannot be used. Accepted: the address of a proxy, "
            "like http://proxy.example:3128 or socks5://proxy.example:1080.",
        ),
        (
            "DATA_DIR",
            __file__,
            f"DATA_DIR: {__file__!r} cannot be used. Accepted: the path of a folder; it is created "
            "if it does not exist.",
        ),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(name, value, line):
    with pytest.raises(SettingsError) as caught:
        read(**{name: value})
    assert str(caught.value) == line


def test_spaces_take_the_place_of_commands():
    listed = [{"space": "a/b"}]
    assert space_sources(read(), listed) == (Source("a/b"),)
    assert space_sources(read(SPACES="c/d"), listed) == (Source("c/d"),)
    assert space_sources(read(), []) == ()


def test_a_name_is_used_once():
    with pytest.raises(SettingsError) as caught:
        space_sources(read(SPACES="x=a/b x=c/d"), [])
    assert str(caught.value) == (
        "SPACES: the name 'x' appears twice. Accepted: another name for each command."
    )
    with pytest.raises(SettingsError, match=r"^COMMANDS in app\.py: the name 'x' appears twice"):
        space_sources(read(), [{"space": "a/b", "name": "x"}, {"space": "x=a/b"}])


def test_a_command_of_app_py():
    entry = {
        "space": "a/b",
        "endpoint": "predict",
        "name": "music",
        "description": "Compose",
        "fixed": {"seed": 42},
        "answer": "thread",
        "repeatable": True,
    }
    expected = Source(
        "a/b", "/predict", "music", "Compose", {"seed": 42}, AnswerPlace.THREAD, repeatable=True
    )
    assert command_source(entry) == expected


@pytest.mark.parametrize(
    ("entry", "accepted"),
    [
        ({}, "entries separated by spaces"),
        ("owner/name", 'a dict with at least a "space", like {"space": "owner/name"}'),
        ({"space": "a/b", "colour": 1}, "the keys space, endpoint, name"),
        ({"space": "a/b", "colour": 1}, "not colour"),
        ({"space": "a/b", "name": "Loud"}, "as name, a command's name: 1–32 lower-case letters"),
        ({"space": "a/b", "name": 3}, "as name, a command's name"),
        ({"space": "a/b", "description": ""}, "as description, 1 to 100 characters"),
        ({"space": "a/b", "description": "x" * 101}, "as description, 1 to 100 characters"),
        ({"space": "a/b", "fixed": 3}, "as fixed, a dict of parameter and value"),
        ({"space": "a/b", "answer": "here"}, "as answer, one of channel, thread, private"),
    ],
)
def test_a_malformed_command_is_refused_in_one_line(entry, accepted):
    with pytest.raises(SettingsError) as caught:
        command_source(entry)
    line = str(caught.value)
    assert line.startswith("COMMANDS in app.py: ")
    assert " cannot be used. Accepted: " in line
    assert accepted in line
    assert "\n" not in line


def test_fixed_values_are_not_repeated():
    with pytest.raises(SettingsError) as caught:
        command_source({"space": "a/b", "fixed": {"api_key": SECRET}, "answer": "here"})
    assert SECRET not in str(caught.value)
    assert "api_key" in str(caught.value)
