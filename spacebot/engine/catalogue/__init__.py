"""The Spaces on offer, by the settings or on demand: what they describe, and the way to them."""

from spacebot.engine.catalogue.catalogue import AUTOCOMPLETE_TIMEOUT, Catalogue
from spacebot.engine.catalogue.opening import make_catalogue
