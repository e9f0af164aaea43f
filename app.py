"""Spacebot: any Gradio Space becomes slash commands in a Discord server."""

import argparse
import logging
import os
import queue
import signal
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from dotenv import find_dotenv, load_dotenv

from spacebot import __version__, lazy_imports, log
from spacebot.engine.store import DataFolder, check_database, sqlite_file
from spacebot.errors import SettingsError
from spacebot.settings import Settings, space_sources

# The commands to offer if SPACES is not set. An entry names a Space, and optionally an endpoint,
# the command's name and description, fixed values for some parameters, and where the answer
# goes: "channel", "thread" or "private". If the list is empty, the embedded Space is offered.
#
#     {
#         "space": "huggingface-projects/transformers-musicgen",
#         "endpoint": "/predict",
#         "name": "musicgen",
#         "description": "Compose music from a description",
#         "fixed": {"seed": 42},
#         "answer": "thread",
#     },
#
# For an app with a login, add "auth": ["user", "password"]. "nsfw": True limits a command to
# age-restricted channels; for Spaces that Hugging Face tags not-for-all-audiences, this is
# automatic.
COMMANDS: list[dict] = []


def main(arguments: Sequence[str] = ()) -> int:
    """Start the bot in a background thread and the page in this one; stop on a signal."""
    parser().parse_args(arguments)
    # Beside this file in a clone; an installed program reads the folder where it is started.
    beside = Path(__file__).with_name(".env")
    load_dotenv(beside if beside.is_file() else find_dotenv(usecwd=True))
    # Members' attachments and results must not be readable by other users of this machine.
    os.umask(0o077)
    try:
        settings = Settings.from_environ(os.environ)
        spaces = space_sources(settings, COMMANDS)
        check_database(settings.database_url)
        folder = DataFolder(settings.data_dir, sqlite_file(settings.database_url))
        folder.prepare()
    except SettingsError as error:
        say(str(error))
        return 2
    # Importing gradio takes seconds, reads gradio's own settings, and causes warnings.
    warnings.filterwarnings("ignore", "The 'alias' attribute with value 'path'")
    lazy_imports.install()
    from spacebot import web, zerogpu
    from spacebot.runtime import Runtime, longest_stop

    passwords = [source.auth[1] for source in spaces if source.auth]
    book = log.start_logging(settings.log_level, [*settings.secrets, *passwords])
    # They would log the address of every request.
    for library in ("httpx", "httpx2"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # A process that was told to stop may still be running. On Hugging Face the old process runs
    # until the new one answers, so there the page is served meanwhile and says what it waits for.
    if not settings.space_id and not folder.lock(longest_stop(settings)):
        say(str(folder.in_use()))
        return 2
    signals = Signals()
    zerogpu.register()
    runtime = Runtime(settings, spaces, log=book.text, folder=folder)
    runtime.start()
    try:
        served = web.serve(
            runtime,
            settings.gradio_server_name,
            settings.gradio_server_port,
            access=web.OwnerAccess.from_settings(settings),
        )
        logging.getLogger("spacebot").info("the page is at %s", served.url)
        signals.wait()
        say(stop_message(settings.stop_seconds))
        # The page outlives the jobs, so that the try-out's visitors are told.
        runtime.stop()
        served.close()
        say("Spacebot has stopped.")
    except OSError:
        say(port_taken_message(settings))
        return 2
    finally:
        runtime.stop()
    return 0


class Signals:
    """SIGTERM and SIGINT: the first ends `wait`, the second ends the process at once."""

    def __init__(self) -> None:
        # A handler may interrupt anything. Only this way of waking a thread allows that: the
        # interrupted code may hold the lock of a `threading.Event`.
        self._asked: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._count = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._handle)

    def _handle(self, number: int, _: FrameType | None) -> None:
        self._count += 1
        if self._count > 1:
            os.write(2, b"Stopped at once.\n")
            os._exit(128 + number)
        self._asked.put(number)

    def wait(self) -> None:
        """Wait for the first signal."""
        self._asked.get()


def parser() -> argparse.ArgumentParser:
    """The command line: everything else is a setting."""
    made = argparse.ArgumentParser(
        description="Run Spacebot: Gradio Spaces as slash commands in Discord, and a status page.",
        epilog="Settings are environment variables, or lines of the file .env; .env.example "
        "explains each. Ctrl+C stops Spacebot; a second Ctrl+C stops it at once.",
    )
    made.add_argument("--version", action="version", version=f"Spacebot {__version__}")
    return made


def say(text: str) -> None:
    """Print a line for the person at the terminal, whatever LOG_LEVEL is."""
    print(text, file=sys.stderr, flush=True)


def stop_message(seconds: int) -> str:
    """What stopping waits for."""
    return f"Stopping: running jobs have {seconds} s to finish. Press Ctrl+C again to stop at once."


def port_taken_message(settings: Settings) -> str:
    """The message for a page that cannot listen."""
    return (
        f"GRADIO_SERVER_PORT: {settings.gradio_server_port} cannot be used. Accepted: a port that "
        "no other program listens on, at an address of this machine (GRADIO_SERVER_NAME is "
        f"{settings.gradio_server_name})."
    )


def run() -> None:
    """Start the program, and end the process with its exit code."""
    code = main(sys.argv[1:])
    logging.shutdown()
    # A thread that waits for a silent Space would delay the end by a minute.
    os._exit(code)


if __name__ == "__main__":
    run()
