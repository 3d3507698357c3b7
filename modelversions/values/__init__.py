"""Values that know nothing of Git: versions, names of tags, events, identities, problems."""
