"""Coverage-guided fuzzers of all code that reads untrusted bytes; see README.md."""
