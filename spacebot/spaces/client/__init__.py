"""Access to Spaces: connect, session, submit, watch, cancel.

The only importer of gradio_client, which connects, reads the API description, uploads and submits,
in the Space's own executor. Jobs are watched on the event loop, with one HTTP stream per job and no
thread: stock gradio_client uses two threads per job that sleep in steps of 50 ms (`event_stream`;
`legacy` for the WebSockets of Gradio 3). Only the first releases of Gradio 4 take the stock path
(`stock_watch`).
"""

from spacebot.spaces.client.connection import Connection
from spacebot.spaces.client.description_cache import DescriptionCache, SpaceDescription
from spacebot.spaces.client.error_mapping import MEMBER_HAS_NONE, MEMBER_TOKEN
from spacebot.spaces.client.hugging_face import HubClient
from spacebot.spaces.client.run import JobWithdrawn
from spacebot.spaces.client.transport.network import Network
from spacebot.spaces.client.transport.rate_limit import retry_after
from spacebot.spaces.client.transport.updates import PageEventsRan, Partial, Result, Toast, Update
