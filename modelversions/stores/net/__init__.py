"""Servers: URLs, lines to them, what can be asked, and what goes to and fro."""
