"""Spacebot: any Gradio Space becomes slash commands in a Discord server."""

import logging
import os
import signal
import sys
import threading
import warnings

from dotenv import load_dotenv

from spacebot import logbook
from spacebot.errors import SettingsError
from spacebot.settings import Settings, sources
from spacebot.store import DataFolder, check_database

# The commands to offer, where SPACES is not set. One entry names a Space, and optionally an
# endpoint, the command's name and description, fixed values for some parameters, and where
# the answer goes: "channel", "thread" or "private". With none, the embedded Space is offered.
#
#     {
#         "space": "huggingface-projects/transformers-musicgen",
#         "endpoint": "/predict",
#         "name": "musicgen",
#         "description": "Compose music from a description",
#         "fixed": {"seed": 42},
#         "answer": "thread",
#     },
COMMANDS: list[dict] = []


def main() -> int:
    """Start the bot in a background thread and the page in this one; stop on a signal."""
    load_dotenv()
    # What members attach, and what they are given, is nobody else's on this machine.
    os.umask(0o077)
    try:
        settings = Settings.from_environ(os.environ)
        spaces = sources(settings, COMMANDS)
        folder = DataFolder(settings.data_dir)
        folder.prepare()
        check_database(settings.database_url)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    # Importing gradio takes seconds, reads its settings itself, and warns of its own doings.
    warnings.filterwarnings("ignore", "The 'alias' attribute with value 'path'")
    from spacebot import page, zerogpu
    from spacebot.runtime import CLOSE, TELL, Runtime

    book = logbook.start(settings.log_level, settings.secrets)
    # They would log the address of every request.
    for library in ("httpx", "httpx2"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # A process that was told to stop may still be at it. On Hugging Face the old one goes on
    # until this one answers, so there the page is served meanwhile, and says what it waits for.
    if not settings.space_id and not folder.lock(settings.stop_seconds + TELL + CLOSE):
        print(folder.in_use(), file=sys.stderr)
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    zerogpu.register()
    runtime = Runtime(settings, spaces, log=book.text, folder=folder)
    runtime.start()
    try:
        served = page.serve(
            runtime,
            settings.gradio_server_name,
            settings.gradio_server_port,
            access=page.Access.of(settings),
        )
        logging.getLogger("spacebot").info("the page is at %s", served.url)
        stop.wait()
        served.close()
    except OSError:
        print(taken(settings), file=sys.stderr)
        return 2
    finally:
        runtime.stop()
    return 0


def taken(settings: Settings) -> str:
    """What to say when the page cannot listen."""
    return (
        f"GRADIO_SERVER_PORT: {settings.gradio_server_port} cannot be used. Accepted: a port that "
        "no other program listens on, at an address of this machine (GRADIO_SERVER_NAME is "
        f"{settings.gradio_server_name})."
    )


def run() -> None:
    """Start the program, and end the process with its exit code."""
    code = main()
    logging.shutdown()
    # A thread that waits for a silent Space would hold up the end for a minute.
    os._exit(code)


if __name__ == "__main__":
    run()
