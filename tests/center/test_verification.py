"""A platform that works while its seals are checked gives no false alarm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from apps.center import verification
from apps.protection.services import seal

pytestmark = pytest.mark.django_db


def test_what_comes_and_goes_during_the_check_is_no_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seal(kind="batch", subject="old", digest="a")

    def kept() -> Iterator[tuple[str, str]]:
        seal(kind="removal", subject="old", digest="b")
        seal(kind="batch", subject="new", digest="c")
        yield "new", "c"

    monkeypatch.setattr(verification, "KEPT", {"batch": kept})
    assert list(verification.problems()) == []


def test_what_was_never_sealed_or_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seal(kind="batch", subject="gone", digest="a")
    seal(kind="batch", subject="altered", digest="b")
    found = iter([("altered", "x"), ("unsealed", "c")])
    monkeypatch.setattr(verification, "KEPT", {"batch": lambda: found})
    assert list(verification.problems()) == [
        "batch altered is not what was sealed",
        "batch unsealed was never sealed",
        "batch gone was sealed and is gone",
    ]
