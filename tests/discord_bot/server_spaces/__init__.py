"""Spaces that servers add."""
