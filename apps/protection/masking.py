"""Takes secrets out of text that leaves its first reader: handovers, outcomes, logs."""

from __future__ import annotations

import re

MASK = "•••"

_NAMES = (
    r"pass(?:word|wd|phrase|code)?|pwd|secret|token|api[-_]?key|access[-_]?key|auth|"
    r"session(?:id)?|jsessionid|phpsessid|sid|csrf\w*|private[-_]?key|credentials?|pin|otp"
)

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # A private key in PEM, whole.
    (
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.S),
        MASK,
    ),
    # Authorization: Bearer …, Cookie: …
    (re.compile(r"(?i)\b((?:proxy-)?authorization\s*[:=]\s*\w+\s+)[^\s\"',;]+"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b((?:set-)?cookie\s*:\s*)[^\r\n\"]+"), rf"\1{MASK}"),
    # user:password@host in a URL
    (re.compile(r"(\w+://[^\s/:@]+:)[^\s/@]+(@)"), rf"\1{MASK}\2"),
    # password=…, "token": "…", in queries, bodies, JSON and configuration
    (
        re.compile(
            rf"(?i)((?:^|[^a-z0-9])[\"']?\w*(?:{_NAMES})[\"']?\s*(?:=|:|%3d)\s*)"
            r"(\"[^\"]*\"|'[^']*'|[^\s&;,\"'<>]+)"
        ),
        rf"\1{MASK}",
    ),
    # JSON Web Tokens and crypt(3) hashes wherever they stand
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), MASK),
    (re.compile(r"\$(?:1|2[aby]|5|6|7|y|gy|argon2\w*)\$[./A-Za-z0-9$=,+]{16,}"), MASK),
)


def mask(text: str) -> str:
    """`text` with the values of passwords, tokens, cookies and keys replaced by `•••`.

    Attack strings stay readable: only values that stand where secrets stand are taken out.
    """
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
