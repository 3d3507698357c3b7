"""Git repositories: refs, objects, configuration and remotes. dulwich is imported here only."""
