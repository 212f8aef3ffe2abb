"""Names that people give can be seen, and told from each other."""

from __future__ import annotations

import pytest

from apps.contracts import Refused
from apps.protection.names import checked_name


@pytest.mark.parametrize(
    "name",
    [
        "web\u200bserver",  # no width
        "\u202egpj.exe",  # written from right to left
        "\u2066web\u2069",
        "web\ufeff",
        "web\u00adserver",
        "web\nserver",
        "web\tserver",
        "web\0",
        "web\u00a0server",  # a space that is not the space
        "web\u3164",  # a letter that is blank
        "web\u2028",
        "web\ufe0e",  # variants of a sign that has none
        "web\ufe0f",
        "web\U000e0100",
        "web\u180b",
        "\ufe0f",
        "web\u200cserver",  # joins and parts nothing
        "می\u200c",
        "کار\u200cها",  # that letter joins no other
        "\u0915\u094d\u200dx",
        "می\u200c\u200cخواهم",
        "می\u200dخواهم",
        "web\ud800",  # half a character: no database keeps it
    ],
)
def test_a_name_holds_nothing_that_cannot_be_seen(name: str) -> None:
    with pytest.raises(Refused, match=r"cannot be seen \(U\+[0-9A-F]{4,5}\)"):
        checked_name(name)


@pytest.mark.parametrize("name", ["", "   ", "\u0301"])
def test_a_name_is_not_empty_to_the_eye(name: str) -> None:
    with pytest.raises(Refused, match="needs a letter"):
        checked_name(name)


def test_a_name_is_not_endless() -> None:
    assert checked_name("n" * 100) == "n" * 100
    with pytest.raises(Refused, match="at most 100"):
        checked_name("n" * 101)


def test_names_that_are_written_in_two_ways_are_one() -> None:
    assert checked_name("cafe\u0301") == checked_name("caf\u00e9")
    assert checked_name(" web   server ") == "web server"


@pytest.mark.parametrize(
    "name",
    [
        "web servers", "Büro №2", "服务器", "خادم الويب", "हिन्दी", "❤️",
        "می\u200cخواهم",  # Persian parts what would join
        "क्\u200dष",  # a half letter
        "ශ්\u200dරී",
    ],
)  # fmt: skip
def test_every_script_has_names(name: str) -> None:
    assert checked_name(f" {name} ") == name
