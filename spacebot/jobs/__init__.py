"""Jobs: admission, running, progress, cancel, what is kept. Knows no Discord.

`Jobs.start` gives a `Running`: Discord code and the page both iterate over it,
so the try-out on the page and a slash command are the same path.
"""

from spacebot.jobs.admission import Limits
from spacebot.jobs.ending import ending_of
from spacebot.jobs.jobs import Jobs
from spacebot.jobs.metrics import Timings
from spacebot.jobs.pipeline import Deadlines
from spacebot.jobs.records import SECRET, given_of, kept, restored, secrets_of, to_job
from spacebot.jobs.running import Running

__all__ = [
    "SECRET",
    "Deadlines",
    "Jobs",
    "Limits",
    "Running",
    "Timings",
    "ending_of",
    "given_of",
    "kept",
    "restored",
    "secrets_of",
    "to_job",
]
