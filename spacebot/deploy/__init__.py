"""`python -m spacebot.deploy owner/name`: Spacebot as a Space on Hugging Face.

Creates the Space or brings it up to date: its files, secrets, variables, hardware
and storage; then waits until it runs.
"""
