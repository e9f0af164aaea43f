"""The current tables; `migrations` says how a database gets there."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from spacebot.engine.store.database import clean
from spacebot.models import ChatTurn, MessageRef

metadata = sa.MetaData()
# How many rows one statement may delete or name: PostgreSQL accepts 32,767 values in one, and other
# writes wait for it.
BATCH_ROWS = 500


class RecordState:
    """How far a stored job is.

    WAITING: not sent to the Space, so it is safe to run again. SENT: it may have run. POSTING: its
    private answer is being posted, and may have arrived. An ended job has a `models.Ending`
    instead.
    """

    WAITING = "waiting"
    SENT = "sent"
    POSTING = "posting"
    UNFINISHED = (WAITING, SENT, POSTING)


class CleanText(sa.TypeDecorator[str]):
    """Text that every database accepts (see `database.clean`)."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """Clean values that are written or compared."""
        del dialect
        return value if value is None else clean(value)


class StoredObject(sa.TypeDecorator[Any]):
    """An object stored as JSON."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        """Turn it into JSON."""
        del dialect
        return None if value is None else value.to_json()

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Compare a part of the JSON as JSON."""
        return self.impl_instance.coerce_compared_value(op, value)


class StoredMessageRef(StoredObject):
    """A message reference, as written by this version or an earlier one."""

    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> MessageRef:
        """Read it from JSON."""
        del dialect
        return MessageRef.from_json(value or {})


class StoredTurn(StoredObject):
    """A turn of a conversation."""

    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> ChatTurn | None:
        """Read it from JSON."""
        del dialect
        return None if value is None else ChatTurn.from_json(value)


class AutomationId(sa.ColumnElement[str]):
    """The id in a job's message reference of the automation that ran it.

    In literals, so that a database sees that an index fits. What is not JSON has none; SQLite
    would refuse to index it.
    """

    inherit_cache = True
    type = sa.Text()


@compiles(AutomationId, "sqlite")
def _in_sqlite(*_: Any, **__: Any) -> str:
    return "CASE WHEN json_valid(place) THEN json_extract(place, '$.automation') END"


@compiles(AutomationId, "postgresql")
def _in_postgresql(*_: Any, **__: Any) -> str:
    return "place ->> 'automation'"


jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("space", CleanText, nullable=False),
    sa.Column("api_name", CleanText, nullable=False),
    sa.Column("command", CleanText, nullable=False),
    sa.Column("user", CleanText, nullable=False),
    sa.Column("mention", CleanText, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("given", sa.JSON, key="arguments", nullable=False),
    sa.Column("place", StoredMessageRef, key="message_ref", nullable=False),
    sa.Column("result", sa.JSON),
    sa.Column("conversation", CleanText),
    sa.Column("created", sa.Float, nullable=False, index=True),
    sa.Column("ended", sa.Float),
    sa.Column("message", CleanText, index=True),
    sa.Column("chain", sa.JSON),
    sa.Column("page_ran", sa.JSON),
    sa.Column("account", CleanText),
    sa.Column("chat", sa.String(12), index=True),
    sa.Column("turn", StoredTurn),
    sa.Column("process", sa.Integer),
)
# Rows that have not ended, written as literals so that the database can see its index fits.
unfinished = jobs.c.state.in_([sa.literal_column(f"'{name}'") for name in RecordState.UNFINISHED])
# A restart looks for them: a few rows among a million.
sa.Index(
    "ix_jobs_unfinished",
    jobs.c.created,
    sqlite_where=unfinished,
    postgresql_where=unfinished,
)
run_by_automation = AutomationId() != sa.literal_column("''")
# A start asks for the newest ones.
sa.Index(
    "ix_jobs_automation",
    jobs.c.created,
    sqlite_where=run_by_automation,
    postgresql_where=run_by_automation,
)
conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("space", CleanText, nullable=False),
    sa.Column("api_name", CleanText, nullable=False),
    sa.Column("command", CleanText, nullable=False),
    sa.Column("user", CleanText, nullable=False),
    sa.Column("mention", CleanText, nullable=False),
    sa.Column("channel", CleanText, nullable=False),
    sa.Column("guild", CleanText),
    sa.Column("addressed", sa.Boolean, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("session", sa.String(32), nullable=False),
    sa.Column("process", CleanText),
    sa.Column("given", sa.JSON, key="arguments", nullable=False),
    sa.Column("history", sa.JSON),
    sa.Column("before", sa.JSON),
    sa.Column("answer", sa.JSON, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("used", sa.Float, nullable=False, index=True),
    sa.Column("ended", sa.Float),
    sa.Column("account", CleanText),
)
going_on = conversations.c.ended.is_(None)
# The rest stay for good, and are many.
sa.Index(
    "ix_conversations_going_on",
    conversations.c.used,
    conversations.c.id,
    sqlite_where=going_on,
    postgresql_where=going_on,
)
chosen_chats = sa.Table(
    "chosen_chats",
    metadata,
    sa.Column("channel", CleanText, primary_key=True),
    sa.Column("space", CleanText, nullable=False),
    sa.Column("api_name", CleanText, nullable=False),
)
automations = sa.Table(
    "automations",
    metadata,
    sa.Column("id", sa.String(8), primary_key=True),
    sa.Column("guild", CleanText, nullable=False),
    sa.Column("channel", CleanText, nullable=False),
    sa.Column("maker", CleanText, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("setting", CleanText, nullable=False),
    sa.Column("space", CleanText, nullable=False),
    sa.Column("api_name", CleanText, nullable=False),
    sa.Column("command", CleanText, nullable=False),
    sa.Column("given", sa.JSON, key="arguments", nullable=False),
    sa.Column("answer", sa.String(16), nullable=False),
    sa.Column("target", CleanText, nullable=False),
    sa.Column("rate", sa.Integer, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("problem", CleanText, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("due", sa.Float),
    sa.Column("created", sa.Float, nullable=False),
)
# Descriptions of Spaces that no setting names.
space_descriptions = sa.Table(
    "space_descriptions",
    metadata,
    sa.Column("space", CleanText, primary_key=True),
    sa.Column("account", sa.String(32), primary_key=True),
    sa.Column("packed", sa.LargeBinary, nullable=False),
    sa.Column("read", sa.Float, nullable=False),
    sa.Column("used", sa.Float, nullable=False, index=True),
)
# The Spaces ("owner/name") and authors ("owner") that the bot's owner has blocked. `hub_id` is
# what the Hub identifies a Space by, which a new name does not change.
blocked_spaces = sa.Table(
    "blocked_spaces",
    metadata,
    sa.Column("name", CleanText, primary_key=True),
    sa.Column("hub_id", CleanText),
)
accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("key", CleanText, primary_key=True),
    sa.Column("name", CleanText, nullable=False),
    sa.Column("role", CleanText, nullable=False),
    sa.Column("maker", CleanText, nullable=False),
    sa.Column("sealed", CleanText, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
)
# What servers added. `payload` is the command in Discord's format, as compressed JSON.
server_spaces = sa.Table(
    "server_spaces",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("guild", CleanText, nullable=False),
    sa.Column("name", CleanText, nullable=False),
    sa.Column("space", CleanText, nullable=False, index=True),
    sa.Column("adder", CleanText, nullable=False),
    sa.Column("endpoint", CleanText),
    sa.Column("description", CleanText, nullable=False),
    sa.Column("answer", sa.String(16), nullable=False),
    sa.Column("nsfw", sa.Boolean, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("title", CleanText, nullable=False),
    sa.Column("chats", sa.Boolean, nullable=False),
    sa.Column("problem", CleanText, nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),
    sa.Column("read", sa.Float, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("hub_id", CleanText),
    sa.UniqueConstraint("guild", "name"),
)
# Spaces are found in whatever case their name was written.
sa.Index("ix_server_spaces_lower", sa.func.lower(server_spaces.c.space))
sa.Index(
    "ix_server_spaces_chats",
    server_spaces.c.id,
    # As SQLAlchemy writes it in a query.
    sqlite_where=sa.text("chats = 1"),
    postgresql_where=server_spaces.c.chats,
)
guild_commands = sa.Table(
    "guild_commands",
    metadata,
    sa.Column("guild", CleanText, primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("commands", sa.JSON, nullable=False),
    sa.Column("created", sa.JSON, nullable=False),
    sa.Column("pending", sa.Boolean, nullable=False),
    sa.Column("registered", sa.Float, nullable=False),
)
server_limits = sa.Table(
    "server_limits",
    metadata,
    sa.Column("guild", CleanText, primary_key=True),
    sa.Column("member_jobs", sa.Integer),
    sa.Column("role_jobs", sa.JSON, nullable=False),
    sa.Column("running", sa.Integer),
    sa.Column("waiting", sa.Integer),
    sa.Column("chat_channels", sa.JSON, nullable=False),
    sa.Column("run_access", CleanText, nullable=False),
    sa.Column("blocked_members", sa.JSON, nullable=False),
    sa.Column("blocked_words", sa.JSON, nullable=False),
    sa.Column("log_channel", CleanText, nullable=False),
    sa.Column("log_prompts", sa.Boolean, nullable=False),
    sa.Column("log_maker", CleanText, nullable=False),
)
# What each job counts as against its member's limit of a day, if the server sets one. The jobs
# themselves are stored for as long as the owner wants, which may be less than a day.
counted_jobs = sa.Table(
    "counted_jobs",
    metadata,
    sa.Column("guild", CleanText, primary_key=True),
    sa.Column("user", CleanText, primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True, index=True),
    sa.Column("job", sa.String(12), primary_key=True),
    sa.Column("jobs", sa.Integer, nullable=False),
)
# The results that members starred. Their jobs are stored as long.
favourites = sa.Table(
    "favourites",
    metadata,
    sa.Column("user", CleanText, primary_key=True),
    sa.Column("job", sa.String(12), primary_key=True, index=True),
    sa.Column("created", sa.Float, nullable=False),
)
# Commands with their values, which members ("user:<id>") and servers ("guild:<id>") use again.
presets = sa.Table(
    "presets",
    metadata,
    sa.Column("owner", CleanText, primary_key=True),
    sa.Column("key", CleanText, primary_key=True),
    sa.Column("name", CleanText, nullable=False),
    sa.Column("space", CleanText, nullable=False),
    sa.Column("api_name", CleanText, nullable=False),
    sa.Column("command", CleanText, nullable=False),
    sa.Column("given", sa.JSON, key="arguments", nullable=False),
    sa.Column("nsfw", sa.Boolean, nullable=False),
    sa.Column("maker", CleanText, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
)
# The processes that share the database. A dead process is deleted by another; from then on its
# shards and jobs are free.
processes = sa.Table(
    "processes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("host", CleanText, nullable=False),
    sa.Column("version", CleanText, nullable=False),
    sa.Column("shards", sa.JSON, nullable=False),
    sa.Column("servers", sa.Integer, nullable=False),
    sa.Column("running", sa.Integer, nullable=False),
    sa.Column("waiting", sa.Integer, nullable=False),
    sa.Column("stopping", sa.Boolean, nullable=False),
    sa.Column("started", sa.Float, nullable=False),
    sa.Column("seen", sa.Float, nullable=False),
)
# The shards of the bot: which process holds each, and the gateway session that the last one
# left for the next to resume.
shards = sa.Table(
    "shards",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("process", sa.Integer),
    sa.Column("session", sa.JSON(none_as_null=True)),
)
schema_version = sa.Table("schema_version", metadata, sa.Column("version", sa.Integer))

# A member browses their own jobs, newest first.
sa.Index("ix_jobs_user_created", jobs.c.user, jobs.c.created)


def by_key(row: sa.Row[Any], table: sa.Table) -> dict[str, Any]:
    """A row's values by its columns' keys, which are the fields of a record."""
    return {column.key: row._mapping[column] for column in table.c}


def as_row(record: Any) -> dict[str, Any]:
    """A record's values by the keys of its table's columns."""
    return {column.name: getattr(record, column.name) for column in fields(record)}
