"""One class for each kind of output component."""
