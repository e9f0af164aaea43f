"""The words of the program: frozen values that every room shares, without I/O.

A `Source` is what the owner wrote; `schema` turns a Space's own description of
it into a `Space` of `Endpoint`s; `inputs` turns an endpoint's `Parameter`s into
the `Option`s a person fills in; a `Job` carries what they gave; while it runs it
yields `Progress`, and at its end an `Outcome` of `Reply`s.
"""

from spacebot.models.jobs import (
    Asker,
    Attached,
    Chain,
    Ending,
    File,
    Job,
    Outcome,
    Progress,
    Reply,
    Stage,
    Upload,
)
from spacebot.models.message_ref import FILE_LIMIT, MessageRef
from spacebot.models.spaces import (
    Answer,
    Choice,
    Endpoint,
    FollowUp,
    Given,
    LeftOut,
    Option,
    OptionType,
    Output,
    Page,
    PageEvent,
    Parameter,
    Source,
    Space,
    Step,
)
from spacebot.models.status import (
    BotPhase,
    BotStatus,
    CommandStatus,
    Failure,
    JobStatus,
    OwnerStatus,
    Reach,
    SpaceStatus,
    Span,
    Status,
    Trouble,
)

__all__ = [
    "FILE_LIMIT",
    "Answer",
    "Asker",
    "Attached",
    "BotPhase",
    "BotStatus",
    "Chain",
    "Choice",
    "CommandStatus",
    "Ending",
    "Endpoint",
    "Failure",
    "File",
    "FollowUp",
    "Given",
    "Job",
    "JobStatus",
    "LeftOut",
    "MessageRef",
    "Option",
    "OptionType",
    "Outcome",
    "Output",
    "OwnerStatus",
    "Page",
    "PageEvent",
    "Parameter",
    "Progress",
    "Reach",
    "Reply",
    "Source",
    "Space",
    "SpaceStatus",
    "Span",
    "Stage",
    "Status",
    "Step",
    "Trouble",
    "Upload",
]
