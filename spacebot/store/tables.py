"""The tables, as they are now; `migrations` says how a database gets there."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("api_name", sa.Text, nullable=False),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("mention", sa.Text, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("given", sa.JSON, nullable=False),
    sa.Column("place", sa.JSON, nullable=False),
    sa.Column("result", sa.JSON),
    sa.Column("conversation", sa.Text),
    sa.Column("created", sa.Float, nullable=False, index=True),
    sa.Column("ended", sa.Float),
    sa.Column("message", sa.Text, index=True),
    sa.Column("chain", sa.JSON),
)
conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("api_name", sa.Text, nullable=False),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("mention", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("guild", sa.Text),
    sa.Column("addressed", sa.Boolean, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("session", sa.String(32), nullable=False),
    sa.Column("process", sa.Text),
    sa.Column("given", sa.JSON, nullable=False),
    sa.Column("history", sa.JSON),
    sa.Column("before", sa.JSON),
    sa.Column("answer", sa.JSON, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("used", sa.Float, nullable=False, index=True),
    sa.Column("ended", sa.Float),
)
turns = sa.Table(
    "turns",
    metadata,
    sa.Column("job", sa.String(12), primary_key=True),
    sa.Column("conversation", sa.String(12), nullable=False, index=True),
    sa.Column("user", sa.Text, nullable=False),
    sa.Column("mention", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("message", sa.Text),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("files", sa.JSON, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("answer_files", sa.JSON, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
)
chosen_chats = sa.Table(
    "chosen_chats",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("api_name", sa.Text, nullable=False),
)
automations = sa.Table(
    "automations",
    metadata,
    sa.Column("id", sa.String(8), primary_key=True),
    sa.Column("guild", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("maker", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("setting", sa.Text, nullable=False),
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("api_name", sa.Text, nullable=False),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("given", sa.JSON, nullable=False),
    sa.Column("answer", sa.String(16), nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("rate", sa.Integer, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("problem", sa.Text, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("due", sa.Float),
    sa.Column("created", sa.Float, nullable=False),
)
schema_version = sa.Table("schema_version", metadata, sa.Column("version", sa.Integer))
