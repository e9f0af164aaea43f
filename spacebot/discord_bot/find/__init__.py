"""`/find`: finds commands and Spaces for what a member wants to do, and tries one of them."""

from spacebot.discord_bot.find.find import FIND, Find
