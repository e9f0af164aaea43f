"""The Spaces on offer, from the settings or on demand: their descriptions, and access to them."""

from spacebot.engine.catalogue.catalogue import AUTOCOMPLETE_TIMEOUT, Catalogue
from spacebot.engine.catalogue.hidden import hidden_spaces, marked_spaces
from spacebot.engine.catalogue.opening import make_catalogue
