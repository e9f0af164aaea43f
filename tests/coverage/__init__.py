"""How much of what a direct gradio_client call gives reaches a person in Discord.

    make coverage-demos DIR=…        python -m tests.coverage DIR [--only NAME …]

Each folder of DIR with a run.py is a Gradio demo. Every one is started in a process
of its own, without network, and each of its endpoints is called twice with the same
values: by the stock gradio_client, and by a person who types the command in the
loopback Discord, answered by the real bot. What differs is printed with its reason.
"""
