"""Turns a Gradio app's description into a Space with Endpoints, without I/O.

`read` puts it together: `app` answers questions about `/config`, `candidates` joins it with the API
description, `parameters` and `needs` read the inputs, `plumbing` and `endpoints` leave out what is
not for people, `naming` and `words` find the names.
"""

from spacebot.spaces.schema.command_names import command_name, commands_of
from spacebot.spaces.schema.reader import MORE_COMMAND, read_space
from spacebot.spaces.schema.text import legal_name, plain_text, shorten
