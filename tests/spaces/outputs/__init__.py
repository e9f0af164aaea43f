"""Tests of `spaces/outputs`."""
