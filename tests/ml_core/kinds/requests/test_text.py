"""Requests as the network reads them."""

from __future__ import annotations

from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    assert decoded(text) == b"/item?id=1' or '1'='1"


@pytest.mark.parametrize(
    "text",
    [
        "GET /shop/item?id=1%27&n=2 HTTP/1.1\r\nHost: a.example\r\nCookie: k=v\r\n\r\n",
        "GET http://a.example:8080/shop/item?id=1%27&n=2 HTTP/1.1",
        "get http://a.example/shop/item?id=1'&n=2",
        "GET /shop/item?id=1%27&n=2",
        "/shop/item?id=1%27&n=2",
        "https://a.example/shop/item?id=1%27&n=2",
        '9.9.9.9 - - [22/Dec/2016:16:33:03 +0300] "GET /shop/item?id=1%27&n=2 HTTP/1.1" 200 9 "-"',
    ],
    ids=["raw", "proxied", "lower case", "short", "target", "address", "logged"],
)
def test_one_spelling_for_every_form(text: str) -> None:
    assert decoded(text) == b"/shop/item?id=1'\x1fn=2"


def test_an_address_in_a_parameter_stays_whole() -> None:
    for line in ("GET {0}", "GET http://a.example{0} HTTP/1.1", "{0}"):
        said = line.format("/out?url=http://127.0.0.1/admin&x=1")
        assert decoded(said) == b"/out?url=http://127.0.0.1/admin\x1fx=1"


WORDS = st.text("abcxyz019_-", min_size=1, max_size=8)
TYPED = st.text("abz019 '\"<>()=;/.|$`{}#*,:!", min_size=1, max_size=30)
WRITTEN = (
    "GET {0}",
    "GET {0} HTTP/1.1",
    '"GET {0} HTTP/1.1"',
    '"GET {0} HTTP/2" 200 512',
    "  GET {0} HTTP/1.1  ",
    "GET\t{0}\tHTTP/1.1",
    "GET https://a.example:8443{0} HTTP/1.1",
    "GET {0} HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\n\r\n",
    "GET {0} HTTP/1.1\nHost: a.example\n\n",
    "GET {0} HTTP/1.1\\r\\nHost: a.example\\r\\n\\r\\n",
    "{0}",
    "{0} HTTP/1.1",
    "http://a.example{0}",
)


@settings(deadline=None, max_examples=60)
@given(st.lists(WORDS, min_size=1, max_size=3), WORDS, TYPED, st.integers(1, 3))
def test_any_target_has_one_spelling(path: list[str], name: str, value: str, codes: int) -> None:
    coded = value
    for _ in range(codes):
        coded = quote(coded, safe="")
    target = f"/{'/'.join(path)}?{name}={coded}&n=2"
    plain = f"/{'/'.join(path)}?{name}={value}\x1fn=2".encode()
    assert {decoded(form.format(target)) for form in WRITTEN} == {plain}


@settings(deadline=None, max_examples=60)
@given(TYPED, st.integers(1, 3))
def test_a_bare_value_has_one_spelling_however_often_it_is_encoded(value: str, codes: int) -> None:
    coded = value
    for _ in range(codes):
        coded = quote(coded, safe="")
    if "%" in coded:
        assert decoded(coded) == value.lower().encode()


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_no_text_is_refused_and_none_grows_beyond_its_length(text: str) -> None:
    steps, lengths = encode([text])
    assert 1 <= lengths[0] <= LENGTH
    assert (steps[0, lengths[0] :] == 0).all()


def test_headers_go_and_the_body_stays() -> None:
    raw = "POST /login HTTP/1.1\nHost: a.example\nAccept: */*\n\nuser=a+b&password=c\n"
    assert decoded(raw) == decoded("POST /login\nuser=a+b&password=c")
    assert decoded("POST /note\nSubject: x\n\ny") == b"/note\ny"
    assert decoded("POST /note\nI say: this\nstays") == b"/note\ni say: this\nstays"


def test_a_body_like_a_log_hides_no_request() -> None:
    hidden = 'POST /login?id=1%27--\n] "GET / HTTP/1.1" 200 9'
    assert decoded(hidden) == b'/login?id=1\'--\n] "get / http/1.1" 200 9'


@pytest.mark.parametrize(
    "value",
    [
        "delete * from users",
        "select /*x*/ 1",
        "get well soon",
        "a&b=c d",
        "http://evil.example/x.txt",
    ],
)
def test_a_value_that_begins_like_a_request_is_left_whole(value: str) -> None:
    assert decoded(value) == value.encode()


@pytest.mark.parametrize(
    ("hidden", "plain"),
    [
        ("..%c0%af..%c0%afetc", b"../../etc"),
        ("%u003cscript%u003e", b"<script>"),
        ("\\x3cscript\\u003e", b"<script>"),
        ("1+union+select+2", b"1 union select 2"),
        ("C++", b"c++"),
        ("a%F1adir", b"a\x80adir"),
        ("añadir", b"a\x80adir"),
        ("a\ufffdadir", b"a\x80adir"),
    ],
)
def test_what_hides_a_value_or_gives_its_charset_away_is_undone(hidden: str, plain: bytes) -> None:
    assert decoded(hidden) == plain


def test_an_encoded_ampersand_belongs_to_its_value() -> None:
    raw = decoded("GET /p?a=1%26%26id&b=2")
    assert [(f.name, raw[f.start : f.end]) for f in fields(raw)] == [
        ("url.path", b"/p"),
        ("url.query[a]", b"a=1&&id"),
        ("url.query[b]", b"b=2"),
    ]


def test_form_parameters_are_told_apart_and_json_is_left_whole() -> None:
    form = decoded("POST /login?next=/\nuser=a+b&password=c")
    assert [f.name for f in fields(form)] == [
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


def test_half_of_a_pair_is_read_like_another_letter_that_is_lost() -> None:
    assert decoded("/a?q=x\ud800y") == decoded("/a?q=x?y")
