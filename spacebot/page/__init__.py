"""The page: how everything stands, the setup guide, the owner's view, and the try-out."""

from spacebot.page.access import Access
from spacebot.page.house import House
from spacebot.page.server import Served, build, serve

__all__ = ["Access", "House", "Served", "build", "serve"]
