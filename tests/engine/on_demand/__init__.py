"""Spaces that no setting names, in the engine."""
