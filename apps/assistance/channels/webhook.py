"""Signed webhooks: one POST of the package, which the responder can check came from us.

The request goes to an address that was resolved once and judged, and nowhere else: no redirects,
no proxies, no second look-up that could answer differently.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httpx

from apps.protection import outbound

SIGNATURE, DELIVERY, IDEMPOTENCY = "Tocsin-Signature", "Tocsin-Delivery", "Idempotency-Key"
TIMEOUT = 10.0  # seconds, for each of connecting, sending and waiting
TOLERANCE = 300  # seconds between the clocks of sender and receiver
LATER = {408, 425, 429}  # answers of a responder that wants to be asked again


class Undelivered(Exception):
    """A package did not arrive: why, and whether it is worth trying again."""

    def __init__(self, sentence: str, *, again: bool) -> None:
        super().__init__(sentence)
        self.again = again


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook goes: its URL, and the one address it was found to mean."""

    url: SplitResult
    address: outbound.Address

    @property
    def direct(self) -> str:
        """The URL with the address in place of the name."""
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        port = f":{self.url.port}" if self.url.port else ""
        return self.url._replace(netloc=host + port, fragment="").geturl()


# ── Signatures ───────────────────────────────────────────────────────────────────────────


def sign(secret: bytes, body: bytes, at: int) -> str:
    """`t=SECONDS,v1=HEX`: HMAC-SHA256 over the time in decimal, a dot, and the body."""
    mac = hmac.new(secret, b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def verify_signature(
    secret: bytes, header: str, body: bytes, tolerance: int = TOLERANCE, *, now: float | None = None
) -> bool:
    """Whether a body was signed with this secret within the last `tolerance` seconds.

    A header may carry several `v1`, while a secret is being changed; one that fits is enough.
    """
    found = re.fullmatch(r"t=(\d{1,12})((?:,v1=[0-9a-f]{64}){1,4})", header, re.ASCII)
    if found is None:
        return False
    at = int(found[1])
    if abs((time.time() if now is None else now) - at) > tolerance:
        return False
    expected = sign(secret, body, at).partition("v1=")[2]
    return any(hmac.compare_digest(expected, given) for given in found[2].split(",v1=")[1:])


# ── Where it may go ──────────────────────────────────────────────────────────────────────


def check_url(url: str, *, private: bool) -> SplitResult:
    """The URL in parts. Raises `Undelivered` where no package may go to such a URL.

    `private` lets a webhook go into the operator's own network, where http is allowed too.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as wrong:
        raise Undelivered("The webhook's URL is not a URL.", again=False) from wrong
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise Undelivered("A webhook's URL must begin with https://.", again=False)
    if not parts.hostname or parts.username or parts.password:
        raise Undelivered("A webhook's URL must name a host, and no user.", again=False)
    return parts


def resolve(url: str, *, private: bool) -> Target:
    """Looks the host up once and judges every address it may mean.

    Raises `Undelivered`: one address that may not be reached is enough to refuse the host.
    """
    parts = check_url(url, private=private)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = outbound.judged(str(parts.hostname), port, private=private)
    except outbound.NotFound as wrong:
        raise Undelivered(str(wrong), again=True) from wrong
    except outbound.Forbidden as wrong:
        hint = "" if private else " (TOCSIN_PRIVATE_WEBHOOKS allows that of private networks)"
        raise Undelivered(f"{wrong}{hint}.", again=False) from wrong
    return Target(parts, found[0])


# ── Sending ──────────────────────────────────────────────────────────────────────────────


def send(
    url: str,
    body: bytes,
    *,
    secret: bytes,
    delivery: str,
    idempotency: str,
    private: bool = False,
    verify: ssl.SSLContext | bool = True,
) -> int:
    """Posts the package; returns the responder's status, one of 2xx.

    Raises `Undelivered` with a sentence; `again` says whether a later try may succeed.
    """
    target = resolve(url, private=private)
    headers: Mapping[str, str] = {
        "Host": target.url.netloc,
        "Content-Type": "application/json",
        "User-Agent": "Tocsin",
        SIGNATURE: sign(secret, body, int(time.time())),
        DELIVERY: delivery,
        IDEMPOTENCY: idempotency,
    }
    try:
        with (
            httpx.Client(
                timeout=TIMEOUT, follow_redirects=False, trust_env=False, verify=verify
            ) as client,
            client.stream(
                "POST",
                target.direct,
                content=body,
                headers=headers,
                extensions={"sni_hostname": target.url.hostname},
            ) as answer,
        ):
            status = answer.status_code
    except httpx.HTTPError as wrong:
        what = f"{type(wrong).__name__}: {wrong}" if str(wrong) else type(wrong).__name__
        raise Undelivered(
            f"{target.url.hostname} cannot be reached ({what}).", again=True
        ) from wrong
    if 200 <= status < 300:
        return status
    if 300 <= status < 400:
        raise Undelivered(f"It answered {status}; redirects are not followed.", again=False)
    raise Undelivered(f"It answered {status}.", again=status >= 500 or status in LATER)
