"""Gradio apps for the tests: each module has `build()`; here they are served.

In this process: `with serve("kinds") as url:`. In a process of its own, which can
be killed or stopped: `with spawn("trouble") as app:` or
`python -m tests.support.apps trouble --port 7870`.
"""

from tests.support.apps.serving import Spawned, build, free_port, serve, spawn

__all__ = ["Spawned", "build", "free_port", "serve", "spawn"]
