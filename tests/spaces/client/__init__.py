"""Tests of `spaces/client`."""
