"""A repository on this machine: refs, packed-refs, revisions."""
