"""What a person fills in, and what Gradio takes: data in, data out, no client.

An `Endpoint`'s parameters become `Option`s (`options`); what was given for them
becomes the values for gradio_client (`values`), or an `InputError` whose sentence
names the option. A component joins by one class and one line in `table.INPUTS`.
"""

from __future__ import annotations

from spacebot.inputs.files import is_kind
from spacebot.inputs.form import (
    LIMITED,
    OPTIONS,
    Form,
    at_once,
    by_owner,
    is_late,
    left_empty,
    named,
    options,
    own_options,
    size,
    so_far,
    suggest,
    suggested,
    values,
)
from spacebot.inputs.menu import prepare
from spacebot.inputs.table import ASKABLE, INPUTS
from spacebot.inputs.words import WRITTEN, describe, thread_title

__all__ = [
    "ASKABLE",
    "INPUTS",
    "LIMITED",
    "OPTIONS",
    "WRITTEN",
    "Form",
    "at_once",
    "by_owner",
    "describe",
    "is_kind",
    "is_late",
    "left_empty",
    "named",
    "options",
    "own_options",
    "prepare",
    "size",
    "so_far",
    "suggest",
    "suggested",
    "thread_title",
    "values",
]
