"""What only some jobs need is not loaded at the start, and is there when it is needed."""

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
vault = TokenVault(["key"])
import pandas
frame = pandas.DataFrame({"a": [1]})
after = [name in sys.modules for name in parts]
print(json.dumps([before, after, vault.unseal("x", vault.seal("x", "token")), int(frame.a[0])]))
"""


def test_pandas_and_cryptography_are_loaded_at_their_first_use() -> None:
    run = [sys.executable, "-c", CODE]
    printed = subprocess.run(run, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert json.loads(printed) == [[False, False], [True, True], "token", 1]
