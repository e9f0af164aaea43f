"""Routes of interactions: callbacks, the first answer, followups; and of commands."""

from __future__ import annotations

from typing import Any

from . import messages
from .errors import ApiError
from .interactions import Interaction
from .rest import Call, Table
from .state import EPHEMERAL

table = Table()
HOOK = "/webhooks/{application}/{token}"
GLOBAL = "/applications/{application}/commands"
GUILD = "/applications/{application}/guilds/{guild}/commands"


@table.on("POST", "/interactions/{interaction}/{token}/callback", public=True)
def callback(call: Call) -> Any:
    """The bot's first answer."""
    interaction = call.server.interactions.get(call.number("interaction"))
    if interaction is None or interaction.token != call.parts["token"]:
        raise ApiError(10062)
    response = interaction.answer(call.json, call.files)
    wanted = call.query.get("with_response", "").lower() in ("1", "true")
    return response if wanted else None


def by_token(call: Call) -> Interaction:
    """The interaction that a webhook's path names; ApiError 10015, 50027."""
    interaction = call.server.tokens.get(call.parts["token"])
    if interaction is None or call.number("application") != call.server.application_id:
        raise ApiError(10015)
    if interaction.expired:
        raise ApiError(50027)
    if interaction.response_type is None:
        raise ApiError(10015)
    return interaction


@table.on("POST", HOOK, public=True)
def follow_up(call: Call) -> Any:
    """A followup message."""
    message = by_token(call).follow_up(call.json, call.files)
    return message.to_json()


@table.on("GET", HOOK + "/messages/{message}", public=True)
def get_answer(call: Call) -> Any:
    """The first answer, or a followup."""
    return by_token(call).find(call.parts["message"]).to_json()


@table.on("PATCH", HOOK + "/messages/{message}", public=True)
def edit_answer(call: Call) -> Any:
    """Edits the first answer, or a followup."""
    message = by_token(call).find(call.parts["message"])
    return messages.edit(message, call.json, call.files).to_json()


@table.on("DELETE", HOOK + "/messages/{message}", public=True)
def delete_answer(call: Call) -> None:
    """Deletes the first answer, or a followup."""
    interaction = by_token(call)
    message = interaction.find(call.parts["message"])
    message.channel.discard(message)
    if message.flags & EPHEMERAL:
        message.deleted = True
    interaction.changed()


def place(call: Call) -> int | None:
    """The guild of a commands route, None for the global ones; ApiError if there is none."""
    if call.number("application") != call.server.application_id:
        raise ApiError(20012, status=403, message="You are not authorized on this application")
    if "guild" not in call.parts:
        return None
    guild = call.server.guilds.get(call.number("guild"))
    if guild is None or not guild.has_bot:
        raise ApiError(50001)
    return guild.id


def _commands(path: str) -> None:
    @table.on("GET", path)
    def all_commands(call: Call) -> Any:
        return call.server.commands.all(place(call))

    @table.on("PUT", path)
    def replace(call: Call) -> Any:
        return call.server.commands.replace(place(call), call.json)

    @table.on("POST", path)
    def create(call: Call) -> Any:
        return call.server.commands.create(place(call), call.json)

    @table.on("GET", path + "/{command}")
    def one(call: Call) -> Any:
        return call.server.commands.get(place(call), call.number("command"))

    @table.on("PATCH", path + "/{command}")
    def edit(call: Call) -> Any:
        return call.server.commands.edit(place(call), call.number("command"), call.json)

    @table.on("DELETE", path + "/{command}")
    def delete(call: Call) -> None:
        call.server.commands.delete(place(call), call.number("command"))


_commands(GLOBAL)
_commands(GUILD)
