"""Secrets: kept sealed, masked where text leaves, and roles that grant nothing by default."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from hypothesis import given
from hypothesis import strategies as st

from apps.protection import vault
from apps.protection.masking import MASK, mask
from apps.protection.permissions import ROLES, Capability, Role, may


@given(st.binary(max_size=200))
def test_the_vault_gives_back_what_it_took(secret: bytes) -> None:
    assert vault.decrypt(vault.encrypt(secret)) == secret


@given(st.binary(min_size=1, max_size=50), st.integers(0, 60), st.integers(1, 255))
def test_a_secret_altered_by_one_byte_does_not_open(secret: bytes, at: int, flip: int) -> None:
    kept = bytearray(vault.encrypt(secret))
    kept[at % len(kept)] ^= flip
    with pytest.raises(vault.VaultError):
        vault.decrypt(bytes(kept))


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET /login?user=bob&password=hunter2 HTTP/1.1", "hunter2"),
        ("Authorization: Bearer abc.def-123", "abc.def-123"),
        ('{"user": "bob", "api_key": "k-9f3"}', "k-9f3"),
        ("Cookie: PHPSESSID=9a8b7c; theme=dark", "9a8b7c"),
        ("ftp://bob:hunter2@example.org/x", "hunter2"),
        ("root:$6$saltsalt$abcdefghijklmnopqrstuvwx:19000:", "abcdefghijkl"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAAB3\n-----END OPENSSH PRIVATE KEY-----",
            "AAAAB3",
        ),
    ],
)
def test_secrets_are_masked(text: str, secret: str) -> None:
    assert secret not in mask(text)
    assert MASK in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "GET /item?id=1' OR '1'='1 HTTP/1.1",
        "Failed password for invalid user admin from 10.0.0.5 port 4711 ssh2",
        "/../../etc/passwd",
        "<script>alert(1)</script>",
    ],
)
def test_attack_strings_stay_readable(text: str) -> None:
    assert mask(text) == text


@pytest.mark.django_db
def test_a_role_grants_its_capabilities_and_nothing_else() -> None:
    for role in Role:
        user = User.objects.create_user(f"the-{role}")
        user.groups.add(Group.objects.get(name=role))
        assert {c for c in Capability if may(user, c)} == ROLES[role]
    nobody = User.objects.create_user("nobody")
    assert not any(may(nobody, c) or may(AnonymousUser(), c) for c in Capability)


@pytest.mark.django_db
def test_a_deactivated_account_may_nothing() -> None:
    user = User.objects.create_superuser("root", password="x")
    user.is_active = False
    assert not any(may(user, c) for c in Capability)
