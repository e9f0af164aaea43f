"""Which endpoints become commands."""
