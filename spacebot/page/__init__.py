"""The page: how everything stands, and the try-out of the commands without Discord."""

from spacebot.page.house import House
from spacebot.page.server import Served, add_routes, build, launch_options, serve

__all__ = ["House", "Served", "add_routes", "build", "launch_options", "serve"]
