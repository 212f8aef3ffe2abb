"""Texts of web pages."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ml_core.kinds.page_grammar import TONGUES, page
from ml_core.kinds.pages import KIND, corpus, parts_of, words
from ml_core.kinds.text import TEST, TextTable


@pytest.mark.parametrize("token", ["HACKED", "h4ck3d", "HaCkEd", "háckéd"])
def test_every_spelling_shares_its_word(token: str) -> None:
    assert parts_of(token)[0] == parts_of("hacked")[0]


def test_how_a_word_is_written_is_told() -> None:
    forms = [parts_of(token)[1] for token in ("hacked", "HACKED", "h4ck3d", "HaCkEd", "Hacked")]
    assert len(set(forms)) == 5
    assert parts_of("2023") == ("number 4", "number")


def test_an_unseen_word_shares_groups_with_those_seen() -> None:
    assert len(set(parts_of("hacker")[2:]) & set(parts_of("hacked")[2:])) >= 3


def test_signs_and_ideograms_are_tokens() -> None:
    words = [span.value for span in KIND.spans("-=[ 黑客 到此 ]=- ./admin")]
    assert words == ["-=[", "黑", "客", "到", "此", "]=-", "./", "admin"]


def test_markup_is_no_part_of_a_page_and_frames_of_names_are() -> None:
    plain = "Hacked by <shadow/> your security is low & we know"
    page_of = (
        "<!DOCTYPE html><html><head><title>Hacked by</title><style>p {color: red}</style></head>"
        "<body bgcolor=black><script>alert(1)</script><h1>&lt;shadow/&gt;</h1>"
        "<p>your security is low &amp; we know</p></body></html>"
    )
    assert words(page_of) == words(plain)
    assert words(json.dumps(["Hacked by <shadow/>", "your security is low & we know"])) == words(
        plain
    )


def test_a_script_that_is_never_closed_is_read() -> None:
    page_of = "<p>a</p><script>b</script><STYLE>c</style ><script>d <style>e</style> f"
    assert words(page_of) == ["a", "d", "f"]


def test_length_and_language_do_not_give_the_class_away() -> None:
    """Only what learns gets other forms; cut pages are as short as defaced ones."""
    normal = [f"shop {i} " + "buy this and that " * 60 for i in range(60)]
    defaced = [f"hacked by team {i} your security is very low today" for i in range(60)]
    y = np.repeat(np.arange(2), 60)
    made = corpus([TextTable("text", normal + defaced, y)], 1)
    lengths = np.asarray([len(text.split()) for text in made.texts])
    learned = made.part != TEST
    assert set(np.asarray(made.texts)[~learned]) <= {*normal, *defaced}
    assert np.median(lengths[learned & (made.y == 0)]) < 40
    assert lengths[learned & (made.y == 1)].max() > 60
    assert not any(
        "hacked" in page(False, TONGUES["de"], np.random.default_rng(i)) for i in range(9)
    )


def test_the_grammar_writes_every_language() -> None:
    rng = np.random.default_rng(1)
    for tongue in TONGUES.values():
        for intruder in (True, False):
            assert page(intruder, tongue, rng).strip()
