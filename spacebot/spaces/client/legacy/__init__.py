"""Gradio 3, beside the stock path: gradio_client 2 no longer speaks its protocol.

`describe` turns what an older Gradio says of itself into what a present one would say,
so that nothing else knows of versions; `values` does the same with inputs and outputs;
`run` speaks to the queue. Gradio 3.2 is the oldest that works: before it, the queue was
polled.
"""
