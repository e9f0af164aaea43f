"""The gateway and the REST API: intents, sessions, rate limits, reachability."""
