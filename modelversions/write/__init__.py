"""From a request and the current state to new events."""
