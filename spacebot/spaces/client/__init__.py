"""The way to the Spaces: connect, session, submit, watch, cancel.

The only importer of gradio_client. It is the way in: connecting, the API
description, uploads and submitting, in an executor of its own. Watching a job is
done on the event loop, one HTTP stream a job and no thread: stock gradio_client
sleeps in two threads a job, in steps of 50 ms (`event_stream`; `legacy` for the
WebSockets of Gradio 3). The first releases of Gradio 4 alone take the stock path (`stock_watch`).
"""

from spacebot.spaces.client.connection import Connection
from spacebot.spaces.client.description_cache import DescriptionCache, SpaceDescription
from spacebot.spaces.client.error_mapping import MEMBER_HAS_NONE, MEMBER_TOKEN
from spacebot.spaces.client.hugging_face import HubClient
from spacebot.spaces.client.run import JobWithdrawn
from spacebot.spaces.client.transport.event_stream import (
    PageEventsRan,
    Partial,
    Result,
    Toast,
    Update,
)
from spacebot.spaces.client.transport.network import Network
from spacebot.spaces.client.transport.rate_limit import retry_after
