"""The embedded Space: a Gradio app that needs no download, until you name a Space.

It is reached through gradio_client like every other Space, and does real work
with nothing but what Gradio itself brings (numpy, Pillow).
"""

from spacebot.demo.app import DemoServer, build, serve
