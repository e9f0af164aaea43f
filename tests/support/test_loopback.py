"""The loopback Discord, tested with the real discord.py client."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
from discord import app_commands

from .loopback import DiscordServer, NotSendable, User, connected

PNG = b"\x89PNG\r\n\x1a\n" + bytes(3000)
Interaction = discord.Interaction[discord.Client]


class Ask(discord.ui.Modal, title="Change it"):
    """A modal with one of everything."""

    prompt = discord.ui.Label(text="Prompt", component=discord.ui.TextInput(default="a cat"))
    size = discord.ui.Label(
        text="Size",
        component=discord.ui.Select(options=[discord.SelectOption(label="Big", value="b")]),
    )
    picture = discord.ui.Label(
        text="Picture", component=discord.ui.FileUpload(required=False, max_values=2)
    )
    mode = discord.ui.Label(
        text="Mode",
        component=discord.ui.RadioGroup(
            options=[discord.RadioGroupOption(label=x, value=x) for x in ("fast", "good")]
        ),
    )
    extras = discord.ui.Label(
        text="Extras",
        component=discord.ui.CheckboxGroup(
            options=[discord.CheckboxGroupOption(label=x, value=x) for x in ("tile", "hd")],
            required=False,
        ),
    )

    async def on_submit(self, interaction: Interaction) -> None:
        parts: list[Any] = [
            label.component for label in (self.prompt, self.size, self.picture, self.mode)
        ]
        files = [await file.read() for file in parts[2].values]
        extras: Any = self.extras.component
        said = (parts[0].value, parts[1].values, list(map(len, files)), parts[3].value)
        await interaction.response.send_message(f"{said} {extras.values}")


class Buttons(discord.ui.View):
    """A button of each kind of answer, and a select."""

    @discord.ui.button(label="Again", custom_id="again")
    async def again(self, interaction: Interaction, _: discord.ui.Button[Buttons]) -> None:
        await interaction.response.edit_message(content="again!")

    @discord.ui.button(label="Change", custom_id="change")
    async def change(self, interaction: Interaction, _: discord.ui.Button[Buttons]) -> None:
        await interaction.response.send_modal(Ask())

    @discord.ui.select(
        options=[discord.SelectOption(label="One"), discord.SelectOption(label="Two")]
    )
    async def number(self, interaction: Interaction, select: discord.ui.Select[Buttons]) -> None:
        await interaction.response.defer()
        await interaction.followup.send(f"chose {select.values[0]}", ephemeral=True)


class Bot(discord.Client):
    """A bot with a command for each thing that is tried."""

    def __init__(self, *, content: bool = False, **options: Any) -> None:
        intents = discord.Intents.default()
        intents.message_content = content
        super().__init__(intents=intents, guild_ready_timeout=0.05, **options)
        self.tree = app_commands.CommandTree(self)
        self.heard: list[discord.Message] = []
        self.errors: list[BaseException] = []
        self.resumed = 0
        add_commands(self)

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(message)

    async def on_resumed(self) -> None:
        self.resumed += 1


def add_commands(bot: Bot) -> None:
    """Registers the bot's commands."""
    tree = bot.tree

    @tree.error
    async def on_error(_: Interaction, error: app_commands.AppCommandError) -> None:
        bot.errors.append(getattr(error, "original", error))

    @tree.command()
    @app_commands.choices(style=[app_commands.Choice(name="Oil paint", value="oil")])
    async def paint(
        interaction: Interaction,
        prompt: app_commands.Range[str, 1, 200],
        steps: app_commands.Range[int, 1, 50] = 4,
        style: str = "none",
        picture: discord.Attachment | None = None,
    ) -> None:
        await interaction.response.defer()
        size = len(await picture.read()) if picture else 0
        file = discord.File(io.BytesIO(PNG), "a cat.png", description="A cat")
        text = f"{prompt} {steps} {style} {size}"
        await interaction.edit_original_response(content=text, attachments=[file], view=Buttons())
        await interaction.followup.send("and more")

    @tree.command()
    async def long(interaction: Interaction) -> None:
        await interaction.response.send_message("x" * 2001)

    @tree.command()
    async def late(interaction: Interaction) -> None:
        await asyncio.sleep(3.2)
        await interaction.response.send_message("too late")

    @tree.command()
    async def form(interaction: Interaction) -> None:
        await interaction.response.send_modal(Ask())

    @tree.command()
    async def find(interaction: Interaction, what: str) -> None:
        await interaction.response.send_message(what, ephemeral=True)

    @find.autocomplete("what")
    async def suggest(_: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=current.upper(), value=current)]

    @tree.context_menu(name="Describe")
    async def describe(interaction: Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(
            f"{message.content!r}: {message.attachments[0].size}"
        )

    demo = app_commands.Group(name="demo", description="A group")

    @demo.command()
    async def echo(interaction: Interaction, text: str) -> None:
        await interaction.response.send_message(text)

    tree.add_command(demo)


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer(privileged=("message_content",)) as server:
        yield server


@pytest.fixture
async def bot(server: DiscordServer) -> AsyncIterator[Bot]:
    bot = Bot()
    ada = server.add_user("ada")
    server.add_guild("Lab", ada).add_text_channel("art")
    async with connected(server, bot):
        yield bot


def scene(server: DiscordServer) -> tuple[User, Any]:
    """Ada, and the channel."""
    ada = next(user for user in server.users.values() if user.name == "ada")
    assert isinstance(ada, User)
    channel = next(channel for channel in server.channels.values() if channel.name == "art")
    return ada, channel


async def test_command_deferred_then_edited_with_a_file(server: DiscordServer, bot: Bot):
    ada, channel = scene(server)
    arguments = ("in.png", PNG * 2, "image/png")
    seen = await ada.command(
        "paint", prompt="a cat", style="Oil paint", picture=arguments, channel=channel
    )
    assert seen.acknowledged_after is not None
    assert seen.acknowledged_after < 1
    await seen.wait(lambda i: i.followups)
    assert seen.message
    assert seen.message.content == f"a cat 4 oil {len(PNG) * 2}"
    file = seen.message.attachments[0]
    assert (file.filename, file.description) == ("a_cat.png", "A cat")
    assert await bot.http.get_from_cdn(file.url) == PNG
    assert [m.text for m in channel.messages] == [seen.message.content, "and more"]


async def test_options_are_held_to_what_is_registered(server: DiscordServer, bot: Bot):
    ada, channel = scene(server)
    for wrong in ({}, {"prompt": "x", "steps": 51}, {"prompt": "x", "style": "no"}, {"no": 1}):
        with pytest.raises(NotSendable):
            await ada.command("paint", wrong, channel=channel)
    with pytest.raises(NotSendable):
        await ada.command("nothing", channel=channel)
    seen = await ada.command("demo echo", text="hi", channel=channel)
    assert seen.message
    assert seen.message.content == "hi"


async def test_buttons_select_and_modal(server: DiscordServer, bot: Bot):
    ada, channel = scene(server)
    seen = await ada.command("paint", prompt="a cat", channel=channel)
    await seen.wait(lambda i: i.followups)
    message = seen.message
    assert message
    clicked = await ada.click(message, "Again")
    assert clicked.message is message
    assert (message.content, message.edits) == ("again!", 1)
    chosen = await ada.choose(message, "Two")
    await chosen.wait(lambda i: i.followups[0].text == "chose Two" and i.followups[0].ephemeral)
    form = await ada.click(message, "Change")
    with pytest.raises(NotSendable):
        await ada.submit(form, {"Prompt": "a dog"})
    arguments = {"Prompt": "a dog", "Size": "Big", "Picture": ("b.png", PNG), "Mode": "good"}
    done = await ada.submit(form, arguments | {"Extras": ["hd"]})
    assert done.message
    assert done.message.content == f"('a dog', ['b'], [{len(PNG)}], 'good') ['hd']"


async def test_autocomplete_and_message_command(server: DiscordServer, bot: Bot):
    ada, channel = scene(server)
    choices = await ada.autocomplete("find", option="what", text="oi", channel=channel)
    assert choices == [{"name": "OI", "value": "oi"}]
    said = ada.say("look", channel=channel, files=[("x.png", PNG)])
    seen = await ada.message_command("Describe", said)
    assert seen.message
    assert seen.message.content == f"'look': {len(PNG)}"


async def test_refusals(server: DiscordServer, bot: Bot):
    ada, channel = scene(server)
    place = bot.get_channel(channel.id)
    assert isinstance(place, discord.TextChannel)
    assert (await ada.command("long", channel=channel)).message is None
    assert isinstance(bot.errors[-1], discord.HTTPException)
    assert "2000" in str(bot.errors[-1])
    with pytest.raises(discord.HTTPException) as empty:
        await place.send("")
    assert empty.value.code == 50006
    big = discord.File(io.BytesIO(bytes(channel.file_limit + 1)), "big.bin")
    with pytest.raises(discord.HTTPException) as large:
        await place.send(file=big)
    assert (large.value.status, large.value.code) == (413, 40005)
    closed = channel.guild.add_text_channel("closed", deny=("send_messages",))
    hidden = channel.guild.add_text_channel("hidden", deny=("view_channel",))
    for target, code in ((closed, 50013), (hidden, 50001)):
        with pytest.raises(discord.Forbidden) as refused:
            await bot.get_partial_messageable(target.id).send("x")
        assert refused.value.code == code


async def test_late_and_expired(server: DiscordServer, bot: Bot):
    ada, channel = scene(server)
    server.limits.acknowledge_within = 3.0
    late = asyncio.create_task(ada.command("late", channel=channel))
    seen = await ada.command("paint", prompt="a cat", channel=channel)
    await seen.wait(lambda i: i.followups)
    webhook = discord.Webhook.from_state(
        {"id": bot.application_id or 0, "type": 3, "token": seen.token}, state=bot._connection
    )
    assert not (await late).acknowledged
    await server.wait(lambda s: any(r.error and r.error["code"] == 10062 for r in s.requests))
    server.clock.advance(16 * 60)
    with pytest.raises(discord.HTTPException) as expired:
        await webhook.send("x")
    assert (expired.value.status, expired.value.code) == (401, 50027)


async def test_rate_limit_is_waited_for(server: DiscordServer, bot: Bot):
    _, channel = scene(server)
    place = bot.get_partial_messageable(channel.id)
    server.limits.fail("POST /channels/*/messages", 429, times=2, retry_after=0.1)
    began = time.monotonic()
    await place.send("x")
    assert time.monotonic() - began >= 0.2
    assert [r.status for r in server.requests if r.route.endswith("/messages")] == [429, 429, 200]


async def test_resume_and_new_session(server: DiscordServer, bot: Bot):
    ada, channel = scene(server)
    server.gateway.drop()
    await server.wait(lambda s: not s.gateway.ready)
    ada.say("meanwhile", channel=channel)
    await server.wait(lambda s: s.gateway.resumes == 1, 10)
    await server.wait(lambda s: bot.heard)
    assert bot.heard[0].content == ""  # the bot has not asked for the intent
    server.gateway.drop(resumable=False)
    await server.wait(lambda s: s.gateway.identifies == 2, 15)


async def test_threads(server: DiscordServer, bot: Bot):
    ada, channel = scene(server)
    said = ada.say("hello", channel=channel)
    place = bot.get_channel(channel.id)
    assert isinstance(place, discord.TextChannel)
    message = await place.fetch_message(said.id)
    thread = await message.create_thread(name="talk")
    await thread.send("in it")
    assert [m.text for m in channel.threads[0].messages] == ["in it"]
    with pytest.raises(discord.HTTPException) as again:
        await message.create_thread(name="talk")
    assert again.value.code == 160004
    with pytest.raises(discord.HTTPException):
        await place.create_thread(name="x" * 101, type=discord.ChannelType.public_thread)
    await thread.edit(archived=True)
    assert channel.threads[0].archived


async def test_pings_are_those_that_are_allowed(server: DiscordServer, bot: Bot):
    ada, channel = scene(server)
    place = bot.get_partial_messageable(channel.id)
    await place.send(f"@everyone {ada.mention} `@here`")
    await place.send(f"@everyone {ada.mention}", allowed_mentions=discord.AllowedMentions.none())
    assert channel.messages[0].pings.users == (ada.id,)
    assert not channel.messages[1].pings
