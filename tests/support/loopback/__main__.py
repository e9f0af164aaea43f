"""`python -m tests.support.loopback --port 0 --users 500 --channels 10`: see `control`.

Prints one line of JSON once it listens ({"url", "token", "bootstrap"}), and ends on
SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal

from .control import Control
from .harness import bootstrap_code
from .server import DiscordServer


async def serve(port: int, users: int, channels: int) -> None:
    """Serves until a signal comes."""
    server = DiscordServer(port=port, privileged=("message_content", "members"))
    server.extend = Control(server, users, channels).mount
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        about = {"url": server.base_url, "token": server.token}
        print(json.dumps(about | {"bootstrap": bootstrap_code(server)}), flush=True)
        await stop.wait()


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.loopback")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--channels", type=int, default=2)
    asked = parser.parse_args()
    asyncio.run(serve(asked.port, asked.users, asked.channels))


if __name__ == "__main__":
    main()
