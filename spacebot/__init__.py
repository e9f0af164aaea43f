"""Spacebot: any Gradio Space becomes slash commands in a Discord server."""

__version__ = "0.1.0"
