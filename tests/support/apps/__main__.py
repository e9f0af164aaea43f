"""`python -m tests.support.apps NAME [--port N]`: serve a test Space until a signal comes."""

import argparse
import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from tests.support.apps import serving


def main() -> None:
    """Serve the Space that the command line names, and print its address when it answers."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.apps", description=__doc__)
    parser.add_argument("name", help="a module of tests/support/apps, such as kinds")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    asked = parser.parse_args()
    blocks = serving.build(asked.name)
    print(serving.launch(blocks, asked.port or serving.free_port()), flush=True)
    blocks.block_thread()


if __name__ == "__main__":
    main()
