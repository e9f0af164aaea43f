"""What a person does in the tests: run a command and read the answer."""

from __future__ import annotations

from typing import Any

from tests.support.loopback import Channel, Interaction, Message, User


def shown(interaction: Interaction) -> Message:
    """The message that answers it."""
    assert interaction.message is not None, interaction.describe()
    return interaction.message


def is_final(interaction: Interaction) -> bool:
    """Whether the answer is final: a running job has its button."""
    message = interaction.message
    return message is not None and not message.loading and "Cancel" not in message.buttons()


async def ask(
    user: User,
    command: str,
    options: dict[str, Any] | None = None,
    /,
    *,
    channel: Channel | None = None,
    seconds: float = 30,
    **arguments: Any,
) -> Message:
    """Run a command to its end; returns the answer."""
    seen = await user.command(command, options or {}, channel=channel, **arguments)
    await seen.wait(is_final, seconds)
    return shown(seen)


async def until(interaction: Interaction, text: str, seconds: float = 20) -> Message:
    """Wait until the answer says something."""
    await interaction.wait(lambda one: text in shown(one).content, seconds)
    return shown(interaction)
