"""Objects as bytes: packs, deltas, loose objects, peeling."""
