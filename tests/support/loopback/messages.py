"""What Discord does with a message that is sent or edited: checks, files, pings."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import discord

from .components import ComponentCheck, finished
from .errors import ApiError, Problems
from .state import (
    COMPONENTS_V2,
    EPHEMERAL,
    LOADING,
    Account,
    Attachment,
    Channel,
    Message,
    Pings,
    content_type_of,
)

if TYPE_CHECKING:
    from .interactions import Interaction

Payload = dict[str, Any]
# files[n] → (name, bytes)
Files = dict[int, tuple[str, bytes]]
MOST_CONTENT, MOST_FILES, MOST_EMBED_TEXT = 2000, 10, 6000
# The flags that a bot may set itself: suppress embeds, ephemeral, silent, components v2.
SETTABLE = (1 << 2) | EPHEMERAL | (1 << 12) | COMPONENTS_V2
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
USER, ROLE = re.compile(r"<@!?(\d+)>"), re.compile(r"<@&(\d+)>")
EVERYONE = re.compile(r"@(everyone|here)\b")


def check(payload: Payload, files: Files, kept: Sequence[Attachment], *, v2: bool) -> None:
    """Raises ApiError unless Discord accepts this message. `kept` are its earlier files."""
    problems = Problems()
    content = payload.get("content")
    if content is not None:
        problems.length(("content",), content, 0, MOST_CONTENT)
    embeds = payload.get("embeds") or []
    problems.length(("embeds",), embeds, 0, 10)
    for index, embed in enumerate(embeds):
        check_embed(problems, ("embeds", index), embed)
    if sum(map(embed_text, embeds)) > MOST_EMBED_TEXT:
        text = f"Embed size exceeds maximum size of {MOST_EMBED_TEXT}"
        problems.add(("embeds",), "MAX_EMBED_SIZE_EXCEEDED", text)
    names = {clean_name(name) for name, _ in files.values()} | {a.filename for a in kept}
    components = payload.get("components") or []
    ComponentCheck(problems, names, v2=v2).check(components)
    if v2:
        for key in ("content", "embeds"):
            if payload.get(key):
                text = "The 'content' and 'embeds' fields cannot be used with components V2"
                problems.add((key,), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", text)
    if len(files) + len(kept) > MOST_FILES:
        problems.add(("attachments",), "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    for index, described in enumerate(payload.get("attachments") or []):
        here = ("attachments", index, "description")
        problems.length(here, described.get("description"), 0, 1024)
    check_mentions(problems, payload.get("allowed_mentions"))
    problems.raise_any()


def check_mentions(problems: Problems, allowed: Payload | None) -> None:
    """Checks allowed_mentions: a kind is either parsed or listed."""
    for key in ("users", "roles"):
        if allowed and allowed.get(key) and key in allowed.get("parse", ()):
            text = f'parse:["{key}"] and {key}: [ids...] are mutually exclusive.'
            code = "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"
            problems.add(("allowed_mentions",), code, text)
        if allowed and len(allowed.get(key) or ()) > 100:
            problems.length(("allowed_mentions", key), allowed[key], 0, 100)


def embed_text(embed: Payload) -> int:
    """The characters of an embed that count together."""
    fields = embed.get("fields") or []
    parts = [embed.get("title"), embed.get("description"), (embed.get("footer") or {}).get("text")]
    parts += [(embed.get("author") or {}).get("name")]
    parts += [field.get(key) for field in fields for key in ("name", "value")]
    return sum(len(part or "") for part in parts)


def check_embed(problems: Problems, path: tuple[str | int, ...], embed: Payload) -> None:
    """Checks one embed's limits."""
    problems.length((*path, "title"), embed.get("title"), 0, 256)
    problems.length((*path, "description"), embed.get("description"), 0, 4096)
    footer, author = embed.get("footer") or {}, embed.get("author") or {}
    problems.length((*path, "footer", "text"), footer.get("text"), 0, 2048)
    problems.length((*path, "author", "name"), author.get("name"), 0, 256)
    fields = embed.get("fields") or []
    problems.length((*path, "fields"), fields, 0, 25)
    for index, field in enumerate(fields):
        problems.length((*path, "fields", index, "name"), field.get("name"), 1, 256)
        problems.length((*path, "fields", index, "value"), field.get("value"), 1, 1024)
    for key in ("url",):
        url = embed.get(key)
        if url and not url.startswith(("http://", "https://")):
            problems.add((*path, key), "URL_TYPE_INVALID_URL", f'Not a well formed URL: "{url}".')


def check_files(channel: Channel, author: Account, files: Files) -> None:
    """Raises ApiError 50013 where the bot may attach none, 40005 for one over the limit here."""
    theirs = channel.guild and not channel.guild.has_bot
    allowed = discord.Permissions(channel.permissions(author))
    if files and author is channel.server.bot and not theirs and not allowed.attach_files:
        raise ApiError(50013)
    for _, data in files.values():
        if len(data) > channel.file_limit:
            raise ApiError(40005)


def clean_name(name: str) -> str:
    """A file's name as Discord stores it: hashed if it is in another script."""
    stem, dot, suffix = name.rpartition(".")
    if not name.isascii():
        return hashlib.sha256(stem.encode()).hexdigest()[:16] + dot + suffix
    return re.sub(r"[^\w.\-]", "_", name) or "unknown"


def upload(
    channel: Channel,
    name: str,
    data: bytes,
    *,
    description: str | None = None,
    hidden: bool = False,
) -> Attachment:
    """Puts a file on the CDN."""
    server = channel.server
    real, number, name = name, server.ids.next(), clean_name(name)
    folder = "ephemeral-attachments" if hidden else "attachments"
    path = f"/{folder}/{channel.id}/{number}/{quote(name)}"
    expires = int(server.clock.now()) + 86_400
    url = f"{server.base_url}{path}?ex={expires:x}&is={expires - 86_400:x}&hm={number:064x}"
    attachment = Attachment(number, name, data, url, content_type_of(name), description, hidden)
    if real != name:
        attachment.title = real.rpartition(".")[0] or real
    server.cdn[number] = attachment
    return attachment


def pings(message: Message, text: str, allowed: Payload | None, *, may_everyone: bool) -> Pings:
    """Whom this text pings: nobody in code, and only whom allowed_mentions lets."""
    if "@" not in text and not message.reference:
        return Pings()
    text = CODE.sub("", text)
    parse = ("users", "roles", "everyone") if allowed is None else allowed.get("parse") or ()
    allowed = allowed or {"replied_user": allowed is None}
    users, roles = map(int, USER.findall(text)), map(int, ROLE.findall(text))
    listed = {key: set(map(int, allowed.get(key) or ())) for key in ("users", "roles")}
    known = message.server.users
    pinged = [u for u in users if ("users" in parse or u in listed["users"]) and u in known]
    if message.reference and allowed.get("replied_user"):
        pinged.append(message.reference.author.id)
    everyone = bool(EVERYONE.search(text)) and "everyone" in parse and may_everyone
    hit = [role for role in roles if "roles" in parse or role in listed["roles"]]
    return Pings(tuple(dict.fromkeys(pinged)), tuple(dict.fromkeys(hit)), everyone)


def apply(message: Message, payload: Payload, files: Files) -> None:
    """Writes a checked payload into the message. What is not in the payload stays."""
    hidden = message.ephemeral
    described = {str(a.get("id")): a for a in payload.get("attachments") or []}
    fresh = [
        upload(
            message.channel,
            described.get(str(index), {}).get("filename") or name,
            data,
            description=described.get(str(index), {}).get("description"),
            hidden=hidden,
        )
        for index, (name, data) in files.items()
    ]
    message.attachments = [*kept_of(message, payload), *fresh]
    urls = {a.filename: a.url for a in message.attachments}
    if "content" in payload:
        message.content = (payload["content"] or "").strip()
    if "embeds" in payload:
        message.embeds = [_embed(embed, urls) for embed in payload["embeds"] or []]
    if "components" in payload:
        message.components = finished(payload["components"] or [], urls)


def kept_of(message: Message, payload: Payload) -> list[Attachment]:
    """The files that stay: all, unless `attachments` lists which."""
    if payload.get("attachments") is None:
        return [] if "attachments" in payload else list(message.attachments)
    listed = {str(a.get("id")) for a in payload["attachments"]}
    return [a for a in message.attachments if str(a.id) in listed]


def _embed(embed: Payload, urls: dict[str, str]) -> Payload:
    done = {"type": "rich", **embed}
    for key in ("image", "thumbnail"):
        media = embed.get(key)
        if media:
            url = urls.get(media["url"].removeprefix("attachment://"), media["url"])
            done[key] = media | {"url": url, "proxy_url": url}
    return done


def is_empty(message: Message) -> bool:
    """Whether it has nothing to show."""
    return not (message.content or message.embeds or message.attachments or message.components)


def create(
    channel: Channel,
    author: Account,
    payload: Payload,
    files: Files,
    *,
    interaction: Interaction | None = None,
    reference: Message | None = None,
    number: int | None = None,
) -> Message:
    """Checks and sends a message (of the id `number`); ApiError when Discord refuses it."""
    flags = (payload.get("flags") or 0) & SETTABLE
    check(payload, files, (), v2=bool(flags & COMPONENTS_V2))
    check_files(channel, author, files)
    if not (interaction and flags & EPHEMERAL):
        check_moderation(channel, payload, files)
    message = Message(channel, author, interaction=interaction)
    message.id = number or message.id
    message.flags = flags if interaction else flags & ~EPHEMERAL
    message.reference, message.nonce = reference, payload.get("nonce")
    message.type = 19 if reference else 20 if interaction else 0
    fill(message, payload, files)
    announce(message)
    return message


def check_moderation(channel: Channel, payload: Payload, files: Files) -> None:
    """ApiError where AutoMod or the explicit content filter of the guild blocks a message."""
    guild = channel.guild
    if guild is None:
        return
    text = (payload.get("content") or "").lower()
    if any(word in text for word in guild.blocked_words):
        raise ApiError(200000)
    if any(mark in data for _, data in files.values() for mark in guild.filtered):
        raise ApiError(20009)


def fill(message: Message, payload: Payload, files: Files) -> None:
    """Writes a message's first content, and records whom it pings."""
    apply(message, payload, files)
    if is_empty(message):
        raise ApiError(50006)
    if not message.ephemeral and not message.flags & (1 << 12):
        everyone = discord.Permissions(message.channel.permissions(message.author))
        message.pings = pings(
            message,
            message.text,
            payload.get("allowed_mentions"),
            may_everyone=everyone.mention_everyone,
        )


def announce(message: Message) -> None:
    """Puts a new message into its channel, and tells the bot."""
    channel = message.channel
    if not message.ephemeral:
        channel.archived = channel.archived and channel.locked
        channel.put(message)
        tell(message, "MESSAGE_CREATE")
    message.remember()


def tell(message: Message, event: str) -> None:
    """Sends the message to the bot, without its content where the intent is missing."""
    channel, server = message.channel, message.server
    if not channel.hears_bot:
        return
    intent = (1 << 9) if channel.guild else (1 << 12)
    extra: Payload = {}
    if channel.guild:
        extra["guild_id"] = str(channel.guild.id)
        if message.author.id in channel.guild.members or message.author is server.bot:
            extra["member"] = channel.guild.member_json(message.author, with_user=False)
    mine = message.author is server.bot or server.bot.id in message.pings.users
    for session in server.gateway.recipients(channel.guild, intent):
        seen = mine or channel.guild is None or bool(session.intents & (1 << 15))
        session.send(event, message.to_json(content=seen) | extra)


def edit(message: Message, payload: Payload, files: Files) -> Message:
    """Checks and edits a message; ApiError when Discord refuses it."""
    first = message.loading
    flags = payload.get("flags") or 0
    v2 = bool((message.flags | flags) & COMPONENTS_V2)
    check(payload, files, kept_of(message, payload), v2=v2)
    check_files(message.channel, message.author, files)
    if not message.ephemeral:
        check_moderation(message.channel, payload, files)
    before = (message.content, message.attachments, message.embeds, message.components)
    apply(message, payload, files)
    if is_empty(message):
        message.content, message.attachments, message.embeds, message.components = before
        raise ApiError(50006)
    message.flags = (message.flags | flags & (COMPONENTS_V2 | 1 << 2)) & ~LOADING
    if first:
        # The edit that ends "thinking" is the first that people see: it pings.
        fill(message, {"allowed_mentions": payload.get("allowed_mentions")}, {})
        message.history.clear()
    else:
        message.edited = message.server.clock.now()
    if not message.ephemeral:
        tell(message, "MESSAGE_UPDATE")
    message.remember()
    return message
