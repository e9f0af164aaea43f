"""Start the command: `python -m spacebot.deploy owner/name`."""

import sys

from spacebot.deploy.command import main

sys.exit(main(sys.argv[1:]))
