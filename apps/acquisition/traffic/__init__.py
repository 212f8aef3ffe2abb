"""Captures and flows: packets read, put in order and decoded, metered into flows, and their HTTP."""
