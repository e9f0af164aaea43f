"""Tests of `engine/jobs`."""
