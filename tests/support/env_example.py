"""`.env.example`, written from the settings.

`python -m tests.support.env_example > .env.example`.
"""

import textwrap

from spacebot.settings import VARIABLES, Variable

MUSICGEN = "musicgen=huggingface-projects/transformers-musicgen#/predict"
HEAD = (
    "Copy this file to .env and change what you need; Spacebot reads it at startup. "
    "Unchanged, it starts without Discord and offers a built-in Space to try."
)
EXAMPLES = {"SPACES": f"For example: SPACES={MUSICGEN}"}


def render() -> str:
    """The whole file: every variable with its default, below its purpose."""
    return "".join([_comment(HEAD), *map(_entry, VARIABLES)])


def _entry(variable: Variable) -> str:
    example = EXAMPLES.get(variable.name)
    # Unwrapped, so that it can be copied.
    lines = f"# {example}\n" if example else ""
    return f"\n{_comment(variable.about)}{lines}{variable.name}={variable.default}\n"


def _comment(text: str) -> str:
    wrapped = textwrap.wrap(text, 88, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in wrapped)


if __name__ == "__main__":
    print(render(), end="")
