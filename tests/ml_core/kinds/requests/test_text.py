"""Requests as the network reads them."""

from __future__ import annotations

import numpy as np
import pytest

from ml_core.kinds.requests.text import LENGTH, decoded, encode, fields


@pytest.mark.parametrize(
    "text",
    [
        "GET /item?id=1%27+OR+%271%27%3D%271",
        "get /item?id=1' or '1'='1\n",
        "GET /item?id=1%2527%20OR%20%25271%2527=%25271",
    ],
    ids=["encoded", "plain", "encoded twice"],
)
def test_one_spelling_for_every_encoding(text: str) -> None:
    assert decoded(text) == b"get /item?id=1' or '1'='1"


def test_an_encoded_ampersand_belongs_to_its_value() -> None:
    raw = decoded("GET /p?a=1%26%26id&b=2")
    assert [(f.name, raw[f.start : f.end]) for f in fields(raw)] == [
        ("http.request.method", b"get"),
        ("url.path", b"/p"),
        ("url.query[a]", b"a=1&&id"),
        ("url.query[b]", b"b=2"),
    ]


def test_form_parameters_are_told_apart_and_json_is_left_whole() -> None:
    form = decoded("POST /login?next=/\nuser=a+b&password=c")
    assert [f.name for f in fields(form)] == [
        "http.request.method",
        "url.path",
        "url.query[next]",
        "http.request.body.content[user]",
        "http.request.body.content[password]",
    ]
    json = decoded('POST /api\n{"q": "a&b+c"}')
    assert b'{"q": "a&b+c"}' in json
    assert [f.name for f in fields(json)][-1] == "http.request.body.content"


def test_a_text_without_a_method_is_one_value() -> None:
    assert [f.name for f in fields(decoded("1' or '1'='1"))] == ["http.request"]


def test_long_requests_keep_beginning_and_end_and_nothing_becomes_padding() -> None:
    text, lengths = encode(["GET /" + "a" * 2000 + "/../../etc/passwd", "", "GET /\0x"])
    assert lengths.tolist()[0] == LENGTH
    assert text[0].tobytes().endswith(b"/../../etc/passwd")
    assert lengths.min() >= 1
    for row, length in zip(text, lengths, strict=True):
        assert (row[:length] > 0).all()
        assert (row[length:] == 0).all()


def test_any_text_is_taken() -> None:
    texts = ["\udcff\udc80", "GET /%zz%", "日本語" * 300, "\n\n\n", "%"]
    text, _ = encode(texts)
    assert text.dtype == np.uint8
    assert text.shape == (5, LENGTH)
