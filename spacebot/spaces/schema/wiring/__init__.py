"""What the page's wiring says: events, chains and follow-ups."""
