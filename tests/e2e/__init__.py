"""End to end: the real program, its real discord.py client, and real Gradio apps, on loopback."""
