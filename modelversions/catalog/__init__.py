"""The registries of many repositories, read together.

This package is private. Import its public names from ``modelversions``.
"""
