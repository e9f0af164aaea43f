"""Modules that only some jobs need are not loaded at startup, and are there when needed."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.support.program import ROOT

# The program's own imports, in the order of app.py, and what is used after them.
CODE = """
import json, sys, warnings
warnings.simplefilter("ignore")
import app
app.lazy_imports.install()
from spacebot import web, zerogpu
from spacebot.runtime import Runtime
from spacebot.engine.accounts import TokenVault
parts = ("pandas.core.frame", "cryptography.hazmat.bindings._rust")
before = [name in sys.modules for name in parts]
rare = ("bs4", "regex", "_soundfile")
rare = [name for name in rare if name in sys.modules]
vault = TokenVault(["key"])
import pandas
frame = pandas.DataFrame({"a": [1]})
after = [name in sys.modules for name in parts]
token = vault.unseal("x", vault.seal("x", "token"))
print(json.dumps([rare, before, after, token, int(frame.a[0])]))
"""


def test_what_is_rarely_needed_is_loaded_at_its_first_use() -> None:
    run = [sys.executable, "-c", CODE]
    printed = subprocess.run(run, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert json.loads(printed) == [[], [False, False], [True, True], "token", 1]


# Eight threads that read it at the same moment, as jobs do.
CROWD = """
import threading
from spacebot import lazy_imports
lazy_imports.install()
import pandas
failed, ready = [], threading.Barrier(8)
threading.excepthook = lambda args: failed.append(args.exc_value)
def read():
    ready.wait()
    pandas.DataFrame({"a": [1]})
crowd = [threading.Thread(target=read) for _ in range(8)]
for one in crowd: one.start()
for one in crowd: one.join()
print(failed)
"""


def test_threads_that_read_a_module_while_it_loads_wait_for_it() -> None:
    run = [sys.executable, "-c", CROWD]
    printed = subprocess.run(run, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert printed.strip() == "[]"
