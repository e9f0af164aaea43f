"""Messages to a server's moderators about its limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spacebot.engine.store import NOBODY, ServerLimits

# Discord's own page says which role or channel may use which command.
INTEGRATIONS = (
    "-# Which roles and channels may use a command at all is set in Discord: **Server Settings → "
    "Integrations** ([how](<https://support.discord.com/hc/en-us/articles/4644915651095>))."
)
MAX_NAMED = 15


def summary(limits: ServerLimits) -> str:
    """All of a server's limits, one per line."""
    return "\n".join([*_lines(limits), INTEGRATIONS])


def _lines(limits: ServerLimits) -> Iterator[str]:
    yield f"**Jobs a day** for each member: {_number(limits.member_jobs)}"
    for role, most in limits.role_jobs.items():
        yield f"- with <@&{role}>: {most}"
    yield (
        f"**At once** for each member: running {_number(limits.running)}, "
        f"waiting {_number(limits.waiting)}"
    )
    where = _named("<#{}>", limits.chat_channels) or "in every channel"
    yield f"**Conversations and mentions**: {where}"
    yield f"**/run and /find**: {_access(limits.run_access)}"
    yield f"**Blocked members**: {_named('<@{}>', limits.blocked_members) or 'none'}"
    words = len(limits.blocked_words)
    yield f"**Blocked words**: {words or 'none'}" + (" (`/limits words` shows them)" * bool(words))
    yield f"**Log**: {_log(limits)}"


def _number(most: int | None) -> str:
    return "no limit" if most is None else str(most)


def _named(form: str, ids: Sequence[str]) -> str:
    more = f" and {len(ids) - MAX_NAMED} more" if len(ids) > MAX_NAMED else ""
    return ", ".join(form.format(one) for one in ids[:MAX_NAMED]) + more


def _access(access: str) -> str:
    return {"": "everyone", NOBODY: "nobody"}.get(access) or f"members with <@&{access}>"


def _log(limits: ServerLimits) -> str:
    if not limits.log_channel:
        return "off"
    return f"<#{limits.log_channel}>, " + ("with prompts" if limits.log_prompts else "no prompts")
