"""The arithmetic of a hash chain: pure, so that it can be checked without us."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

GENESIS = "0" * 64
"""`previous` of the first link."""


def canonical(content: Any) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8: equal contents give equal bytes."""
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest(content: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def link_hash(previous: str, content: Mapping[str, Any]) -> str:
    """Hash of a link: SHA-256 of the canonical content with the hash before it."""
    return digest(canonical({**content, "previous": previous}))


def breaks(links: Iterable[tuple[int, str, str, Mapping[str, Any]]]) -> Iterator[str]:
    """One sentence for each link, given as (id, previous, hash, content), that does not hold."""
    expected = GENESIS
    for identity, previous, found, content in links:
        if previous != expected:
            yield f"link {identity} does not follow the one before it: rows are missing or moved"
        if link_hash(previous, content) != found:
            yield f"link {identity} was altered after it was written"
        expected = found
