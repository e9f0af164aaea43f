"""Finding Spaces for a wish."""
