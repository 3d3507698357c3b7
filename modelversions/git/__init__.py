"""Git repositories: refs, objects, configuration and remotes.

This package is private, and the only one that imports dulwich.
"""
