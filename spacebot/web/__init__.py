"""The page: the status, the setup guide, the owner's view, and the try-out."""

from spacebot.web.access import OwnerAccess
from spacebot.web.program import Program
from spacebot.web.server import PageServer, build, serve
