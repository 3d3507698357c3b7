"""A repository at a URL: sessions, transports, pushes."""
