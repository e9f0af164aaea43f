"""How long tests wait for events that should have happened long before."""

from __future__ import annotations

# Each timeout is the most that an idle machine needs. CI machines are slower and run several
# tests at a time; a longer timeout only delays a failure.
PATIENCE = 4
