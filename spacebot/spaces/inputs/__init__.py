"""From what a person fills in to what Gradio takes: data in, data out, no client.

An `Endpoint`'s parameters become `Option`s (`options`); the entered values become the
values for gradio_client (`values`), or an `InputError` whose sentence names the option.
To add a component, add a class and a line in `registry.INPUTS`.
"""

from __future__ import annotations

from spacebot.spaces.inputs.components.files import is_kind
from spacebot.spaces.inputs.components.menu import prepare_menus
from spacebot.spaces.inputs.form import (
    LIMITED_COMPONENTS,
    MAX_OPTIONS,
    CommandOptions,
    group_by_parameter,
    is_late,
    left_empty,
    option_size,
    options,
    own_options,
    parameter_of,
    partial_values,
    problem_of,
    resolve_now,
    still_fitting,
    suggest,
    suggest_for,
    values,
)
from spacebot.spaces.inputs.registry import ASKABLE, INPUTS
from spacebot.spaces.inputs.seeds import seed_parameters
from spacebot.spaces.inputs.value_text import WRITTEN_COMPONENTS, summarize, thread_title
