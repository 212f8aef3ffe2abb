"""Calls of programs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ml_core.kinds.programs import COPIES, KIND, calls, corpus, parts_of
from ml_core.kinds.system_calls import I386, X86_64
from ml_core.kinds.text import TEST, TRAINING, TextTable

WINDOWS = ["NtOpenFile", "RegSetValueExW", "CreateFileA", "WSASocketW", "NtClose"]


def test_names_that_differ_in_form_are_one_call() -> None:
    names = ("NtCreateFile", "CreateFileW", "ZwCreateFile", "createfilea", "CREATEFILEEXW")
    assert len({tuple(parts_of(name)) for name in names}) == 1
    assert parts_of("CreateFile")[0] == "call create file"


def test_calls_of_either_system_share_what_they_do() -> None:
    for deed, names in {
        "deed write": ("NtWriteFile", "write", "pwrite64"),
        "deed network": ("WSAConnect", "connect", "InternetOpenUrlA"),
        "deed run": ("ShellExecuteExW", "execve", "execveat"),
    }.items():
        assert all(deed in parts_of(name) for name in names)
    assert parts_of("fstat64") == parts_of("fstat")
    assert parts_of("openat") == parts_of("open")


@pytest.mark.parametrize("rewrite", [str.lower, str.upper, str.swapcase])
def test_capitals_do_not_matter(rewrite: type[str]) -> None:
    text = " ".join(WINDOWS)
    assert (KIND.encode([rewrite(text)])[0] == KIND.encode([text])[0]).all()


@pytest.mark.parametrize(
    "spelling",
    [
        ",".join(WINDOWS),
        "; ".join(WINDOWS),
        "\n".join(WINDOWS),
        json.dumps(WINDOWS),
        str(WINDOWS),
        " ".join(f'{name}(0x1, "a b(c", f(2)) = 0x0' for name in WINDOWS),
        json.dumps([{"api": name, "arguments": {"x": 1}} for name in WINDOWS]),
        "|".join(WINDOWS),
    ],
)
def test_spelling_does_not_matter(spelling: str) -> None:
    assert calls(spelling) == WINDOWS


def test_a_trace_is_read_without_what_calls_were_given_and_gave_back() -> None:
    trace = (
        'execve("/bin/sh", ["sh", "-c", "id; close(1)"], 0x7ff /* 9 vars */) = 0\n'
        '12 openat(AT_FDCWD, "/etc/pass(wd", O_RDONLY) = -1 ENOENT (No such file)\n'
        "12 read(3,  <unfinished ...>\n"
        "13 poll([{fd=3, events=POLLIN}], 1, 0) = 0 (Timeout)\n"
        "+++ exited with 0 +++\n"
    )
    assert calls(trace) == ["execve", "openat", "read", "poll"]


def test_numbers_are_read_by_the_table_they_come_from() -> None:
    names = ["execve", "brk", "access", "open", "read", "close", "write"]
    for table in (I386, X86_64):
        number = {name: i for i, name in table.items()}
        assert calls(" ".join(str(number[name]) for name in names)) == names
    assert calls("3 999999999999") == ["read", "number 999999999"]
    assert calls("sys_open __x64_sys_read") == calls("open read")


def test_the_first_call_of_each_name_is_read() -> None:
    names = [span.value for span in KIND.spans("NtClose NtOpenKey NtClose")]
    assert names == ["NtClose", "NtOpenKey"]
    assert calls("3 4 " * 500 + "6") == ["read", "write", "close"]


def test_what_learns_is_also_shown_as_other_recorders_tell_it() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.permutation(WINDOWS * 2)) + f" Call{i}" for i in range(200)]
    made = corpus([TextTable("calls", texts, np.arange(200) % 2)], 1)
    learned = int((made.part[:200] == TRAINING).sum())
    assert len(made.texts) == len(made.y) == len(made.part) == 200 + COPIES * learned
    assert (made.part[200:] == TRAINING).all()
    assert set(made.texts[:200]) == {" ".join(calls(text)) for text in texts}
    assert TEST in made.part
    known = set(" ".join(texts).split())
    for text in made.texts[200:]:
        assert text
        assert set(text.split()) <= known
    lengths = [len(text.split()) for text in made.texts]
    assert np.mean(lengths[200:]) < 0.8 * np.mean(lengths[:200])
