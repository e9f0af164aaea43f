"""Routes of the application itself, of users, guilds and the gateway's address."""

from __future__ import annotations

from typing import Any

from .errors import ApiError
from .rest import Call, Table
from .state import Guild

table = Table()


@table.on("GET", "/users/@me")
def me(call: Call) -> Any:
    """The bot's own account."""
    return call.server.bot.to_json() | {"mfa_enabled": False, "locale": "en-US"}


@table.on("GET", "/users/{user}")
def user(call: Call) -> Any:
    """One account."""
    account = call.server.users.get(call.number("user"))
    if account is None:
        raise ApiError(10013)
    return account.to_json()


@table.on("GET", "/oauth2/applications/@me")
def oauth_application(call: Call) -> Any:
    """The application, which discord.py requests when it logs in."""
    server = call.server
    return {
        "id": str(server.application_id),
        "name": server.bot.name,
        "type": None,
        "icon": None,
        "description": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": server.flags,
        "flags_new": str(server.flags),
        "role_connections_verification_url": None,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "eligible_oauth2_scopes": ["bot", "applications.commands"],
        "owner": server.owner.to_json(),
        "team": None,
        "tags": [],
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "integration_types_config": {"0": {}, "1": {}},
        "approximate_guild_count": sum(g.has_bot for g in server.guilds.values()),
        "approximate_user_install_count": 0,
    }


@table.on("GET", "/applications/@me")
def application(call: Call) -> Any:
    """The application."""
    return oauth_application(call)


@table.on("GET", "/gateway", public=True)
def gateway(call: Call) -> Any:
    """The gateway's address."""
    return {"url": call.server.gateway_url}


@table.on("GET", "/gateway/bot")
def gateway_bot(call: Call) -> Any:
    """The gateway's address, the recommended number of shards, and the identifies left."""
    identifies = call.server.gateway.identifies
    limit = {
        "total": 1000,
        "remaining": max(0, 1000 - identifies),
        "reset_after": 86_400_000,
        "max_concurrency": call.server.gateway.max_concurrency,
    }
    shards = call.server.gateway.shards
    return {"url": call.server.gateway_url, "shards": shards, "session_start_limit": limit}


def place(call: Call) -> Guild:
    """The guild of a path, if the bot is in it; ApiError otherwise."""
    guild = call.server.guilds.get(call.number("guild"))
    if guild is None:
        raise ApiError(10004)
    if not guild.has_bot:
        raise ApiError(50001)
    return guild


@table.on("GET", "/users/@me/guilds")
def my_guilds(call: Call) -> Any:
    """The guilds that the bot is in."""
    guilds = [guild for guild in call.server.guilds.values() if guild.has_bot]
    return [
        {"id": str(guild.id), "name": guild.name, "icon": None, "owner": False, "features": []}
        | {"permissions": str(guild.permissions(call.server.bot)), "banner": None}
        for guild in guilds
    ]


@table.on("DELETE", "/users/@me/guilds/{guild}")
def leave(call: Call) -> None:
    """Leaves a guild."""
    place(call).remove_bot()


@table.on("GET", "/guilds/{guild}")
def guild(call: Call) -> Any:
    """One guild."""
    return place(call).to_json()


@table.on("GET", "/guilds/{guild}/channels")
def channels(call: Call) -> Any:
    """The channels of a guild, without its threads."""
    return [c.to_json() for c in place(call).channels.values() if not c.is_thread]


@table.on("GET", "/guilds/{guild}/threads/active")
def active_threads(call: Call) -> Any:
    """The threads of a guild that are not archived."""
    threads = [c for c in place(call).channels.values() if c.is_thread and not c.archived]
    bot = call.server.bot.id
    mine = [thread.member_json(bot) for thread in threads if bot in thread.joined]
    return {"threads": [thread.to_json() for thread in threads], "members": mine}


@table.on("GET", "/guilds/{guild}/roles")
def roles(call: Call) -> Any:
    """The roles of a guild."""
    here = place(call)
    return [here.role_json(role) for role in (here.id, *here.roles)]


@table.on("GET", "/guilds/{guild}/members")
def members(call: Call) -> Any:
    """The members of a guild."""
    here = place(call)
    return [here.member_json(call.server.users[member]) for member in here.members]


@table.on("GET", "/guilds/{guild}/members/{user}")
def member(call: Call) -> Any:
    """One member."""
    here = place(call)
    number = call.number("user")
    if number not in here.members and number != call.server.bot.id:
        raise ApiError(10007)
    return here.member_json(call.server.users[number])
