"""Data acquisition: protocols, parsers; batches and records."""
