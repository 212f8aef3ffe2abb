"""Data acquisition: protocols, parsers, collectors; batches and records."""
