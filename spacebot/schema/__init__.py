"""A Gradio app's description of itself becomes a Space of Endpoints, without I/O.

`read` puts it together: `app` answers questions about `/config`, `candidates`
joins it with the API description, `parameters` and `needs` read the inputs,
`plumbing` and `yard` leave out what is not for people, `naming` and `words` find the names.
"""

from spacebot.schema.command_names import command_name, commands_of
from spacebot.schema.read import MORE, read_space
from spacebot.schema.words import legal_name, plain, shortened

__all__ = [
    "MORE",
    "command_name",
    "commands_of",
    "legal_name",
    "plain",
    "read_space",
    "shortened",
]
