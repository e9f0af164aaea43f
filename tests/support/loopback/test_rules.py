"""Discord's rules, one case each, as plain HTTP: the mistakes that a bot can make."""

from __future__ import annotations

import io
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from . import Channel, DiscordServer, Interaction

Json = dict[str, Any]
OPTION = {"type": 3, "name": "x", "description": "d"}
BUTTON = {"type": 2, "style": 1, "label": "b"}


def command(*options: Json, **more: Any) -> Json:
    """A command with these options."""
    return {"name": "paint", "description": "d", "options": list(options), **more}


def option(**more: Any) -> Json:
    """A text option, changed by `more`."""
    return OPTION | more


def rows(*numbers: int) -> Json:
    """Rows of so many buttons."""
    ids = iter(range(1000))
    return {
        "components": [
            {"type": 1, "components": [BUTTON | {"custom_id": str(next(ids))} for _ in range(n)]}
            for n in numbers
        ]
    }


def texts(number: int, length: int = 1) -> Json:
    """A message of Components V2 with so many texts."""
    parts = [{"type": 10, "content": "x" * length} for _ in range(number)]
    return {"flags": 1 << 15, "components": parts}


class Api:
    """The bot's side of the REST API."""

    def __init__(self, server: DiscordServer, http: aiohttp.ClientSession) -> None:
        self.server, self.http = server, http
        self.channel: Channel = server.add_guild("Lab").add_text_channel("art")

    async def send(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """One request: the status, and the JSON."""
        headers = {"Authorization": f"Bot {self.server.token}"}
        data = {"data": more["data"]} if "data" in more else {"json": body}
        url = self.server.api_url + path
        async with self.http.request(method, url, headers=headers, **data) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def register(self, *commands: Json) -> tuple[int, Any]:
        """Overwrites the global commands."""
        path = f"/applications/{self.server.application_id}/commands"
        return await self.send("PUT", path, list(commands))

    async def say(self, **message: Any) -> tuple[int, Any]:
        """Sends a message to the channel."""
        return await self.send("POST", f"/channels/{self.channel.id}/messages", message)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with DiscordServer() as server, aiohttp.ClientSession() as http:
        server.limits.enforced = False
        yield Api(server, http)


@pytest.mark.parametrize(
    "fine",
    [
        command(),
        command(name="größe_2-x'"),
        command(name="จานสี"),
        command(*[option(name=f"x{n}") for n in range(25)]),
        command(option(choices=[{"name": f"{n}", "value": f"{n}"} for n in range(25)])),
        command(option(type=4, min_value=-(2**53), max_value=2**53)),
        command(option(type=10, choices=[{"name": "half", "value": 0.5}])),
        command(option(type=2, options=[option(type=1, options=[option(required=True)])])),
        {"name": "Make It Big", "type": 3},
    ],
)
async def test_commands_that_discord_takes(api: Api, fine: Json):
    status, answer = await api.register(fine)
    assert status == 200, answer
    assert api.server.registered_commands[0]["name"] == fine["name"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (command(name="Paint"), "APPLICATION_COMMAND_INVALID_NAME"),
        (command(name="two words"), "APPLICATION_COMMAND_INVALID_NAME"),
        (command(name="x" * 33), "BASE_TYPE_BAD_LENGTH"),
        (command(name=""), "BASE_TYPE_BAD_LENGTH"),
        (command(description="x" * 101), "BASE_TYPE_BAD_LENGTH"),
        (command(description=""), "BASE_TYPE_BAD_LENGTH"),
        (command(*[option(name=f"x{n}") for n in range(26)]), "BASE_TYPE_MAX_LENGTH"),
        (command(option(), option()), "APPLICATION_COMMAND_OPTIONS_NAME_NOT_UNIQUE"),
        (
            command(option(), option(name="y", required=True)),
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
        ),
        (
            command(option(choices=[{"name": f"{n}", "value": f"{n}"} for n in range(26)])),
            "BASE_TYPE_MAX_LENGTH",
        ),
        (command(option(choices=[{"name": "a", "value": 1}])), "STRING_TYPE_CONVERT"),
        (command(option(choices=[{"name": "", "value": "a"}])), "BASE_TYPE_BAD_LENGTH"),
        (command(option(type=4, choices=[{"name": "a", "value": "1"}])), "NUMBER_TYPE_COERCE"),
        (command(option(type=4, min_value=0.5)), "NUMBER_TYPE_COERCE"),
        (command(option(type=4, max_value=2**53 + 1)), "NUMBER_TYPE_MAX"),
        (command(option(type=1), option(name="y")), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID"),
        (
            command(option(type=1, options=[option(type=1)])),
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
        ),
        (
            command(
                *[
                    option(
                        name=f"x{n}",
                        choices=[{"name": f"{c:099}", "value": f"{c:099}"} for c in range(25)],
                    )
                    for n in range(3)
                ]
            ),
            "APPLICATION_COMMAND_TOO_LARGE",
        ),
    ],
)
async def test_commands_that_discord_refuses(api: Api, wrong: Json, code: str):
    status, answer = await api.register({"name": "fine", "description": "d"}, wrong)
    assert (status, answer["code"]) == (400, 50035)
    assert code in json.dumps(answer["errors"]["1"])
    assert api.server.registered_commands == []


async def test_numbers_of_commands(api: Api):
    many = [command(name=f"c{n}") for n in range(101)]
    assert (await api.register(*many))[1]["code"] == 30032
    assert (await api.register(*many[:100]))[0] == 200
    assert (await api.register(*many[:100]))[0] == 200
    assert (await api.register(*[command(name=f"d{n}") for n in range(100)]))[0] == 200
    assert (await api.register(command(name="one-more")))[1]["code"] == 30034
    assert "Application command names must be unique" in str(
        await api.register(command(), command())
    )


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ({"content": "x" * 2000}, 200),
        ({"content": "x" * 2001}, 400),
        ({"content": "  "}, 400),
        ({"embeds": [{"description": "x" * 4096}]}, 200),
        ({"embeds": [{"description": "x" * 4097}]}, 400),
        ({"embeds": [{"description": "x" * 3001}] * 2}, 400),
        ({"embeds": [{"title": "x"}] * 11}, 400),
        ({"embeds": [{"fields": [{"name": "a", "value": ""}]}]}, 400),
        (rows(5, 5, 5, 5, 5), 200),
        (rows(1, 1, 1, 1, 1, 1), 400),
        (rows(6), 400),
        ({"components": [{"type": 1, "components": [BUTTON | {"custom_id": "x" * 101}]}]}, 400),
        ({"components": [{"type": 1, "components": [BUTTON | {"custom_id": "x"}] * 2}]}, 400),
        (
            {
                "components": [
                    {"type": 1, "components": [BUTTON | {"custom_id": "x", "label": "x" * 81}]}
                ]
            },
            400,
        ),
        ({"components": [{"type": 10, "content": "x"}]}, 400),
        (texts(40), 200),
        (texts(41), 400),
        (texts(2, 2000), 200),
        (texts(2, 2001), 400),
        (texts(1) | {"content": "both"}, 400),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, 400),
    ],
)
async def test_messages(api: Api, message: Json, status: int):
    got, answer = await api.say(**message)
    assert got == status, answer


def form(*sizes: int, **payload: Any) -> aiohttp.FormData:
    """A message with files of these sizes."""
    data = aiohttp.FormData(quote_fields=False)
    data.add_field("payload_json", json.dumps(payload))
    for index, size in enumerate(sizes):
        content = io.BytesIO(bytes(size))
        data.add_field(f"files[{index}]", content, filename=f"{index} ä.bin")
    return data


async def test_files(api: Api):
    path = f"/channels/{api.channel.id}/messages"
    assert (await api.send("POST", path, data=form(*[1] * 11)))[0] == 400
    limit = api.channel.file_limit
    assert (await api.send("POST", path, data=form(limit + 1)))[1]["code"] == 40005
    assert (await api.send("POST", path, data=form(*[limit] * 3)))[0] == 413
    described = [{"id": 1, "description": "the second"}]
    status, sent = await api.send("POST", path, data=form(3, 4, attachments=described))
    assert (status, [a["size"] for a in sent["attachments"]]) == (200, [3, 4])
    assert sent["attachments"][1]["description"] == "the second"
    kept = {"attachments": [{"id": sent["attachments"][1]["id"]}, {"id": 0}]}
    _, edited = await api.send("PATCH", f"{path}/{sent['id']}", data=form(5, **kept))
    assert [a["size"] for a in edited["attachments"]] == [4, 5]
    async with api.http.get(edited["attachments"][1]["url"]) as response:
        assert await response.read() == bytes(5)
    api.server.clock.advance(2 * 86_400)
    async with api.http.get(edited["attachments"][1]["url"]) as response:
        assert response.status == 404


async def test_an_enforced_nonce_stands_once(api: Api):
    message = {"content": "x", "nonce": "7", "enforce_nonce": True}
    (_, first), (_, again) = await api.say(**message), await api.say(**message)
    assert again["id"] == first["id"]
    await api.say(content="x", nonce="7")
    api.server.clock.advance(600)
    await api.say(**message)
    assert len(api.channel.messages) == 3


async def test_unknown_things(api: Api):
    path = f"/channels/{api.channel.id}/messages/1"
    assert (await api.send("GET", path))[1]["code"] == 10008
    assert (await api.send("GET", "/channels/1"))[1]["code"] == 10003
    assert (await api.send("POST", "/interactions/1/x/callback", {"type": 5}))[1]["code"] == 10062
    hook = f"/webhooks/{api.server.application_id}/x"
    assert (await api.send("POST", hook, {"content": "x"}))[1]["code"] == 10015
    assert (await api.send("GET", "/no/such/path"))[0] == 404


async def test_a_wrong_token_is_counted(api: Api):
    url = api.server.api_url + "/users/@me"
    async with api.http.get(url, headers={"Authorization": "Bot wrong"}) as response:
        assert response.status == 401
    assert [status for _, status in api.server.limits.invalid] == [401]


async def test_buckets(api: Api):
    api.server.limits.enforced = True
    answers = [await api.say(content="x") for _ in range(6)]
    assert [status for status, _ in answers] == [200] * 5 + [429]
    assert 4 < answers[-1][1]["retry_after"] <= 5
    assert api.server.limits.limited == 1


async def test_the_global_limit_spares_interactions(api: Api):
    api.server.limits.enforced = True
    began = time.monotonic()
    statuses = [(await api.send("GET", "/users/@me/guilds"))[0] for _ in range(51)]
    assert time.monotonic() - began < 1
    assert statuses == [200] * 50 + [429]
    assert (await api.send("POST", "/interactions/1/x/callback", {"type": 5}))[0] == 404


async def interaction(api: Api, kind: int = 2) -> tuple[Interaction, str]:
    """An interaction that waits for its answer, and the path of its callback."""
    ada = api.server.add_user("ada")
    seen = Interaction(api.server, kind, ada, api.channel, {"name": "paint"})
    return seen, f"/interactions/{seen.id}/{seen.token}/callback"


async def test_an_interaction_is_answered_once_and_in_time(api: Api):
    seen, path = await interaction(api)
    hook = f"/webhooks/{api.server.application_id}/{seen.token}"
    assert (await api.send("POST", hook, {"content": "early"}))[1]["code"] == 10015
    assert (await api.send("POST", path, {"type": 7}))[1]["code"] == 50035
    assert (await api.send("POST", path, {"type": 5}))[0] == 204
    again = await api.send("POST", path, {"type": 5})
    assert (again[0], again[1]["code"]) == (400, 40060)
    api.server.limits.acknowledge_within = 3.0
    late, path = await interaction(api)
    api.server.clock.advance(3.5)
    assert (await api.send("POST", path, {"type": 5}))[1]["code"] == 10062
    assert not late.acknowledged


async def test_the_first_followup_takes_the_place_of_the_deferral(api: Api):
    seen, path = await interaction(api)
    await api.send("POST", path, {"type": 5, "data": {"flags": 64}})
    hook = f"/webhooks/{api.server.application_id}/{seen.token}"
    assert (await api.send("POST", hook, {"content": "one"}))[0] == 200
    assert (await api.send("POST", hook, {"content": "two", "flags": 64}))[0] == 200
    assert seen.message
    assert (seen.message.text, seen.message.ephemeral) == ("one", True)
    assert [m.text for m in seen.followups] == ["two"]
    assert api.channel.messages == []
    assert (await api.send("DELETE", f"{hook}/messages/@original"))[0] == 204
    gone = await api.send("PATCH", f"{hook}/messages/@original", {"content": "x"})
    assert gone[1]["code"] == 10008
    api.server.clock.advance(901)
    over = await api.send("POST", hook, {"content": "three"})
    assert (over[0], over[1]["code"]) == (401, 50027)


def label(component: Json, **more: Any) -> Json:
    """A labelled field."""
    return {"type": 18, "label": "L", "component": component, **more}


TEXT_INPUT = {"type": 4, "custom_id": "t", "style": 1}
RADIO = {"type": 21, "custom_id": "r"}
CHOICES = [{"label": f"{n}", "value": f"{n}"} for n in range(11)]


@pytest.mark.parametrize(
    ("modal", "status"),
    [
        ({"components": [label(TEXT_INPUT)]}, 204),
        ({"components": [label(TEXT_INPUT)], "title": "x" * 46}, 400),
        ({"components": [label(TEXT_INPUT), label(TEXT_INPUT)]}, 400),
        ({"components": [label(TEXT_INPUT | {"custom_id": f"{n}"}) for n in range(5)]}, 204),
        ({"components": [label(TEXT_INPUT | {"custom_id": f"{n}"}) for n in range(6)]}, 400),
        ({"components": [label(TEXT_INPUT, label="x" * 46)]}, 400),
        ({"components": [label(TEXT_INPUT, description="x" * 101)]}, 400),
        ({"components": [label(TEXT_INPUT | {"max_length": 4001})]}, 400),
        ({"components": [label(TEXT_INPUT | {"placeholder": "x" * 101})]}, 400),
        ({"components": [label(RADIO | {"options": CHOICES[:10]})]}, 204),
        ({"components": [label(RADIO | {"options": CHOICES})]}, 400),
        ({"components": [label(RADIO | {"options": CHOICES[:1]})]}, 400),
        ({"components": [label({"type": 19, "custom_id": "f", "max_values": 11})]}, 400),
        ({"components": [label(BUTTON | {"custom_id": "b"})]}, 400),
        ({"components": []}, 400),
    ],
)
async def test_modals(api: Api, modal: Json, status: int):
    _, path = await interaction(api)
    data = {"title": "T", "custom_id": "m"} | modal
    got, answer = await api.send("POST", path, {"type": 9, "data": data})
    assert got == status, answer


async def test_faults_as_ordered(api: Api):
    api.server.limits.fail("GET /users/@me", 502, times=2)
    assert [(await api.send("GET", "/users/@me/guilds"))[0]] == [200]
    api.server.limits.fail("POST /channels/*/messages", 0, after=True)
    with pytest.raises(aiohttp.ClientError):
        await api.say(content="arrived")
    assert [message.text for message in api.channel.messages] == ["arrived"]
