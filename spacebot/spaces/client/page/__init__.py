"""What a Space's page runs by itself, run again in a job's session."""
