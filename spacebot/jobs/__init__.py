"""Jobs: admission, running, progress, cancel. Knows no Discord.

`Jobs.start` gives a `Running`: Discord code and the page both iterate over it,
so the try-out on the page and a slash command are the same path.
"""

from spacebot.jobs.admission import Limits
from spacebot.jobs.running import Jobs, Running

__all__ = ["Jobs", "Limits", "Running"]
