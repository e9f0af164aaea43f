"""Files on their way to a Space and back."""
