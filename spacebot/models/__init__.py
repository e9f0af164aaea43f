"""The program's vocabulary: frozen values that all packages share, without I/O.

A `Source` is what the owner wrote; `schema` turns a Space's own description into a `Space` of
`Endpoint`s; `inputs` turns an endpoint's `Parameter`s into the `Option`s a person fills in; a `Job`
carries their values; while it runs it yields `Progress`, and at its end an `Outcome` of `Reply`s.
"""

from spacebot.models.accounts import NO_ACCOUNT, Account, guild_key, guild_of, user_key
from spacebot.models.cluster import ClusterStatus, GatewaySession, ProcessStatus, shard_of
from spacebot.models.hub import ADULT_TAG, GpuQuota, HubUser, SpaceListing, is_among
from spacebot.models.jobs import (
    AutocompleteRequest,
    ChatTurn,
    File,
    FollowUpChain,
    Job,
    JobEnding,
    JobStage,
    Outcome,
    OutgoingFile,
    Progress,
    Reply,
    Requester,
    Upload,
)
from spacebot.models.message_ref import DEFAULT_FILE_LIMIT, MessageRef
from spacebot.models.spaces import (
    CHAIN_STEP,
    AnswerPlace,
    Choice,
    DeferredValue,
    Endpoint,
    EndpointStep,
    ExcludedEndpoint,
    FollowUp,
    Option,
    OptionType,
    Output,
    PageEvent,
    PageLogic,
    Parameter,
    Source,
    Space,
)
from spacebot.models.status import (
    AddedSpaceStatus,
    BotPhase,
    BotProblem,
    BotStatus,
    CommandStatus,
    HistorySpan,
    JobFailure,
    JobStatus,
    OwnerStatus,
    Reachability,
    ServerSpaceTotals,
    ServerStatus,
    ShardStatus,
    SpaceStatus,
    Status,
)
