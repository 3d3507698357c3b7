"""Compute the state of a model from its events; the values that represent it.

This package is private. Import its public names from ``modelversions``.
"""
