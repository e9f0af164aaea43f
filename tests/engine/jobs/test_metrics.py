"""What is counted, however many Spaces members bring."""

from __future__ import annotations

import re

from spacebot.engine.jobs.metrics import MAX_SPACES, OTHERS, JobMetrics
from spacebot.models import JobEnding


def test_the_spaces_of_members_have_a_bounded_number_of_counts():
    metrics = JobMetrics(own={"owner/own"})
    for number in range(3 * MAX_SPACES):
        metrics.ended(f"guest/{number}", JobEnding.DONE)
        metrics.took(f"guest/{number}", JobEnding.DONE, waited=0.0, ran=1.0, posted=0.0)
    metrics.ended("owner/own", JobEnding.DONE)
    assert metrics.timings("owner/own").done == 1
    assert metrics.timings("guest/0").done == 1
    assert metrics.timings(OTHERS).done == 2 * MAX_SPACES
    assert metrics.count(JobEnding.DONE) == 3 * MAX_SPACES + 1
    named = set(re.findall(r'space="([^"]+)"', metrics.text().decode()))
    assert len(named) == MAX_SPACES + 2
