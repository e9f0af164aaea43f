"""How bytes get to a Space and back: bounded, pooled, and watched on the event loop."""
