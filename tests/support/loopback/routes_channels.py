"""Routes of channels: messages, reactions, typing, threads, direct messages."""

from __future__ import annotations

from typing import Any

import discord

from . import messages
from .errors import ApiError, Problems
from .messages import Payload
from .rest import Call, Table
from .state import FORUM, HAS_THREAD, Account, Channel, Message, emoji_json

table = Table()
CHANNEL = "/channels/{channel}"
MESSAGES = CHANNEL + "/messages"
MESSAGE = MESSAGES + "/{message}"
REACTIONS = MESSAGE + "/reactions/{emoji}"
# Discord: an enforced nonce is "checked for uniqueness in the past few minutes".
NONCE_LIFE = 180.0


def place(call: Call, *needed: str) -> Channel:
    """The channel of a path, if the bot has these permissions in it; ApiError otherwise."""
    channel = call.server.channels.get(call.number("channel"))
    if channel is None:
        raise ApiError(10003)
    if channel.guild:
        allowed = discord.Permissions(channel.permissions(call.server.bot))
        if not channel.guild.has_bot or not allowed.view_channel:
            raise ApiError(50001)
        if not all(getattr(allowed, name) for name in needed):
            raise ApiError(50013)
    return channel


def sending(channel: Channel) -> str:
    """The permission that sending requires here."""
    return "send_messages_in_threads" if channel.is_thread else "send_messages"


def find(call: Call, channel: Channel) -> Message:
    """The message of a path; ApiError 10008."""
    message = channel.get(call.number("message"))
    if message is None:
        raise ApiError(10008)
    return message


@table.on("GET", CHANNEL)
def get_channel(call: Call) -> Any:
    """One channel."""
    return place(call).to_json()


@table.on("PATCH", CHANNEL)
def edit_channel(call: Call) -> Any:
    """Renames, archives, locks."""
    channel = place(call)
    data: Payload = call.json
    problems = Problems()
    if "name" in data:
        problems.length(("name",), data["name"], 1, 100)
    problems.raise_any()
    may = discord.Permissions(channel.permissions(call.server.bot))
    mine = channel.is_thread and channel.owner is call.server.bot and "locked" not in data
    if not (mine or (may.manage_threads if channel.is_thread else may.manage_channels)):
        raise ApiError(50013)
    for key in ("name", "topic", "nsfw", "archived", "locked", "auto_archive_duration"):
        if key in data:
            setattr(channel, key, data[key])
    event = "THREAD_UPDATE" if channel.is_thread else "CHANNEL_UPDATE"
    call.server.dispatch(event, channel.to_json(), guild=channel.guild)
    channel.changed()
    return channel.to_json()


@table.on("DELETE", CHANNEL)
def delete_channel(call: Call) -> Any:
    """Deletes a channel or a thread."""
    channel = place(call)
    place(call, "manage_threads" if channel.is_thread else "manage_channels")
    channel.delete()
    return channel.to_json()


@table.on("POST", CHANNEL + "/typing")
def typing(call: Call) -> None:
    """Shows that the bot types."""
    channel = place(call)
    place(call, sending(channel))
    channel.typing.append(call.server.clock.now())
    channel.changed()


@table.on("GET", MESSAGES)
def list_messages(call: Call) -> Any:
    """Messages, newest first, by `before`, `after`, `around` and `limit`."""
    found = place(call, "read_message_history").messages
    limit = int(call.query.get("limit", 50))
    if "before" in call.query:
        found = [m for m in found if m.id < int(call.query["before"])]
    if "around" in call.query:
        middle = int(call.query["around"])
        found = sorted(found, key=lambda m: abs(m.id - middle))[:limit]
        found.sort(key=lambda m: m.id)
    if "after" in call.query:
        found = [m for m in found if m.id > int(call.query["after"])][:limit]
    return [message.to_json() for message in reversed(found[-limit:])]


@table.on("POST", MESSAGES)
def send(call: Call) -> Any:
    """Sends a message."""
    channel = place(call)
    if channel.type == FORUM:
        raise ApiError(50024)
    place(call, sending(channel), *(["attach_files"] if call.files else []))
    if channel.recipient and not channel.recipient.accepts_dms:
        raise ApiError(50007)
    if channel.is_thread and channel.locked:
        raise ApiError(50083)
    if sent := _sent_before(call, channel):
        return sent.to_json()
    reference = _reference(call, channel)
    bot = call.server.bot
    message = messages.create(channel, bot, call.json, call.files, reference=reference)
    return message.to_json()


def _sent_before(call: Call, channel: Channel) -> Message | None:
    """The message of this nonce, where it is enforced: sent again, it stands once."""
    nonce, since = call.json.get("nonce"), call.server.clock.now() - NONCE_LIFE
    if not nonce or not call.json.get("enforce_nonce"):
        return None
    mine = (one for one in channel.messages if one.author is call.server.bot)
    return next((one for one in mine if one.nonce == nonce and one.created > since), None)


def _reference(call: Call, channel: Channel) -> Message | None:
    asked = call.json.get("message_reference")
    if not asked:
        return None
    message = channel.get(int(asked["message_id"]))
    if message is None and asked.get("fail_if_not_exists", True):
        problems = Problems()
        text = "Unknown message"
        problems.add(("message_reference",), "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", text)
        problems.raise_any()
    return message


@table.on("GET", MESSAGE)
def get_message(call: Call) -> Any:
    """One message."""
    return find(call, place(call, "read_message_history")).to_json()


@table.on("PATCH", MESSAGE)
def edit_message(call: Call) -> Any:
    """Edits one of the bot's own messages."""
    channel = place(call)
    message = find(call, channel)
    if message.author is not call.server.bot:
        raise ApiError(50005)
    if channel.is_thread and channel.archived:
        raise ApiError(50083)
    return messages.edit(message, call.json, call.files).to_json()


@table.on("DELETE", MESSAGE)
def delete_message(call: Call) -> None:
    """Deletes a message; other people's take manage_messages."""
    channel = place(call)
    message = find(call, channel)
    if message.author is not call.server.bot:
        place(call, "manage_messages")
    channel.discard(message)


def react(message: Message, user: Account, emoji: str, *, add: bool) -> None:
    """Adds or removes a reaction, and tells the bot."""
    people = message.reactions.setdefault(emoji, set())
    (people.add if add else people.discard)(user.id)
    if not people:
        del message.reactions[emoji]
    payload: Payload = {
        "user_id": str(user.id),
        "channel_id": str(message.channel.id),
        "message_id": str(message.id),
        "emoji": emoji_json(emoji),
        "burst": False,
        "type": 0,
    }
    if add and message.channel.guild:
        payload["member"] = message.channel.guild.member_json(user)
        payload["message_author_id"] = str(message.author.id)
    event = "MESSAGE_REACTION_ADD" if add else "MESSAGE_REACTION_REMOVE"
    message.channel.dispatch_message(event, payload)
    message.changed()
    message.channel.changed()


@table.on("PUT", REACTIONS + "/@me")
def add_reaction(call: Call) -> None:
    """Reacts."""
    channel = place(call, "add_reactions", "read_message_history")
    react(find(call, channel), call.server.bot, call.parts["emoji"], add=True)


@table.on("DELETE", REACTIONS + "/@me")
def remove_reaction(call: Call) -> None:
    """Removes the bot's reaction."""
    react(find(call, place(call)), call.server.bot, call.parts["emoji"], add=False)


@table.on("DELETE", REACTIONS + "/{user}")
def remove_other(call: Call) -> None:
    """Removes someone's reaction."""
    message = find(call, place(call, "manage_messages"))
    react(message, call.server.users[call.number("user")], call.parts["emoji"], add=False)


@table.on("GET", REACTIONS)
def who_reacted(call: Call) -> Any:
    """Who reacted with an emoji."""
    people = find(call, place(call)).reactions.get(call.parts["emoji"], set())
    return [call.server.users[user].to_json() for user in people]


def start_thread(
    channel: Channel, owner: Account, data: Payload, *, message: Message | None = None
) -> Channel:
    """Starts a thread; ApiError 160004 where the message has one already."""
    if message and message.thread:
        raise ApiError(160004)
    if channel.guild is None or channel.is_thread:
        raise ApiError(50024)
    problems = Problems()
    problems.length(("name",), data.get("name"), 1, 100)
    problems.raise_any()
    if any(word in data["name"].lower() for word in channel.guild.blocked_words):
        raise ApiError(200001)
    server = channel.server
    kind = (10 if channel.type == 5 else 11) if message else data.get("type") or 12
    number = message.id if message else server.ids.next()
    thread = Channel(server, number, data["name"], kind, channel.guild, parent=channel)
    thread.owner = owner
    thread.auto_archive_duration = data.get("auto_archive_duration") or 1440
    thread.joined[owner.id] = server.clock.now()
    channel.guild.channels[number] = server.channels[number] = thread
    if message:
        message.thread = thread
        message.flags |= HAS_THREAD
        message.changed()
    created = thread.to_json() | {"newly_created": True}
    server.dispatch("THREAD_CREATE", created, guild=channel.guild)
    channel.changed()
    return thread


@table.on("POST", CHANNEL + "/threads")
def thread_alone(call: Call) -> Any:
    """Starts a thread without a message."""
    private = (call.json.get("type") or 12) == 12
    channel = place(call, "create_private_threads" if private else "create_public_threads")
    return start_thread(channel, call.server.bot, call.json).to_json()


@table.on("POST", MESSAGE + "/threads")
def thread_from_message(call: Call) -> Any:
    """Starts a thread on a message."""
    channel = place(call, "create_public_threads", "read_message_history")
    message = find(call, channel)
    return start_thread(channel, call.server.bot, call.json, message=message).to_json()


def join_thread(thread: Channel, user: Account) -> None:
    """Adds a person to a thread."""
    thread.joined[user.id] = thread.server.clock.now()
    payload = {
        "id": str(thread.id),
        "guild_id": str(thread.guild.id if thread.guild else 0),
        "member_count": len(thread.joined),
        "added_members": [thread.member_json(user.id)],
    }
    thread.server.dispatch("THREAD_MEMBERS_UPDATE", payload, guild=thread.guild)


def _member(call: Call) -> Account:
    user = call.parts["user"]
    account = call.server.bot if user == "@me" else call.server.users.get(int(user))
    if account is None:
        raise ApiError(10013)
    return account


@table.on("PUT", CHANNEL + "/thread-members/{user}")
def add_thread_member(call: Call) -> None:
    """Adds someone to a thread."""
    join_thread(place(call), _member(call))


@table.on("DELETE", CHANNEL + "/thread-members/{user}")
def remove_thread_member(call: Call) -> None:
    """Removes someone from a thread."""
    place(call).joined.pop(_member(call).id, None)


@table.on("GET", CHANNEL + "/thread-members")
def thread_members(call: Call) -> Any:
    """Who is in a thread."""
    thread = place(call)
    return [thread.member_json(user) for user in thread.joined]


@table.on("POST", "/users/@me/channels")
def open_dm(call: Call) -> Any:
    """Opens a direct message."""
    user = call.server.users.get(int(call.json["recipient_id"]))
    if user is None:
        raise ApiError(10013)
    return call.server.dm_with(user).to_json()
