"""What a server's moderators allow: decided in one place, before a job is stored."""

from spacebot.engine.admission.admission import DAY_SECONDS, Admission, Allowance
from spacebot.engine.admission.rules import Ask, check_access

__all__ = ["DAY_SECONDS", "Admission", "Allowance", "Ask", "check_access"]
