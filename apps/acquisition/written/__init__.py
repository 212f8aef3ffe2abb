"""Parsers that users write, as small YAML files: read, checked on their own examples, and run.

docs/parsers.md tells users how; `parser.schema.json` holds the keys.
"""
