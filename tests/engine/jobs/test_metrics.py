"""The metrics stay bounded, however many Spaces members use."""

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
    assert metrics.count(JobEnding.DONE) == 3 * MAX_SPACES + 1
    text = metrics.text().decode()
    counts = dict(re.findall(r'jobs_total\{outcome="done",space="([^"]+)"\} (\S+)', text))
    assert len(counts) == MAX_SPACES + 2
    assert counts[OTHERS] == str(float(2 * MAX_SPACES))
    assert counts["owner/own"] == counts["guest/0"] == "1.0"
