"""Opening a database, and translating its errors."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from spacebot.errors import DiskFull, SettingsError, StoreError

log = logging.getLogger(__name__)

# How long to wait for a PostgreSQL connection, and for one statement, in seconds.
CONNECT_TIMEOUT, STATEMENT_TIMEOUT = 10, 60
# SQLite's name for a file that returns free pages step by step.
INCREMENTAL = 2
# SQLSTATE classes about the server or the connection, never about a row.
OUTAGE_SQLSTATES = {"08", "25", "53", "57", "58"}
DATABASE_UNREACHABLE = "The bot cannot reach its database. Try again in a minute."


def make_engine(url: str, *, alone: bool = False) -> AsyncEngine:
    """The engine for a database; raises `SettingsError` if its driver is missing."""
    try:
        parsed = sa.make_url(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"pool_size": 1, "max_overflow": 0} if alone else {}
        if not is_sqlite:
            # A connection may have closed since, for example when the server restarted.
            options["pool_pre_ping"] = True
        if parsed.drivername == "postgresql+asyncpg":
            options["connect_args"] = {
                "timeout": CONNECT_TIMEOUT,
                "command_timeout": STATEMENT_TIMEOUT,
            }
        engine = create_async_engine(parsed, json_serializer=to_json, **options)
    except ImportError as error:
        raise SettingsError(
            f"DATABASE_URL: its driver is missing ({error.name}). For PostgreSQL: "
            "pip install -r requirements-postgres.txt"
        ) from error
    except (ArgumentError, ValueError) as error:
        raise SettingsError(
            "DATABASE_URL: this value cannot be used. Accepted: a database as SQLAlchemy "
            "names it, with an asynchronous driver, like postgresql+asyncpg://user@host/name."
        ) from error
    if is_sqlite:
        event.listen(engine.sync_engine, "connect", _tune_alone if alone else _tune_sqlite)
        _make_private(parsed.database)
    return engine


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database; None for other databases, or without a URL."""
    parsed = sa.make_url(url) if url else None
    if parsed is None or parsed.get_backend_name() != "sqlite":
        return None
    return Path(parsed.database) if parsed.database not in (None, "", ":memory:") else None


def make_session_engine(url: str, *, vanished_after: float) -> AsyncEngine:
    """An engine for one long session with PostgreSQL, in which each statement is a transaction.

    The server ends it so many seconds after it last heard of this machine.
    """
    options: dict[str, Any] = {}
    if sa.make_url(url).drivername == "postgresql+asyncpg":
        idle, milliseconds = max(1, round(vanished_after) - 3), round(vanished_after * 1000)
        options["connect_args"] = {
            "timeout": vanished_after,
            "server_settings": {
                "tcp_keepalives_idle": str(idle),
                "tcp_keepalives_interval": "1",
                "tcp_keepalives_count": "3",
                "tcp_user_timeout": str(milliseconds),
                "application_name": "spacebot",
            },
        }
    return create_async_engine(
        url, json_serializer=to_json, poolclass=NullPool, isolation_level="AUTOCOMMIT", **options
    )


def check_database(url: str) -> None:
    """Raise `SettingsError` if DATABASE_URL can never work."""
    if url:
        make_engine(url)


def _make_private(file: str | None) -> None:
    """Create a database file that only its owner can read; SQLite's other files copy its mode."""
    if file and file != ":memory:":
        try:
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
            Path(file).chmod(0o600)
        except OSError as error:
            log.info("%s is not made private: %s", file, error)


def _tune_alone(connection: Any, _: Any) -> None:
    """Allow no second connection, and use no memory shared with another process."""
    _pragmas(connection, "locking_mode=EXCLUSIVE", "journal_mode=TRUNCATE", "synchronous=FULL")


def _tune_sqlite(connection: Any, _: Any) -> None:
    """Let readers work beside the writer, and have a commit survive the death of the process."""
    _pragmas(connection, "journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000")


def _pragmas(connection: Any, *pragmas: str) -> None:
    # This must precede the first table, or SQLite needs a VACUUM. Setting it again, even to the
    # same value, would wait for the current writer.
    if connection.execute("PRAGMA auto_vacuum").fetchone() != (INCREMENTAL,):
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


def to_json(value: Any) -> str:
    """JSON that every database accepts and can search: no NUL, lone surrogates or NaN."""
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_cleaned(value))
    # Escaped, a surrogate begins with \ud. Emoji, which are pairs, cause a check for nothing.
    return json.dumps(_cleaned(value)) if "\\u0000" in text or "\\ud" in text else text


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {clean(str(key)): _cleaned(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(one) for one in value]
    return value


def clean(text: str) -> str:
    """Text without NUL and lone surrogates, which UTF-8 or PostgreSQL cannot store."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def as_store_error(error: BaseException) -> StoreError:
    """Translate a database's error into ours, with a sentence for the person who waits."""
    if isinstance(error, StoreError):
        return error
    if is_full(error):
        full = DiskFull()
        full.__cause__ = error
        return full
    state = _sqlstate(error)
    if _sqlite_name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        text = "Another process holds the bot's database. Try again in a minute."
    elif state.startswith("28"):
        text = "The database refuses the user or the password in DATABASE_URL."
    elif state == "3D000":
        text = "The database that DATABASE_URL names does not exist."
    elif is_outage(error):
        text = DATABASE_UNREACHABLE
    else:
        text = "The bot could not save this. Its log has the details."
    found = StoreError(text)
    found.__cause__ = error
    return found


def is_full(error: BaseException) -> bool:
    """Whether the database's disk is full."""
    return _sqlite_name(error) == "SQLITE_FULL" or _sqlstate(error) == "53100"


def is_outage(error: BaseException) -> bool:
    """Whether an error concerns the database as a whole, rather than the data written."""
    if isinstance(error, OSError | asyncio.TimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return _sqlstate(error)[:2] in OUTAGE_SQLSTATES
    if state := _sqlstate(error):
        return error.connection_invalidated or state[:2] in OUTAGE_SQLSTATES
    # SQLite's SQLITE_ERROR is about the statement: malformed JSON, too many values.
    about_statement = _sqlite_name(error) == "SQLITE_ERROR"
    return error.connection_invalidated or (
        isinstance(error, OperationalError) and not about_statement
    )


def _sqlstate(error: BaseException) -> str:
    """PostgreSQL's code, also of errors raised before SQLAlchemy could translate them."""
    found = getattr(error, "orig", None) or error
    return str(getattr(found, "sqlstate", None) or "")


def _sqlite_name(error: BaseException) -> str:
    return str(getattr(getattr(error, "orig", None), "sqlite_errorname", None) or "")
