"""What outlives a restart: every job, written down before work begins, every conversation,
and every automation.

The only importer of the database.

SQLite under DATA_DIR through SQLAlchemy and aiosqlite; DATABASE_URL can name
another database. Writes that come at the same time are one transaction, so that
hundreds of jobs at once cost one commit.
"""

from spacebot.store.automations import Automation, Automations
from spacebot.store.chats import Chats, Conversation, Turn, TurnState
from spacebot.store.store import UNFINISHED, Record, State, Store, StoreError

__all__ = [
    "UNFINISHED",
    "Automation",
    "Automations",
    "Chats",
    "Conversation",
    "Record",
    "State",
    "Store",
    "StoreError",
    "Turn",
    "TurnState",
]
