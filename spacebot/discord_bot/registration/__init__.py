"""From endpoints to registered slash commands, by Discord's rules."""
