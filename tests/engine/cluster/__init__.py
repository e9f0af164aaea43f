"""Tests of `engine/cluster`."""
