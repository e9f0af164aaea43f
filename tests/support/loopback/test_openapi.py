"""The server's requests and responses, checked against Discord's own API description."""

from __future__ import annotations

import asyncio
import functools
import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import discord
import jsonschema
import jsonschema.exceptions
import pytest
from discord import app_commands
from jsonschema.protocols import Validator

from . import DiscordServer, connected

SPEC = Path(__file__).parents[3].parent / "shared" / "discord-openapi.json"
pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="Discord's description is not here")
# Our names of path parts → theirs.
NAMES = {
    "{application}/{token}": "{webhook_id}/{webhook_token}",
    "{interaction}/{token}": "{interaction_id}/{interaction_token}",
    "{application}": "{application_id}",
    "{channel}": "{channel_id}",
    "{guild}": "{guild_id}",
    "{command}": "{command_id}",
    "{user}": "{user_id}",
    "{emoji}": "{emoji_name}",
}


@functools.cache
def spec() -> dict[str, Any]:
    """Discord's description."""
    return json.loads(SPEC.read_text())


def described(route: str) -> dict[str, Any]:
    """The description of one of our routes ("POST /channels/{channel}/messages")."""
    method, _, path = route.partition(" ")
    if path.startswith("/webhooks") and not path.endswith("{token}"):
        path = path.replace("messages/{message}", "messages/@original")
    for ours, theirs in NAMES.items():
        path = path.replace(ours, theirs)
    return spec()["paths"][path.replace("{message}", "{message_id}")][method.lower()]


def validator(schema: dict[str, Any]) -> Validator:
    """A validator that knows the description's components."""
    return jsonschema.Draft202012Validator({**schema, "components": spec()["components"]})


def reasons(error: jsonschema.ValidationError, depth: int = 0) -> list[str]:
    """Why, down through oneOf, in a few lines."""
    lines = ["  " * depth + f"{error.json_path}: {error.message[:200]}"]
    branches: dict[Any, list[jsonschema.ValidationError]] = {}
    for below in error.context or ():
        branches.setdefault(below.schema_path[0], []).append(below)
    # Of the alternatives, those of the right "type" are worth reading.
    meant = [b for b in branches.values() if not any(e.path and e.path[-1] == "type" for e in b)]
    for branch in meant or list(branches.values())[:1]:
        for below in branch:
            lines += reasons(below, depth + 1)
    return lines


def as_sent(value: Any, key: str = "") -> Any:
    """A request's JSON with ids as text: Discord takes them as numbers, too."""
    if isinstance(value, dict):
        return {key: as_sent(below, key) for key, below in value.items()}
    if isinstance(value, list):
        return [as_sent(below, key) for below in value]
    is_id = key.endswith("_id") or key in ("id", "users", "roles")
    return str(value) if is_id and isinstance(value, int) else value


class Form(discord.ui.Modal, title="Form"):
    """A modal."""

    text = discord.ui.Label(text="Text", component=discord.ui.TextInput())


class Rows(discord.ui.View):
    """A button and a select."""

    @discord.ui.button(label="Form", custom_id="form")
    async def form(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.select(options=[discord.SelectOption(label="One")])
    async def one(self, interaction: discord.Interaction, _: Any) -> None:
        await interaction.response.defer()


def add_commands(tree: app_commands.CommandTree) -> None:
    """Registers two commands."""

    @tree.command()
    async def make(interaction: discord.Interaction, prompt: app_commands.Range[str, 1, 9]) -> None:
        await interaction.response.defer(ephemeral=prompt == "secret")
        file = discord.File(io.BytesIO(b"abc"), "a.png", description="alt")
        embed = discord.Embed(title="T", description="D").set_image(url="attachment://a.png")
        await interaction.edit_original_response(attachments=[file], embed=embed, view=Rows())
        await interaction.followup.send("done")

    @make.autocomplete("prompt")
    async def suggest(_: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name="A", value=current)]

    @tree.command()
    async def layout(interaction: discord.Interaction) -> None:
        view = discord.ui.LayoutView()
        gallery = discord.ui.MediaGallery(discord.MediaGalleryItem("attachment://a.png"))
        view.add_item(discord.ui.Container(discord.ui.TextDisplay("hello"), gallery))
        await interaction.response.send_message(
            view=view, file=discord.File(io.BytesIO(b"a"), "a.png")
        )


async def play(server: DiscordServer) -> None:
    """Does a little of everything with the real client."""
    client = discord.Client(intents=discord.Intents.default(), guild_ready_timeout=0.05)
    tree = app_commands.CommandTree(client)
    add_commands(tree)
    ada = server.add_user("ada")
    channel = server.add_guild("Lab", ada).add_text_channel("art")
    async with connected(server, client):
        await tree.sync()
        await ada.autocomplete("make", option="prompt", text="c", channel=channel)
        seen = await ada.command("make", prompt="cat", channel=channel)
        await seen.wait(lambda i: i.followups)
        assert seen.message
        await ada.choose(seen.message, "One")
        assert (await ada.click(seen.message, "Form")).modal
        assert (await ada.command("layout", channel=channel)).acknowledged
        await ada.command("make", prompt="secret")
        place = client.get_channel(channel.id)
        assert isinstance(place, discord.TextChannel)
        assert channel.guild
        sent = await place.send("hello", file=discord.File(io.BytesIO(b"abc"), "a.txt"))
        await sent.add_reaction("🔁")
        await sent.reply("re")
        thread = await sent.create_thread(name="talk")
        await thread.edit(archived=True)
        await sent.edit(content="other")
        await sent.fetch()
        await client.fetch_channel(channel.id)
        await client.fetch_guild(channel.guild.id)
        await client.fetch_user(ada.id)
        await (await ada_dm(client, ada.id)).send("psst")
        await place.guild.fetch_channels()
        [m async for m in place.history()]
        await sent.delete()


async def ada_dm(client: discord.Client, user: int) -> discord.DMChannel:
    """A direct message, opened as the client opens it."""
    return await (await client.fetch_user(user)).create_dm()


async def test_requests_and_answers_fit_the_description():
    async with DiscordServer() as server:
        server.keep_answers = True
        await play(server)
        await asyncio.sleep(0)
    wrong: list[str] = []
    checked = 0
    for entry in server.requests:
        if entry.status >= 300:
            wrong.append(f"{entry.route}: {entry.status} {entry.error}")
            continue
        about = described(entry.route)
        body = about.get("requestBody", {}).get("content", {}).get("application/json")
        pairs = [("request", body and body["schema"], as_sent(entry.json) or None)]
        given = about["responses"].get(str(entry.status), {}).get("content", {})
        answer = json.loads(entry.answer) if entry.answer else None
        pairs.append(("answer", given.get("application/json", {}).get("schema"), answer))
        if entry.answer is None and str(entry.status) not in about["responses"]:
            wrong.append(f"{entry.route}: Discord does not answer {entry.status}")
        for what, schema, value in pairs:
            if not schema or value is None:
                continue
            checked += 1
            error = jsonschema.exceptions.best_match(validator(schema).iter_errors(value))
            if error:
                wrong.append("\n".join([f"{entry.route} {what}", *reasons(error)]))
    assert not wrong, "\n\n".join(dict.fromkeys(wrong))
    assert checked > 40


@pytest.mark.parametrize(
    ("schema", "field", "base"),
    [
        ("ApplicationCommandCreateRequest", "name", {"name": "x", "description": "d"}),
        ("ApplicationCommandCreateRequest", "description", {"name": "x", "description": "d"}),
    ],
)
async def test_lengths_end_where_the_description_says(schema: str, field: str, base: Any):
    most = spec()["components"]["schemas"][schema]["properties"][field]["maxLength"]
    async with DiscordServer() as server, aiohttp.ClientSession() as http:
        url = f"{server.api_url}/applications/{server.application_id}/commands"
        for length, status in ((most, 200), (most + 1, 400)):
            body = base | {field: "x" * length}
            headers = {"Authorization": f"Bot {server.token}"}
            async with http.post(url, json=body, headers=headers) as response:
                assert response.status == status
