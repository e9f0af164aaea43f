"""`python -m spacebot.deploy owner/name`: Spacebot as a Space on Hugging Face.

Creates or updates the Space: its files, secrets, variables, hardware and storage; then waits until
it runs.
"""
