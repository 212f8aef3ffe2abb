"""Calls of programs."""

from __future__ import annotations

from ml_core.kinds.programs import KIND, parts_of


def test_names_that_differ_in_form_share_what_they_do() -> None:
    names = [set(parts_of(name)) for name in ("NtCreateFile", "CreateFileW", "ZwCreateFile")]
    assert "bare create file" in set.intersection(*names)
    assert parts_of("NtCreateFile")[0] != parts_of("CreateFileW")[0]


def test_letters_of_either_case_are_one_call_and_numbers_are_numbers() -> None:
    assert parts_of("LdrLoadDll")[0] == parts_of("ldrloaddll")[0]
    assert parts_of("102") == ["number 102"]


def test_of_names_the_first_call_is_read_and_of_numbers_every_one() -> None:
    names = [span.value for span in KIND.spans("NtClose NtOpenKey NtClose")]
    assert names == ["NtClose", "NtOpenKey"]
    _, lengths = KIND.encode(["5 3 5 3", "NtClose NtClose"])
    assert lengths.tolist() == [4, 1]
