"""Which shards of the bot this process holds, and when it may identify them.

Knows nothing of Discord: a `ShardHost` connects the shards that a `Cluster` gives it.
"""

from spacebot.engine.cluster.cluster import Cluster, ShardHost, SingleProcess
from spacebot.engine.cluster.membership import Membership
from spacebot.engine.cluster.opening import leave_seconds, open_cluster
