"""Parsers: lines → records. One file each; `parsing.Parser` is the contract."""
