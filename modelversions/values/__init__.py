"""Values that do not depend on Git: versions, tag names, events, identities, problems."""
