"""What a person in the terminal is told."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tocsin.__main__ import main

pytestmark = pytest.mark.django_db


def test_what_is_refused_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["host", "remove", "nobody"]) == 1
    assert capsys.readouterr().err == "tocsin: There is no host called nobody.\n"


def test_an_account_is_made_once_and_can_get_a_new_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["user", "add", "ada", "--role", "approver"]) == 0
    first = capsys.readouterr().out.strip()
    assert User.objects.get().groups.get().name == "approver"
    assert main(["user", "add", "Ada", "--role", "analyst"]) == 1
    assert "an account called Ada already" in capsys.readouterr().err
    assert main(["user", "reset", "ada"]) == 0
    second = capsys.readouterr().out.strip()
    assert not User.objects.get().check_password(first)
    assert User.objects.get().check_password(second)


def test_the_first_account_is_made_where_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["first-account"]) == 0
    assert capsys.readouterr().out.strip()
    assert User.objects.get().groups.get().name == "administrator"
    assert main(["first-account"]) == 0
    assert capsys.readouterr().out == ""
