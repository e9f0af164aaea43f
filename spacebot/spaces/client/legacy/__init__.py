"""Gradio 3, whose protocol gradio_client 2 no longer speaks.

`describe` turns the description of an older Gradio into that of a current one, so that no other
code knows of versions; `values` does the same with inputs and outputs; `run` speaks to the queue.
Gradio 3.2 is the oldest version that works: before it, the queue was polled.
"""
