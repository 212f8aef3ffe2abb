"""A TLS server on loopback, with certificates made for the test."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from socket import create_server

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Made:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def issue(
    name: str,
    by: Made | None = None,
    *,
    names: tuple[str, ...] = (),
    authority: bool = False,
    since: timedelta = timedelta(days=-1),
    until: timedelta = timedelta(days=30),
) -> Made:
    """A certificate of a name, by an authority or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + since)
        .not_valid_after(NOW + until)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
    )
    if names:
        entries = [
            x509.IPAddress(ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(entries), critical=False)
    return Made(builder.sign(by.key if by else key, hashes.SHA256()), key)


@contextmanager
def tls_server(
    folder: Path, chain: list[Made], *, maximum: ssl.TLSVersion | None = None
) -> Iterator[int]:
    """A server that shows `chain`, the own certificate first; its port."""
    file, key = folder / "chain.pem", folder / "key.pem"
    file.write_text("".join(made.pem for made in chain))
    key.write_bytes(
        chain[0].key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if maximum:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = maximum
    context.load_cert_chain(file, key)
    over = threading.Event()
    with create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)

        def serve() -> None:
            while not over.is_set():
                try:
                    plain, _peer = listener.accept()
                except TimeoutError:
                    continue
                except OSError:
                    return
                plain.settimeout(2)
                try:
                    with context.wrap_socket(plain, server_side=True) as secure:
                        secure.recv(1)
                except OSError:
                    plain.close()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
