"""Tests of `spaces/schema`."""
