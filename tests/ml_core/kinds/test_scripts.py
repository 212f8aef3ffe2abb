"""Tokens of scripts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ml_core.kinds.scripts import KIND, corpus, nameless, parts_of, tokens
from ml_core.kinds.text import TEST, TRAINING, TextTable


@pytest.mark.parametrize("token", ["i:eval", "S:eval", "T_EVAL", "eval", "INIT_FCALL:eval"])
def test_a_word_is_the_same_in_every_language(token: str) -> None:
    assert parts_of(token) == ("token eval", "deed run")


def test_words_strings_and_signs_are_told_apart() -> None:
    assert parts_of("STR<16-63>") == parts_of("T_CONSTANT_ENCAPSED_STRING<m>")
    assert parts_of("STRB64<16-63>")[:2] == parts_of("STR<16-63>")[:2]
    assert parts_of("::") == parts_of("T_DOUBLE_COLON") == ("sign ::",)
    assert parts_of("o:-bor") == ("sign |",)
    assert {"word from", "word string"} <= set(parts_of("i:FromBase64String"))
    assert {"word array", "word filter"} <= set(parts_of("INIT_FCALL:array_filter"))


def test_what_functions_do_is_the_same_in_every_language() -> None:
    for deed, names in {
        "deed decode": ("i:frombase64string", "S:base64_decode", "i:unescape"),
        "deed write": ("i:set-content", "S:file_put_contents", "i:saveToFile"),
        "deed run": ("i:iex", "S:shell_exec", "i:eval", "i:invoke-expression"),
    }.items():
        assert all(deed in parts_of(name) for name in names)


def test_names_that_mean_nothing_elsewhere_can_be_left_out() -> None:
    assert nameless("i:velvit = i:eval ( ID , STR<0> )") == "ID = i:eval ( ID , STR<0> )"


@pytest.mark.parametrize(
    ("source", "read"),
    [
        (
            "eval(base64_decode($_POST['x']));",
            "eval ( base64_decode ( $_POST [ STR<1-3> ] ) ) ;",
        ),
        ('new ActiveXObject("WScript.Shell").Run(cmd, 0)',
         "new ActiveXObject ( STR<4-15> ) . Run ( cmd , NUM )"),
        ("$a = 0x1F; /* it's */ $b = \"\"", "$a = HEX ; COM $b = STR<0>"),
        ("x=atob('QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=')", "x = atob ( STRB64<16-63> )"),
        ("f(\"a\\\"b", 'f ( " a \\ " b'),  # never closed: signs and names, no string
        ("/* a; \"b\" <# 'c'", "/ * a ; STR<1-3> < # STR<1-3>"),
        ("ECHO,INIT_FCALL:crypt,RETURN", "ECHO INIT_FCALL:crypt RETURN"),
    ],
)  # fmt: skip
def test_source_text_is_taken_apart(source: str, read: str) -> None:
    assert tokens(source) == read.split()


def test_spelling_does_not_matter() -> None:
    text = "i:eval ( STR<4-15> ) ; $x = INIT_FCALL:trim T_CONSTANT_ENCAPSED_STRING<m>"
    assert tokens(text) == tokens(json.dumps(text.split())) == text.split()
    assert tokens(text.replace(" ", "\n")) == text.split()


def test_every_token_that_is_read_can_be_blamed() -> None:
    text = " ".join(f"i:name{i}" for i in range(1000))
    _, lengths = KIND.encode([text])
    spans = KIND.spans(text)
    assert [span.start for span in spans] == list(range(int(lengths[0])))
    assert spans[-1].value == "i:name999"


def test_what_is_tested_keeps_its_names() -> None:
    texts = [
        f"i:foo{i % 9}{chr(97 + i % 26)}{chr(97 + i // 26)} = i:eval ( STR<0> )" for i in range(400)
    ]
    made = corpus([TextTable("tokens", texts, np.arange(400) % 2)], 1)
    assert set(np.asarray(made.texts)[made.part == TEST]) <= set(texts)
    shown = set(np.asarray(made.texts)[made.part == TRAINING]) - set(texts)
    assert shown == {"ID = i:eval ( STR<0> )"}
