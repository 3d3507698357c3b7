"""Git repositories: refs, objects, configuration and remotes.

Apart from ``modelversions.testing``, only this package imports dulwich.
"""
