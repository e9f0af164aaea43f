"""How long tests wait for what should have happened long before."""

from __future__ import annotations

# A wait names what an idle machine needs at most. CI machines are slower, and run several
# tests at a time; whoever waits in vain only fails later.
PATIENCE = 4
