"""ZeroGPU hardware, the only kind on which a free account can host a Gradio Space."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr


def register() -> bool:
    """Register what ZeroGPU requires of an app; returns whether Hugging Face's package `spaces`
    exists.

    Without a function decorated with `@spaces.GPU`, a Space on that hardware is stopped: "No
    @spaces.GPU function detected during startup". On other hardware this does nothing.
    """
    try:
        import spaces
    except ImportError:
        return False
    spaces.GPU(_unused)
    if hasattr(gr.Blocks.launch, "__wrapped__"):
        gr.Blocks.launch = _in_turn(gr.Blocks.launch)
    return True


def _unused() -> None:
    """Never called: the work happens on the Spaces that the commands name."""


def _in_turn(reporting: Callable[..., Any]) -> Callable[..., Any]:
    """The first launch reports the app to ZeroGPU, which accepts a single report.

    The embedded Space and the page are launched from two threads, at about the same time.
    """
    lock = threading.Lock()

    @wraps(reporting)
    def launch(*args: Any, **named: Any) -> Any:
        with lock:
            # `spaces` restores gradio's own launch once it has reported.
            first = gr.Blocks.launch is launch
            return (reporting if first else gr.Blocks.launch)(*args, **named)

    return launch
