"""Values that do not depend on Git: versions, tag names, events, identities, problems.

This package is private. Import its public names from ``modelversions``.
"""
