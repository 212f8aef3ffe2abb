"""Grok's words for parts of a line → a regular expression with named groups.

`%{IP:source.ip}` is an address kept as that column, `%{IP}` one that is not kept. The names are those
of Logstash's core patterns; the patterns are written for an engine without lookaround.
"""

from __future__ import annotations

import re

_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = rf"(?:{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET})"
_IPV6 = r"(?:[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:%[\w.]+)?)"
_HOST = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63})*\.?)"
_CLOCK = r"(?:\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?)"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_INT = r"(?:[+-]?\d+)"
_NUMBER = r"(?:[+-]?(?:\d+(?:\.\d+)?|\.\d+))"
_PATH = r"(?:(?:/[^\s:]*)+|[A-Za-z]:(?:\\[^\\\s?*]*)+)"
_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""

PATTERNS = {
    "DATA": ".*?",
    "GREEDYDATA": ".*",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "WORD": r"\b\w+\b",
    "INT": _INT,
    "POSINT": r"\b[1-9]\d*\b",
    "NONNEGINT": r"\b\d+\b",
    "NUMBER": _NUMBER,
    "BASE10NUM": _NUMBER,
    "BASE16NUM": r"(?:0[xX])?[0-9A-Fa-f]+",
    "QUOTEDSTRING": _QUOTED,
    "QS": _QUOTED,
    "UUID": r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}",
    "MAC": r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}",
    "USERNAME": r"[A-Za-z0-9._-]+",
    "USER": r"[A-Za-z0-9._-]+",
    "EMAILADDRESS": r"[^\s@<>]+@[^\s@<>]+",
    "IPV4": _IPV4,
    "IPV6": _IPV6,
    "IP": rf"(?:{_IPV6}|{_IPV4})",
    "HOSTNAME": _HOST,
    "HOST": _HOST,
    "IPORHOST": rf"(?:{_IPV6}|{_IPV4}|{_HOST})",
    "HOSTPORT": rf"(?:{_IPV4}|{_HOST}):\d{{1,5}}",
    "UNIXPATH": r"(?:/[^\s:]*)+",
    "PATH": _PATH,
    "URIPATH": r"/[^\s?#]*",
    "URIPARAM": r"\?\S*",
    "URIPATHPARAM": r"/[^\s?#]*(?:\?\S*)?",
    "URI": r"[A-Za-z][A-Za-z0-9+.-]*://\S+",
    "MONTH": _MONTH,
    "MONTHDAY": r"[0-3]?\d",
    "YEAR": r"\d{4}",
    "TIME": _CLOCK,
    "TIMESTAMP_ISO8601": r"\d{4}-\d\d-\d\d[T ]\d\d:?\d\d(?::?\d\d(?:[.,]\d+)?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?",
    "SYSLOGTIMESTAMP": r"[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d",
    "HTTPDATE": r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}",
    "LOGLEVEL": r"(?i:trace|debug|notice|info(?:rmation)?|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe|alert|emerg(?:ency)?)",
}
_REFERENCE = re.compile(r"%\{(\w+)(?::([^}:]+))?(?::(?:int|long|float|string))?\}")


def expanded(text: str) -> str:
    """The regular expression of a grok pattern. Raises ValueError with the word it does not know."""

    def of(found: re.Match[str]) -> str:
        word, name = found[1], found[2]
        if word not in PATTERNS:
            raise ValueError(f"there is no grok pattern called {word}")
        if name is None:
            return f"(?:{PATTERNS[word]})"
        plain = re.sub(r"\]\[", ".", name.strip()).strip("[]")  # [source][ip] is source.ip
        return f"(?P<{plain}>{PATTERNS[word]})"

    return _REFERENCE.sub(of, text)
