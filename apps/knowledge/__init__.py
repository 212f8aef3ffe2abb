"""The knowledge database: expert records and risk data."""
