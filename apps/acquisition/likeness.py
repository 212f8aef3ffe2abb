"""How much two texts have in common, from a few numbers kept of each (Broder 1997: min-wise
independent permutations; here the bottom-k sketch of one hash)."""

from __future__ import annotations

import re
from hashlib import blake2b

KEPT = 48
"""Hashes kept of a text: the error of a likeness is about 1 / √KEPT at most."""


def sketch(text: str) -> str:
    """The smallest hashes of a text's words, as 8 hexadecimal digits each; empty without words."""
    words = set(re.findall(r"\w+", text.lower()))
    hashes = sorted(blake2b(word.encode(), digest_size=4).hexdigest() for word in words)
    return "".join(hashes[:KEPT])


def likeness(one: str, other: str) -> float:
    """The share that the words of two sketched texts have in common (Jaccard), from 0 to 1."""
    ours, theirs = ({text[at : at + 8] for at in range(0, len(text), 8)} for text in (one, other))
    smallest = sorted(ours | theirs)[:KEPT]
    return sum(h in ours and h in theirs for h in smallest) / len(smallest) if smallest else 1.0
