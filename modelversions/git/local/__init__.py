"""Local repositories: refs, packed-refs, revisions."""
