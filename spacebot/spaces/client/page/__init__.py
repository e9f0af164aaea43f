"""What a Space's page runs by itself, repeated in a job's session."""
