"""Coverage-guided fuzzers of everything that reads bytes of others; see README.md."""
