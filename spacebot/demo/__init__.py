"""The embedded Space: a Gradio app that works without a download, until you name a Space.

It is reached through gradio_client like every other Space, and does real work with nothing but
Gradio's own dependencies (numpy, Pillow).
"""

from spacebot.demo.app import DemoServer, build, serve
