"""Conversations: chats of Spaces as threads, direct messages and mentions.

`Host` begins them and hears what is said; `Conversations` keeps them, one question
of each at a time (`lines`); `Asking` runs a question as a job and shows its answer
as it grows (`speech`). What is sent and what comes back is data (`talk`).
"""

from spacebot.conversations.buttons import CHAT_BUTTONS
from spacebot.conversations.chat_here import HERE
from spacebot.conversations.host import Host

__all__ = ["CHAT_BUTTONS", "HERE", "Host"]
