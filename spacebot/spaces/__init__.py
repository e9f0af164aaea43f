"""The way to the Spaces: connect, session, submit, watch, cancel.

The only importer of gradio_client. It is the way in: connecting, the API
description, uploads and submitting, in an executor of its own. Watching a job is
done on the event loop, one HTTP stream a job and no thread: stock gradio_client
sleeps in two threads a job, in steps of 50 ms (`watch`; `legacy` for the
WebSockets of Gradio 3). The first releases of Gradio 4 alone take the stock path (`stock`).
"""

from spacebot.spaces.connection import (
    Connection,
    PageRan,
    Partial,
    Recalled,
    Result,
    Toast,
    Update,
)
from spacebot.spaces.descriptions import Description, Descriptions
from spacebot.spaces.network import Network
from spacebot.spaces.translate import retry_after

__all__ = [
    "Connection",
    "Description",
    "Descriptions",
    "Network",
    "PageRan",
    "Partial",
    "Recalled",
    "Result",
    "Toast",
    "Update",
    "retry_after",
]
