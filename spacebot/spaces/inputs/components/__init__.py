"""One class for each kind of input component."""
