"""Spacebot: any Gradio Space becomes slash commands in a Discord server."""

__version__ = "1.0.0"
