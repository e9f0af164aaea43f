"""Conversations: chats of Spaces as threads, direct messages and mentions.

`ConversationRouter` starts them and receives their messages; `Conversations` stores them and asks
one question at a time in each (`question_queue`); a `ChatSurface` shows the growing answer in a
`MessageStream`. Questions and answers are data (`transcript`).
"""

from spacebot.discord_bot.conversations.buttons import CHAT_BUTTONS
from spacebot.discord_bot.conversations.router import ConversationRouter
