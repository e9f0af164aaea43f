"""Everything that outlives a restart: jobs (written before their work begins), conversations,
automations, presets, and the Spaces that servers added.

The only importer of the database. It is SQLite under DATA_DIR, through SQLAlchemy and aiosqlite;
DATABASE_URL can name another database. Writes that arrive at the same time share a transaction, so
hundreds of jobs at once cost one commit. DATA_DIR belongs to one process at a time.
"""

from spacebot.engine.store.accounts import AccountRecord, AccountStore
from spacebot.engine.store.automations import Automation, AutomationStore
from spacebot.engine.store.cluster_session import SESSION_CLOSE, ClusterSession, is_down
from spacebot.engine.store.conversations import Conversation, ConversationStore
from spacebot.engine.store.data_folder import DataFolder
from spacebot.engine.store.database import DATABASE_UNREACHABLE, check_database, clean, sqlite_file
from spacebot.engine.store.descriptions import (
    BlockedSpaceStore,
    DescriptionStore,
    StoredDescription,
)
from spacebot.engine.store.history import HistoryStore, PastJob
from spacebot.engine.store.limits import NOBODY, LimitsStore, ServerLimits
from spacebot.engine.store.opening import open_store
from spacebot.engine.store.presets import MAX_PRESETS, Preset, PresetStore
from spacebot.engine.store.server_spaces import GuildCommands, ServerSpace, ServerSpaceStore
from spacebot.engine.store.store import JobRecord, Store, UnfinishedJob
from spacebot.engine.store.tables import RecordState
from spacebot.errors import NewerDatabase, StoreError
