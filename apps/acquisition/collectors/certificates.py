"""TLS certificates of watched hosts: who vouches for them, for how long, and whether they verify."""

from __future__ import annotations

import re
import socket
import ssl
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Annotated, Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as noop
from msgspec import Meta

from apps.acquisition.collecting import Collected, Observation, Reach
from apps.acquisition.fetching import not_asked, trust
from apps.contracts import Json, Refused
from apps.protection import outbound
from apps.protection.outbound import Address

MOST_CHAIN = 10
SOON = timedelta(days=14)
"""Before its end a certificate expires soon; one made for a short time, in the last third of it."""
_HOST = re.compile(r"^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$")


class Options(msgspec.Struct, frozen=True):
    server_name: Annotated[
        str,
        Meta(
            max_length=253,
            title=noop("Name to ask for"),
            description=noop("Where it is another than the host's (SNI)."),
        ),
    ] = ""
    seconds: Annotated[int, Meta(ge=1, le=60, title=noop("Seconds at most"))] = 15
    authorities: Annotated[
        str,
        Meta(
            max_length=100_000,
            title=noop("Own authorities"),
            description=noop("Certificates in PEM that are believed besides the public ones."),
        ),
    ] = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a host showed. `chain` is in DER, its own certificate first; `unverified` says why it
    does not verify; `problem` why it showed nothing."""

    address: str = ""
    chain: tuple[bytes, ...] = ()
    protocol: str = ""
    cipher: str = ""
    unverified: str = ""
    problem: str = ""


class Certificates:
    name = "certificate"
    title = _("TLS certificate")
    description = _(
        "Looks at the certificate a host shows: its names, its issuers, how long, whether it verifies."
    )
    target = _("Host, or host:port")
    secret = ""
    options = Options
    continuous = False

    def check(self, target: str, options: Options) -> str:
        host, port = endpoint(target)
        if options.server_name and not _HOST.match(options.server_name):
            raise Refused("The name to ask for is not the name of a host.")
        trust(options.authorities)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def collect(self, target: str, options: Options, reach: Reach) -> Collected:
        host, port = endpoint(target)
        try:
            addresses = outbound.judged(host, port, networks=reach.networks)
        except (outbound.NotFound, outbound.Forbidden) as why:
            shown = Shown(problem=not_asked(why))
        else:
            shown = look(addresses, port, options.server_name or host, options)
        return observed(target, host, port, options.server_name or host, shown, datetime.now(UTC))


def endpoint(target: str) -> tuple[str, int]:
    """Host and port of `host`, `host:port` or `[address]:port`. Raises `Refused`."""
    host, port = target.strip(), "443"
    if host.startswith("[") and "]" in host:
        host, _bracket, rest = host[1:].partition("]")
        port = rest.removeprefix(":") or "443"
    elif host.count(":") == 1:
        host, _colon, port = host.partition(":")
    try:
        host = str(ip_address(host))
    except ValueError:
        try:
            host = host.encode("idna").decode().lower()
        except UnicodeError:
            host = ""
        if not _HOST.match(host):
            raise Refused("Name a host, or a host and its port.") from None
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise Refused("The port must be from 1 to 65535.")
    return host, int(port)


# ── Looking ──────────────────────────────────────────────────────────────────────────────


def look(addresses: Sequence[Address], port: int, name: str, options: Options) -> Shown:
    """A handshake that verifies; where that fails, another that only looks."""
    end = time.monotonic() + options.seconds
    try:
        return _handshake(addresses, port, name, trust(options.authorities), end)
    except ssl.SSLCertVerificationError as wrong:
        unverified = wrong.verify_message or str(wrong)
    except ssl.SSLError as wrong:  # too old for us, perhaps
        unverified = f"no handshake as it should be: {_reason(wrong)}"
    except OSError as wrong:
        return Shown(problem=_said(wrong))
    try:
        shown = _handshake(addresses, port, name, _anything(), end)
    except OSError as wrong:
        return Shown(problem=_said(wrong), unverified=unverified)
    return Shown(shown.address, shown.chain, shown.protocol, shown.cipher, unverified)


def _handshake(
    addresses: Sequence[Address], port: int, name: str, context: ssl.SSLContext, end: float
) -> Shown:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    with outbound.connect(addresses, port, left) as plain:
        address = plain.getpeername()[0]
        plain.settimeout(max(end - time.monotonic(), 0.1))
        with context.wrap_socket(plain, server_hostname=name.rstrip(".")) as secure:
            return Shown(
                address=address,
                chain=tuple(_chain(secure)[:MOST_CHAIN]),
                protocol=secure.version() or "",
                cipher=(secure.cipher() or ("",))[0],
            )


def _chain(secure: ssl.SSLSocket) -> list[bytes]:
    """What was shown, in DER. Public since Python 3.13; before, the same under another name."""
    if hasattr(secure, "get_unverified_chain"):
        return list(secure.get_unverified_chain())
    inner: Any = secure._sslobj  # type: ignore[attr-defined]
    return [found.public_bytes(2) for found in inner.get_unverified_chain() or ()]  # 2: DER


def _anything() -> ssl.SSLContext:
    """Takes whatever a host shows, however old: it is looked at, never trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _reason(wrong: ssl.SSLError) -> str:
    """OpenSSL's reason, WRONG_VERSION_NUMBER, as words."""
    return (wrong.reason or str(wrong)).replace("_", " ").lower()


def _said(wrong: OSError) -> str:
    if isinstance(wrong, TimeoutError | socket.timeout):
        return "It did not answer in time."
    if isinstance(wrong, ssl.SSLError):
        return f"It does not speak TLS as it should: {_reason(wrong)}."
    reason = wrong.strerror or str(wrong)
    return f"It cannot be looked at: {reason}."


# ── What was shown ───────────────────────────────────────────────────────────────────────


def observed(
    target: str, host: str, port: int, name: str, shown: Shown, now: datetime
) -> Collected:
    """What a host showed, as observations: of its own certificate each time, of those above it
    when they are new or gone."""
    facts: list[dict[str, Json]] = []
    notes = [shown.problem] if shown.problem else []
    for place, der in enumerate(shown.chain):
        try:
            facts.append(certificate_facts(der))
        except (ValueError, x509.UnsupportedGeneralNameType) as wrong:
            notes.append(f"Certificate {place + 1} of the chain cannot be read: {wrong}"[:300])
            facts.append({"tls.server.hash.sha256": _fingerprint(der)})
    own = facts[0] if facts else {}
    why = shown.problem or shown.unverified
    verdict: dict[str, Json] = {
        "tls.verified": bool(facts) and not why,
        "tls.verify_error": why,
        "tls.expiry": _expiry(own, now),
    }
    left = _days_left(own, now)
    told = [
        Observation(
            dataset="tls.certificate",
            key=target,
            told=True,
            compared={"tls.target": target, **verdict, **own} if facts else {},
            ever=_identity(own),
            ever_of=target,
            fields={
                "tls.target": target,
                **verdict,
                **own,
                "message": _sentence(target, own, why, left),
                "event.original": "\n".join(
                    f"{fact.get('tls.server.subject', '?')}" for fact in facts
                ),
                "event.outcome": "failure" if why else "success",
                "error.message": why,
                "tls.version": shown.protocol,
                "tls.cipher": shown.cipher,
                "tls.days_left": left,
                "tls.chain_length": len(facts),
                "tls.chain": " ".join(str(fact["tls.server.hash.sha256"]) for fact in facts),
                "tls.client.server_name": name,
                "destination.domain": host,
                "destination.ip": shown.address,
                "destination.port": port,
                "network.protocol": "tls",
            },
        )
    ]
    for fact in facts[1:]:
        above: dict[str, Json] = {"tls.target": target, **fact}
        key = f"{target} {fact['tls.server.hash.sha256']}"
        message = f"{target} shows the issuer {fact.get('tls.server.subject', '?')}."
        told.append(Observation("tls.certificate", key, {**above, "message": message}, above))
    groups = frozenset({""}) if facts else frozenset()
    return Collected(told, groups, notes=notes, failed=not facts)


def certificate_facts(der: bytes) -> dict[str, Json]:
    """What stands in a certificate. Raises ValueError where it cannot be read."""
    certificate = x509.load_der_x509_certificate(der)
    subject, issuer = certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()
    key = certificate.public_key()
    key_info = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    algorithm = type(key).__name__.removeprefix("_").removesuffix("PublicKey")
    size = key.curve.key_size if isinstance(key, ec.EllipticCurvePublicKey) else None
    names, is_authority = "", False
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = " ".join(str(entry.value) for entry in list(found)[:200])
    except x509.ExtensionNotFound:
        pass
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        is_authority = constraints.value.ca
    except x509.ExtensionNotFound:
        pass
    signed = certificate.signature_hash_algorithm
    return {
        "tls.server.hash.sha256": _fingerprint(der),
        "tls.server.hash.sha1": certificate.fingerprint(hashes.SHA1()).hex(),  # noqa: S303 - a name
        "tls.server.subject": subject[:1000],
        "tls.server.issuer": issuer[:1000],
        "tls.server.issued_by": _organisation(certificate.issuer) or issuer[:1000],
        "tls.server.names": names[:4000],
        "tls.server.not_before": certificate.not_valid_before_utc.isoformat(),
        "tls.server.not_after": certificate.not_valid_after_utc.isoformat(),
        "tls.server.serial": f"{certificate.serial_number:x}",
        "tls.server.key": algorithm,
        "tls.server.key_sha256": _fingerprint(key_info),
        "tls.server.key_bits": size or getattr(key, "key_size", None),
        "tls.server.signature": signed.name if signed else algorithm,
        "tls.server.self_signed": subject == issuer,
        "tls.server.authority": is_authority,
    }


def _fingerprint(der: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(der)
    return digest.finalize().hex()


def _organisation(name: x509.Name) -> str:
    """Who an issuer is: authorities issue under several names, by turns."""
    found = name.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    return str(found[0].value)[:300] if found else ""


def _identity(own: dict[str, Json]) -> dict[str, list[str]]:
    """By whom and with which key a host vouched for itself: hosts behind one name may take turns."""
    if "tls.server.key_sha256" not in own:
        return {}
    return {
        "tls.issuers": [str(own["tls.server.issued_by"])],
        "tls.keys": [str(own["tls.server.key_sha256"])],
    }


def _expiry(own: dict[str, Json], now: datetime) -> str:
    if "tls.server.not_after" not in own:
        return ""
    begin, end = (datetime.fromisoformat(own[f"tls.server.not_{w}"]) for w in ("before", "after"))
    if now >= end:
        return "expired"
    return "soon" if end - now <= min(SOON, (end - begin) / 3) else "later"


def _days_left(own: dict[str, Json], now: datetime) -> int | None:
    end = own.get("tls.server.not_after")
    return (datetime.fromisoformat(end) - now).days if end else None


def _sentence(target: str, own: dict[str, Json], why: str, left: int | None) -> str:
    if not own:
        return f"{target} shows no certificate. {why}"
    verdict = f"does not verify: {why}" if why else "verifies"
    said = f"{target} shows {own.get('tls.server.subject', 'a certificate')}; it {verdict}"
    if left is None:
        return f"{said}."
    return f"{said}; {left} {'day is' if left == 1 else 'days are'} left."


COLLECTOR = Certificates()
