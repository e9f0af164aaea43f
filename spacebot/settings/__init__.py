"""The settings, from the environment: the only reader of os.environ.

A wrong value raises `SettingsError`: one line that names the variable, the value
(never a secret) and what is accepted.
"""

from spacebot.settings.settings import Settings, space_sources
from spacebot.settings.sources import command_source, parse_space, parse_spaces
from spacebot.settings.variables import VARIABLES, Variable

__all__ = [
    "VARIABLES",
    "Settings",
    "Variable",
    "command_source",
    "parse_space",
    "parse_spaces",
    "space_sources",
]
