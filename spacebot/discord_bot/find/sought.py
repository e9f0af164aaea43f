"""What a member looks for, as Discord gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import discord

from spacebot.discord_bot.delivery.attachments import pending_file
from spacebot.engine import recipes
from spacebot.engine.space_finder import Wish
from spacebot.models import Endpoint, File


@dataclass(frozen=True, slots=True)
class Sought:
    """A wish, with the file that it is about, or the text that is to be worked on.

    Without a text, the wish itself is the prompt.
    """

    wish: str
    file: File | None = None
    text: str = ""

    @classmethod
    def of(cls, wish: str, thing: discord.Attachment | File | str | None) -> Sought:
        """A wish about an attachment, a file or a text."""
        if isinstance(thing, str):
            return cls(wish, text=thing)
        return cls(wish, pending_file(thing) if isinstance(thing, discord.Attachment) else thing)

    @property
    def for_finder(self) -> Wish:
        """What the finder needs of it."""
        if self.file is None:
            return Wish(self.wish)
        return Wish(self.wish, self.file.name, self.file.mime)

    @property
    def prompt(self) -> str:
        """What an option for a text is filled with."""
        return self.text or self.wish

    def arguments(self, endpoint: Endpoint) -> dict[str, Any]:
        """What an endpoint's form is filled with."""
        filled: dict[str, Any] = {}
        if self.file and (option := recipes.file_option(endpoint, self.file.name, self.file.mime)):
            filled[option] = self.file
        if option := recipes.text_option(endpoint):
            filled[option] = self.prompt
        return filled
