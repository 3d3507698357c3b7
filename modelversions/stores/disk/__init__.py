"""Repositories on this machine: refs, objects and revisions, read from their files."""
