"""Many registries as one."""
