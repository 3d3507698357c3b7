"""From events to the state of a model, and the values that show it."""
