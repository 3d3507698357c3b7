"""The registries of many repositories, read together."""
