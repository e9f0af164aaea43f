"""The Gradio app that is measured against, on every address of this machine.

`python -m bench.space PORT` serves it until it is killed. On 127.0.0.1 to
127.0.0.17 it stands for that many Spaces.
"""

import os
import sys

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from tests.support.apps import fast

if __name__ == "__main__":
    app = fast.build()
    # Gradio forgets all but the 2,000 newest sessions, those of running jobs too. The sides
    # are measured on one Space, and have more between them.
    app._queue.pending_messages_per_session.max_size = 20_000
    app.launch(
        server_name="0.0.0.0",
        server_port=int(sys.argv[1]),
        quiet=True,
        ssr_mode=False,
        # Gradio runs as many jobs at once as this, whatever an endpoint's own limit.
        max_threads=6000,
    )
