"""What outlives a restart: every job, written down before work begins, every conversation,
and every automation.

The only importer of the database.

SQLite under DATA_DIR through SQLAlchemy and aiosqlite; DATABASE_URL can name
another database. Writes that come at the same time are one transaction, so that
hundreds of jobs at once cost one commit. DATA_DIR belongs to one process at a time.
"""

from spacebot.errors import NewerDatabase, StoreError
from spacebot.store.automations import Automation, Automations
from spacebot.store.chats import Chats, Conversation, Turn, TurnState
from spacebot.store.engine import check_database
from spacebot.store.folder import DataFolder
from spacebot.store.opening import open_store
from spacebot.store.store import Record, Store
from spacebot.store.tables import State

__all__ = [
    "Automation",
    "Automations",
    "Chats",
    "Conversation",
    "DataFolder",
    "NewerDatabase",
    "Record",
    "State",
    "Store",
    "StoreError",
    "Turn",
    "TurnState",
    "check_database",
    "open_store",
]
