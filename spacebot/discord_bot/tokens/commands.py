"""`/token …`: set, view and delete one's own Hugging Face token, or the server's."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands, ui

from spacebot.discord_bot.button_base import BotModal
from spacebot.discord_bot.delivery import answer_privately, manages
from spacebot.discord_bot.registration.commands import FOR_EVERYONE
from spacebot.engine.accounts import ROLES, TOKENS_PAGE, Accounts
from spacebot.engine.store import AccountRecord
from spacebot.errors import InputError
from spacebot.models import guild_key, user_key

MAX_TOKEN = 200
OWN, SERVER = "own", "server"
NOT_MODERATOR = "Only members with the **Manage Server** permission can do this."
NOT_HERE = "Add me to this server first: a token is for a server that I am in."
NONE_SET = {
    OWN: "You have not set a token. Use `/token set`.",
    SERVER: "This server has not set a token. Use `/token server set`.",
}
DELETED = {
    OWN: "🗑️ Your token is deleted. Waiting jobs continue without it.",
    SERVER: "🗑️ This server's token is deleted. Waiting jobs continue without it.",
}
USED_FOR = {
    OWN: "I use it for your jobs on Spaces on Hugging Face, and for nobody else's.",
    SERVER: "I use it for this server's jobs on Spaces on Hugging Face: for those of members who "
    "have set no token of their own, and for automations.",
}
UNREADABLE = (
    "⚠️ It can no longer be read, because the bot's owner has changed SECRET_KEY. Set it again."
)


class TokenForm(BotModal):
    """Asks for a token: in a form, since options stay in a client's history."""

    token: ui.Label[Any] = ui.Label(
        text="Token",
        description="A Read token from huggingface.co/settings/tokens. Nobody here sees it.",
        component=ui.TextInput(
            placeholder="hf_…", max_length=MAX_TOKEN, style=discord.TextStyle.short
        ),
    )

    def __init__(self, commands: TokenCommands, whose: str, key: str) -> None:
        super().__init__("token", title="Hugging Face token", timeout=3600.0)
        self._commands = commands
        self._whose = whose
        self._key = key

    async def submitted(self, interaction: discord.Interaction) -> None:
        """Check what was typed, and store it."""
        assert isinstance(self.token.component, ui.TextInput)
        typed = self.token.component.value
        await self._commands.take(interaction, self._whose, self._key, typed)


class TokenCommands(app_commands.Group):
    """The commands for one's own token; those for the server's are in a group of their own."""

    def __init__(self, accounts: Accounts) -> None:
        super().__init__(
            name="token",
            description="Use your own Hugging Face account for your jobs",
            **FOR_EVERYONE,
        )
        self.accounts = accounts
        self.add_command(ServerTokenCommands(self))

    @app_commands.command(description="Set a Hugging Face token for your jobs, in a form")
    async def set(self, interaction: discord.Interaction[Any]) -> None:
        """Open the form."""
        await self.ask(interaction, OWN, user_key(interaction.user.id))

    @app_commands.command(description="Whose account your jobs use, and since when")
    async def status(self, interaction: discord.Interaction[Any]) -> None:
        """Say whose account it is, without the token."""
        await self.tell(interaction, OWN, user_key(interaction.user.id))

    @app_commands.command(description="Delete your Hugging Face token here")
    async def delete(self, interaction: discord.Interaction[Any]) -> None:
        """Delete it."""
        await self.forget(interaction, OWN, user_key(interaction.user.id))

    async def ask(self, interaction: discord.Interaction[Any], whose: str, key: str) -> None:
        """Open the form, if tokens can be stored."""
        self.accounts.check_open()
        await interaction.response.send_modal(TokenForm(self, whose, key))

    async def take(
        self, interaction: discord.Interaction[Any], whose: str, key: str, token: str
    ) -> None:
        """Check a token with the Hub, store it, and say whose it is."""
        if whose == SERVER:
            # Permissions may have changed while the form was open.
            check_moderator(interaction)
        await interaction.response.defer(ephemeral=True, thinking=True)
        record = await self.accounts.set(key, token, str(interaction.user.id))
        said = f"🔑 That is the account {_describe(record)}. {USED_FOR[whose]}"
        await answer_privately(interaction, said)

    async def tell(self, interaction: discord.Interaction[Any], whose: str, key: str) -> None:
        """Say whose account is used."""
        record = await self.accounts.find(key)
        said = NONE_SET[whose]
        if record is not None:
            since = f"<t:{record.created:.0f}:R>"
            by = f" by <@{record.maker}>" if whose == SERVER else ""
            said = f"🔑 {_describe(record)}, set {since}{by}. {USED_FOR[whose]}"
            if not self.accounts.is_readable(record):
                said += f"\n{UNREADABLE}"
        await answer_privately(interaction, said)

    async def forget(self, interaction: discord.Interaction[Any], whose: str, key: str) -> None:
        """Delete a token."""
        there = await self.accounts.delete(key)
        tip = f" To revoke it on Hugging Face too: <{TOKENS_PAGE}>"
        await answer_privately(interaction, DELETED[whose] + tip if there else NONE_SET[whose])


class ServerTokenCommands(app_commands.Group):
    """The same for a server, for members who may manage it.

    Discord has permissions only for whole commands, so they are checked here.
    """

    def __init__(self, tokens: TokenCommands) -> None:
        super().__init__(name="server", description="The server's Hugging Face account")
        self.tokens = tokens

    @app_commands.command(description="Set a Hugging Face token for this server's jobs")
    async def set(self, interaction: discord.Interaction[Any]) -> None:
        """Open the form."""
        await self.tokens.ask(interaction, SERVER, check_moderator(interaction))

    @app_commands.command(description="Whose account this server's jobs use, and since when")
    async def status(self, interaction: discord.Interaction[Any]) -> None:
        """Say whose account it is, without the token."""
        await self.tokens.tell(interaction, SERVER, check_moderator(interaction))

    @app_commands.command(description="Delete this server's Hugging Face token here")
    async def delete(self, interaction: discord.Interaction[Any]) -> None:
        """Delete it."""
        await self.tokens.forget(interaction, SERVER, check_moderator(interaction))


def check_moderator(interaction: discord.Interaction[Any]) -> str:
    """The key of the server's account; raises `InputError` for members who may not change it."""
    if interaction.guild_id is None:
        raise InputError("A server's token is set in the server: use the command there.")
    if not manages(interaction):
        raise InputError(NOT_MODERATOR)
    if not interaction.is_guild_integration():
        raise InputError(NOT_HERE)
    return guild_key(interaction.guild_id)


def _describe(record: AccountRecord) -> str:
    return f"**{discord.utils.escape_markdown(record.name)}** ({ROLES.get(record.role, '')} token)"
