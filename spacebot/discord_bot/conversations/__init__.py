"""Conversations: chats of Spaces as threads, direct messages and mentions.

`ConversationRouter` begins them and hears what is said; `Conversations` keeps them, one question
of each at a time (`lines`); a `ChatSurface` shows its answer as it grows, in a
`MessageStream`. What is sent and what comes back is data (`talk`).
"""

from spacebot.discord_bot.conversations.buttons import CHAT_BUTTONS
from spacebot.discord_bot.conversations.router import ConversationRouter
