"""Tests of Spacebot."""

import warnings

with warnings.catch_warnings():
    # discord.py imports audioop (for voice), which Python 3.11 deprecates: not ours to fix.
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord  # noqa: F401
