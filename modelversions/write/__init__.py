"""Plan events from a request and the current state, and write them.

This package is private.
"""
