"""The Gradio app that is measured against, on every address of this machine.

`python -m bench.space PORT` serves it until it is killed. On 127.0.0.1 to
127.0.0.17 it stands for that many Spaces.
"""

import os
import sys

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

from tests.spaces import fast

if __name__ == "__main__":
    app = fast.build()
    app.launch(
        server_name="0.0.0.0",
        server_port=int(sys.argv[1]),
        quiet=True,
        ssr_mode=False,
        # Gradio runs as many jobs at once as this, whatever an endpoint's own limit.
        max_threads=2000,
    )
