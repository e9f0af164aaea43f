"""Run a Space that is not a command here: /run, and Try wherever a Space was found."""

from spacebot.discord_bot.run_space.buttons import RUN_SPACE
from spacebot.discord_bot.run_space.command import run_commands
from spacebot.discord_bot.run_space.offer import offer_space
from spacebot.discord_bot.run_space.wishes import Wish, Wishes
