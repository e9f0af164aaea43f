"""Finding a Space for a wish, and completing a Space's name as a member types it."""

from spacebot.engine.space_finder.finder import Answer, Findings, SpaceFinder, SpaceQuery
from spacebot.engine.space_finder.kinds import FileKind, kind_of
from spacebot.engine.space_finder.suggestions import (
    MAX_SUGGESTIONS,
    SUGGESTION_TIMEOUT,
    suggest_spaces,
)
