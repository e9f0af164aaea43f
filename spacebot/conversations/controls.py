"""What sits under an answer: a button's id holds its conversation's, so it outlives a restart."""

from __future__ import annotations

from typing import Any, Protocol, cast

import discord

from spacebot.buttons import ById
from spacebot.store import Conversation

ID = r"(?P<conversation>[0-9a-f]{12})"
STOP = "chat-stop"


class Talks(Protocol):
    """What the buttons need of the conversations."""

    async def stop(self, interaction: discord.Interaction[Any], conversation: str) -> None:
        """Stop the answer that is being given."""
        ...

    async def regenerate(self, interaction: discord.Interaction[Any], conversation: str) -> None:
        """Ask the last question again, in the place of its answer."""
        ...

    async def fork(self, interaction: discord.Interaction[Any], conversation: str) -> None:
        """Go on in a thread of one's own, from here."""
        ...

    async def export(self, interaction: discord.Interaction[Any], conversation: str) -> None:
        """Hand over what was said, as Markdown."""
        ...

    async def enter(self, interaction: discord.Interaction[Any], conversation: str) -> None:
        """Ask for one's own secrets, then ask the last question again."""
        ...

    async def share(self, interaction: discord.Interaction[Any], conversation: str) -> None:
        """Let everybody speak, or only the owner again."""
        ...


class ChatButton(ById, template="^$"):
    """A button that belongs to a conversation."""

    name: str
    label: str
    style = discord.ButtonStyle.secondary

    def __init__(self, conversation: str, label: str | None = None) -> None:
        super().__init__(
            discord.ui.Button(
                label=label or self.label,
                style=self.style,
                custom_id=f"{self.name}:{conversation}",
            )
        )
        self.conversation = conversation

    @staticmethod
    def talks(interaction: discord.Interaction[Any]) -> Talks:
        """The conversations of the bot."""
        return cast(Any, interaction.client).conversations


class Enter(ChatButton, template=rf"chat-enter:{ID}"):
    """Asks the member who presses it for their own secrets, then asks the question again."""

    name, label = "chat-enter", "Enter"
    style = discord.ButtonStyle.primary

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Open the form."""
        await self.talks(interaction).enter(interaction, self.conversation)


class Stop(ChatButton, template=rf"{STOP}:{ID}"):
    """Stops the answer that is being given."""

    name, label = STOP, "Stop"

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Stop it, and say what that did."""
        await self.talks(interaction).stop(interaction, self.conversation)


class Regenerate(ChatButton, template=rf"chat-again:{ID}"):
    """Asks the last question again; the new answer takes the old one's place."""

    name, label = "chat-again", "Regenerate"

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Ask again."""
        await self.talks(interaction).regenerate(interaction, self.conversation)


class Fork(ChatButton, template=rf"chat-fork:{ID}"):
    """Goes on from here in a thread of whoever presses; this one stays as it is."""

    name, label = "chat-fork", "Fork"

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Open the thread."""
        await self.talks(interaction).fork(interaction, self.conversation)


class Export(ChatButton, template=rf"chat-export:{ID}"):
    """Hands over what was said, as a Markdown file that only whoever presses sees."""

    name, label = "chat-export", "Export"

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Hand it over."""
        await self.talks(interaction).export(interaction, self.conversation)


class Share(ChatButton, template=rf"chat-share:{ID}"):
    """Lets everybody speak in the thread, or only its owner again."""

    name, label = "chat-share", "Open to all"
    closing = "Only me"

    async def press(self, interaction: discord.Interaction[Any]) -> None:
        """Open or close it."""
        await self.talks(interaction).share(interaction, self.conversation)


CHAT_BUTTONS: dict[str, type[ChatButton]] = {
    "enter": Enter,
    "stop": Stop,
    "regenerate": Regenerate,
    "fork": Fork,
    "export": Export,
    "share": Share,
}


def stop_view(conversation: str) -> discord.ui.View:
    """The button under an answer that is being given."""
    return _view(Stop(conversation))


def answer_view(conversation: Conversation, *, asks: bool = False) -> discord.ui.View:
    """The buttons under the last answer; the first one `asks` for the member's secrets."""
    mine = conversation.id
    items: list[ChatButton] = [Enter(mine) if asks else Regenerate(mine)]
    if conversation.guild:
        items.append(Fork(mine))
    items.append(Export(mine))
    if conversation.guild and not conversation.addressed:
        items.append(Share(mine, Share.closing if conversation.open else Share.label))
    return _view(*items)


def is_answering(message: discord.Message) -> bool:
    """Whether a message still shows an answer under way."""
    return any(
        isinstance(child, discord.Button) and (child.custom_id or "").startswith(STOP)
        for row in message.components
        if isinstance(row, discord.ActionRow)
        for child in row.children
    )


def _view(*items: ChatButton) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    # Stopped, so that discord.py does not remember it for as long as it lives.
    view.stop()
    return view
