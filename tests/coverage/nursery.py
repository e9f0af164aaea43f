"""Starts demos quickly: Gradio is imported once, and each demo runs in a fork of that.

It reads {"folder", "port", "log"} in JSON, one a line, and answers with the child's
process id. It runs by the Python that has the demos' own libraries, so it imports
nothing of this project.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from typing import Any

HEAVY = ("gradio", "numpy", "pandas", "matplotlib.pyplot", "uvicorn", "fastapi")


def stay_local() -> None:
    """Fail every connection that leaves this machine, as without a network."""
    connect, lookup = socket.socket.connect, socket.getaddrinfo

    def guarded(sock: socket.socket, address: Any) -> None:
        if sock.family != socket.AF_UNIX and not str(address[0]).startswith(("127.", "::1")):
            raise OSError(101, "Network is unreachable")
        connect(sock, address)

    def local(host: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in (None, "", "localhost", "0.0.0.0") and not name.startswith("127."):
            raise socket.gaierror(socket.EAI_NONAME, f"no network here, not even to {name}")
        return lookup(host, *rest, **named)

    socket.socket.connect = guarded  # type: ignore[method-assign]
    socket.getaddrinfo = local


def run(folder: str, port: int, log: str) -> None:
    """Run a demo as its author would, on this port of loopback alone."""
    os.setsid()
    with contextlib.suppress(OSError):  # PR_SET_PDEATHSIG: it ends with the nursery
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.argv = ["run.py"]
    os.environ |= {
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": f"{folder}/.temporary",
        "MPLBACKEND": "agg",
    }
    stay_local()
    launched = local_launch(port)
    found = runpy.run_path("run.py", run_name="__main__")
    if not launched:
        serve(found, port)


def local_launch(port: int) -> list[Any]:
    """Make `launch` serve here, whatever the demo asks for; returns the apps that it launched."""
    import gradio

    launch, launched = gradio.Blocks.launch, []

    def here(self: Any, *args: Any, **options: Any) -> Any:
        launched.append(self)
        forced = {"server_name": "127.0.0.1", "server_port": port, "share": False, "quiet": True}
        forced |= {"prevent_thread_lock": False, "ssr_mode": False, "inbrowser": False}
        # So that both sides learn why something fails.
        forced["show_error"] = True
        return launch(self, *args, **(options | forced))

    gradio.Blocks.launch = here
    gradio.TabbedInterface.launch = here
    return launched


def serve(found: dict[str, Any], port: int) -> None:
    """Serve what a demo only defines: a FastAPI app, or Blocks."""
    import fastapi
    import gradio
    import uvicorn

    for app in found.values():
        if isinstance(app, fastapi.FastAPI):
            uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
            return
    for app in found.values():
        if isinstance(app, gradio.Blocks):
            app.launch()
            return


def main() -> None:
    """Fork a child for each line of standard input; end with it."""
    os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}
    for name in HEAVY:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the children are not waited for
    for line in sys.stdin:
        wanted = json.loads(line)
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            try:
                run(**wanted)
            except BaseException:
                import traceback

                traceback.print_exc()
            os._exit(1)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
