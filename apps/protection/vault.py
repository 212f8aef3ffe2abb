"""Keeps secrets at rest: AES-256-GCM under a key that never enters the database."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_VERSION = b"\x01"
_NONCE = 12


class VaultError(Exception):
    """A kept secret cannot be opened: it was altered, or the vault key is another one."""


def _cipher() -> AESGCM:
    key = HKDF(hashes.SHA256(), 32, salt=None, info=b"tocsin vault 1")
    return AESGCM(key.derive(settings.VAULT_KEY.encode()))


def encrypt(secret: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + _cipher().encrypt(nonce, secret, _VERSION)


def decrypt(kept: bytes) -> bytes:
    """Raises `VaultError` where `kept` was not made by `encrypt` under this vault's key."""
    kept = bytes(kept)
    version, nonce, sealed = kept[:1], kept[1 : 1 + _NONCE], kept[1 + _NONCE :]
    try:
        if version != _VERSION:
            raise InvalidTag
        return _cipher().decrypt(nonce, sealed, version)
    except (InvalidTag, ValueError) as wrong:
        raise VaultError("this secret cannot be opened with the vault key in use") from wrong
