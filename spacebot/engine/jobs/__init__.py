"""Jobs: admission, running, progress, cancelling, storing. Knows nothing of Discord.

`JobManager.start` returns a `JobHandle`, over which both Discord code and the page iterate, so a
slash command and the page's try-out take the same path.
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
