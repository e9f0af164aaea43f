"""Moving bytes to a Space and back: bounded, pooled, and watched on the event loop."""
