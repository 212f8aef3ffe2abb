"""Tocsin: the platform that ties the seven modules together."""

__version__ = "2026.11.22"
