"""The settings, from the environment: the only reader of os.environ.

A wrong value raises `SettingsError`: one line that names the variable, the value
(never a secret) and what is accepted.
"""

from spacebot.settings.settings import VARIABLES, Settings, Variable, space_sources
from spacebot.settings.sources import command_source, parse_space, parse_spaces
