"""What a person fills in, and what Gradio takes: data in, data out, no client.

An `Endpoint`'s parameters become `Option`s (`options`); what was given for them
becomes the values for gradio_client (`values`), or an `InputError` whose sentence
names the option. A component joins by one class and one line in `table.INPUTS`.
"""

from __future__ import annotations

from spacebot.inputs.files import is_kind
from spacebot.inputs.form import (
    OPTIONS,
    Form,
    by_owner,
    options,
    own_options,
    size,
    suggest,
    values,
)
from spacebot.inputs.table import ASKABLE, INPUTS
from spacebot.inputs.words import WRITTEN, describe, thread_title

__all__ = [
    "ASKABLE",
    "INPUTS",
    "OPTIONS",
    "WRITTEN",
    "Form",
    "by_owner",
    "describe",
    "is_kind",
    "options",
    "own_options",
    "size",
    "suggest",
    "thread_title",
    "values",
]
