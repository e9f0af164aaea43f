"""`make bench`: this bot, a bot of the common shape, and a bare client of Gradio's protocol.

All three meet the same Gradio app; the two bots, one after the other, the same
loopback Discord. What is printed are figures of one run and their ratios.
"""
