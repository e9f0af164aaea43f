"""Jobs: admission, running, progress, cancel, what is kept. Knows no Discord.

`JobManager.start` gives a `JobHandle`: Discord code and the page both iterate over it,
so the try-out on the page and a slash command are the same path.
"""

from spacebot.engine.jobs.ending import ending_of
from spacebot.engine.jobs.handle import JobHandle
from spacebot.engine.jobs.manager import JobManager
from spacebot.engine.jobs.queue import JobLimits
from spacebot.engine.jobs.records import (
    SECRET_PLACEHOLDER,
    arguments_of,
    endpoint_stub,
    secrets_of,
    to_job,
    to_record,
    to_stored,
    values_line,
)
from spacebot.engine.jobs.runner import JobDeadlines
