"""Tests of `engine/admission`."""
