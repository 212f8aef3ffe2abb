"""The certificate of syslog over TLS (RFC 5425): the operator's, else one made here."""

from __future__ import annotations

import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from apps.acquisition.listeners.options import Options, WrongSetting

_VALID = timedelta(days=3650)


def context(options: Options) -> tuple[ssl.SSLContext, str]:
    """TLS 1.2 or newer, and a sentence about the certificate. Raises WrongSetting."""
    made = options.certificate is None or options.certificate_key is None
    certificate = options.certificate or options.home / "syslog.crt"
    key = options.certificate_key or options.home / "secrets" / "syslog.key"
    if made and not (certificate.exists() and key.exists()):
        make(certificate, key)
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.minimum_version = ssl.TLSVersion.TLSv1_2
    # A sender that closes without having read a ticket resets the connection, and what it sent
    # last is thrown away by our kernel.
    secure.num_tickets = 0
    try:
        secure.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise WrongSetting(
            f"the certificate {certificate} and {key} cannot be used: {error}"
        ) from error
    if options.client_authority is not None:
        try:
            secure.load_verify_locations(options.client_authority)
        except (OSError, ssl.SSLError) as error:
            raise WrongSetting(
                f"TOCSIN_SYSLOG_CLIENT_CA {options.client_authority} cannot be used: {error}"
            ) from error
        secure.verify_mode = ssl.CERT_OPTIONAL  # a source may be known by its address instead
    print_ = fingerprint(certificate)
    kind = "made here, senders must be given it" if made else "of the operator"
    return secure, f"certificate {kind}: {certificate}, SHA-256 {print_}"


def make(certificate: Path, key: Path) -> None:
    """A key and a certificate for it, signed by itself, for the name of this machine."""
    name = socket.gethostname() or "tocsin"
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.now(UTC)
    names = [x509.DNSName(each) for each in dict.fromkeys((name, socket.getfqdn(), "localhost"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    secret = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(key, secret, 0o600)
    _write(certificate, signed.public_bytes(serialization.Encoding.PEM), 0o644)


def _write(file: Path, content: bytes, mode: int) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as new:
        new.write(content)


def fingerprint(certificate: Path) -> str:
    """SHA-256 of a certificate, as openssl prints it."""
    digest = x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256())
    return digest.hex(":").upper()
