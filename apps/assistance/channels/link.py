"""Expiring links: whoever holds the link reads the package, until it expires or is revoked.

Only the digest of a link's token is kept, so that nobody who reads the database can open one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_token() -> str:
    """256 random bits, fit for a URL."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def opens(token: str, kept: str) -> bool:
    """Whether a token is the one whose digest was kept, in constant time."""
    return hmac.compare_digest(digest(token), kept)
