"""What moderators read about their server's added Spaces."""

from __future__ import annotations

from collections.abc import Sequence

from spacebot.discord_bot.server_spaces.changes import Added
from spacebot.engine.job_text import harmless_line
from spacebot.engine.server_spaces import MAX_GUILD_COMMANDS
from spacebot.engine.store import ServerSpace
from spacebot.models import Space
from spacebot.spaces.schema import MORE_COMMAND, commands_of

MAX_PAGE = 1900
# How many commands of a Space are named.
MAX_NAMED = 10
NONE_YET = "This server has not added a Space yet. Use `/space add`."
INTEGRATIONS = "-# Who may use a command, and in which channels: Server Settings → Integrations."


def page_link(space: str) -> str:
    """A link to a Space's page, labelled with its name, without a preview."""
    return f"[{harmless_line(space, 96)}](<https://huggingface.co/spaces/{space}>)"


def command_link(name: str, ids: dict[str, str], path: str = "") -> str:
    """The command, clickable if its id is known."""
    full = f"{name} {path}".strip()
    return f"</{full}:{ids[name]}>" if name in ids else f"`/{full}`"


def added(done: Added) -> str:
    """The confirmation for a moderator who added a Space."""
    row, ids = done.row, dict(done.ids)
    first = next(iter(commands_of([done.space]))).removeprefix(f"/{row.name}").strip()
    direct = "" if " " in first else first
    command = command_link(row.name, ids, direct)
    lines = [f"✅ {command} is {page_link(row.space)}, in this server only."]
    if len(done.space.endpoints) > 1:
        lines.append(_named(done.space))
    if done.late:
        lines.append("⏳ Discord is not responding. The command appears once it does.")
    return "\n".join([*lines, INTEGRATIONS])


def _named(space: Space) -> str:
    commands = commands_of([space])
    names = [f"`{name}`" for name, endpoint in commands.items() if not endpoint.further]
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    said = f"It has {len(names)} commands: {', '.join(names[:MAX_NAMED])}{more}."
    if further := len(commands) - len(names):
        said += f" `/{space.name} {MORE_COMMAND}` has {further} others."
    return said


def listed(rows: Sequence[ServerSpace], most: int) -> list[str]:
    """A server's list, in pages that fit into messages."""
    if not rows:
        return [NONE_YET]
    pages = [f"{len(rows)} of {min(most, MAX_GUILD_COMMANDS)}\n"]
    for row in rows:
        text = line(row)
        if len(pages[-1]) + len(text) > MAX_PAGE:
            pages.append("")
        pages[-1] += f"{text}\n"
    return pages


def line(row: ServerSpace) -> str:
    """One added Space: its command, what it is, and what is wrong with it."""
    parts = [f"**/{row.name}**", page_link(row.space)]
    if row.endpoint:
        parts.append(f"`{row.endpoint.replace('`', chr(39))[:60]}`")
    if row.nsfw:
        parts.append("🔞 age-restricted")
    if row.paused:
        parts.append("⏸️ paused")
    text = f"{' · '.join(parts)}\n-# added by <@{row.adder}> <t:{int(row.created)}:R>"
    if row.problem:
        text += f"\n-# ⚠️ {harmless_line(row.problem, 300)}"
    return text


def info(row: ServerSpace, space: Space | None) -> str:
    """Everything known about an added Space."""
    lines = [line(row)]
    if space is not None:
        lines.append(f"**{harmless_line(space.title, 100)}**")
        described = list(commands_of([space]).items())
        lines += [
            f"`{name}` {harmless_line(endpoint.description, 100)}"
            for name, endpoint in described[:MAX_NAMED]
        ]
        if len(described) > MAX_NAMED:
            lines.append(f"and {len(described) - MAX_NAMED} more")
    lines.append(
        f"-# Last read <t:{int(row.read)}:R>. Answers go to: {row.answer or 'its channel'}"
    )
    return "\n".join([*lines, INTEGRATIONS])
