"""Real faults, not mocks: Spaces killed and stopped, Discord in trouble, the bot killed.

Each test counts who was answered, how often, and what was left behind; the figures
are printed at the end of the run.
"""
