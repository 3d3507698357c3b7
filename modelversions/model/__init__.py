"""Compute the state of a model from its events; the values that represent it."""
