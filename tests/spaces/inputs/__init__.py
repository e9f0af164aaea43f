"""Tests of `spaces/inputs`."""
