"""HTTP requests out of captured packets: streams put together, and a forgiving parser."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.acquisition.traffic.http_messages import MOST_BODY, SCHEMA
from apps.acquisition.traffic.tcp_streams import Segment, reassemble
from apps.acquisition.traffic.whole import read
from tests.acquisition import wire
from tests.acquisition.wire import ACK, PSH, SYN

START = 1_700_000_000_000_000
CLIENT, SERVER = ("192.0.2.9", 40_000), ("198.51.100.1", 8_080)
GET = b"GET /shop?id=1%27+or+1 HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent: probe\r\n\r\n"


def segment(out: bool, seq: int, data: bytes = b"", flags: int = ACK | PSH) -> bytes:
    source, target = (CLIENT, SERVER) if out else (SERVER, CLIENT)
    body = wire.tcp(source[1], target[1], flags, data, seq=seq % (1 << 32))
    return wire.ipv4(source[0], target[0], wire.TCP, body)


def table_of(*segments: bytes) -> pl.DataFrame:
    timed = [(START + number, packet) for number, packet in enumerate(segments)]
    return read(wire.pcap(timed, link=101)).requests


def requests(*segments: bytes) -> list[dict[str, object]]:
    return table_of(*segments).to_dicts()


def asked(*data: bytes) -> list[dict[str, object]]:
    """The requests in bytes that a client sends, one segment after the other."""
    at, segments = 1, []
    for part in data:
        segments.append(segment(True, at, part))
        at += len(part)
    return requests(segments[0], *segments[1:])


def test_a_request_and_its_response_make_one_row() -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    (row,) = requests(
        segment(True, 0, flags=SYN),
        segment(False, 0, flags=SYN | ACK),
        segment(True, 1, GET),
        segment(False, 1, page),
    )
    moment = datetime.fromtimestamp(START / 1e6, UTC) + timedelta(microseconds=2)
    assert row.pop("@timestamp") == moment
    assert row == {
        "source.ip": "192.0.2.9",
        "source.port": 40_000,
        "destination.ip": "198.51.100.1",
        "destination.port": 8_080,
        "http.request.method": "GET",
        "url.original": "/shop?id=1%27+or+1",
        "url.path": "/shop",
        "url.query": "id=1%27+or+1",
        "url.domain": "shop.example",
        "user_agent.original": "probe",
        "http.request.referrer": None,
        "http.request.body.content": None,
        "http.request.body.bytes": 0,
        "http.response.status_code": 200,
        "http.response.body.bytes": 5,
    }


def test_a_request_in_pieces_out_of_order_and_sent_twice_is_read_once() -> None:
    cuts = [(0, 2), (2, 5), (5, 40), (40, len(GET))]
    parts = [segment(True, 0xFFFF_FFFF + low, GET[low:high]) for low, high in cuts]
    found = requests(parts[0], parts[3], parts[1], parts[3], parts[2])
    assert [row["user_agent.original"] for row in found] == ["probe"]


def test_pipelined_requests_find_their_responses_in_order() -> None:
    post = b"POST /login HTTP/1.1\r\nContent-Length: 9\r\n\r\nuser=root"
    head = b"HEAD / HTTP/1.1\r\n\r\n"
    answers = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"
    answers += b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nHTTP/1.1 404 No\r\n\r\nnone here"
    found = requests(segment(True, 1, post + head + GET), segment(False, 1, answers))
    assert [(row["http.request.method"], row["http.response.status_code"]) for row in found] == [
        ("POST", 302),
        ("HEAD", 200),
        ("GET", 404),
    ]
    assert found[0]["http.request.body.content"] == "user=root"
    assert found[2]["http.response.body.bytes"] == 9


def test_a_chunked_body_is_joined_and_the_next_request_found_behind_it() -> None:
    chunked = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
    first, second = asked(chunked + GET)
    assert (first["http.request.body.content"], first["http.request.body.bytes"]) == ("abcde", 5)
    assert second["url.path"] == "/shop"


def test_of_a_long_body_the_beginning_is_kept_and_the_whole_is_counted() -> None:
    body = bytes(range(256)) * 40
    (row,) = asked(b"PUT /f HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body), body)
    kept = body[:MOST_BODY].decode("latin-1").replace("\0", "\ufffd")
    assert (row["http.request.body.content"], row["http.request.body.bytes"]) == (kept, len(body))


def test_lost_bytes_cost_their_request_and_no_other() -> None:
    lost = len(GET)
    found = requests(
        segment(True, 1, GET),
        segment(False, 1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        segment(True, 1 + len(GET) + lost, GET),
        segment(False, 400, b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"),
    )
    assert [row["http.response.status_code"] for row in found] == [200, 403]


def test_a_port_used_again_is_another_connection() -> None:
    found = requests(
        segment(True, 100, flags=SYN),
        segment(True, 101, GET),
        segment(True, 5, flags=SYN),
        segment(True, 6, GET.replace(b"shop?", b"cart?")),
    )
    assert [row["url.path"] for row in found] == ["/shop", "/cart"]


@pytest.mark.parametrize(
    ("sent", "method", "original"),
    [
        (b"GET /a b' OR '1 HTTP/1.1\r\n\r\n", "GET", "/a b' OR '1"),
        (b"get /x HTTP/1.1\n\n", "get", "/x"),
        (b"GET /old\r\n", "GET", "/old"),
        (b"FROB /x HTTP/1.0\r\n\r\n", "FROB", "/x"),
        (b"GET /\xff\0\x01 HTTP/1.1\r\nno colon\r\n: \r\n\r\n", "GET", "/\xff\ufffd\x01"),
        (b"GET /" + b"A" * 3_000, "GET", "/" + "A" * 3_000),  # cut by the end of the capture
        (b"POST /slow HTTP/1.1\r\nX-a: b\r\n", "POST", "/slow"),  # headers that never end
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "POST", "/"),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS", "*"),
    ],
)
def test_malformed_requests_are_kept_as_they_were_sent(
    sent: bytes, method: str, original: str
) -> None:
    (row,) = asked(sent)
    assert (row["http.request.method"], row["url.original"]) == (method, original)


@pytest.mark.parametrize(
    ("sent", "domain", "path", "query"),
    [
        (b"GET http://a.example:81/p?q HTTP/1.1\r\nHost: b\r\n\r\n", "a.example", "/p", "q"),
        (b"GET /p?q?r HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "2001:db8::1", "/p", "q?r"),
        (b"GET /p? HTTP/1.1\r\n\r\n", None, "/p", ""),
        (b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", "h", "h:443", None),
    ],
)
def test_targets_are_taken_apart(
    sent: bytes, domain: str | None, path: str, query: str | None
) -> None:
    (row,) = asked(sent)
    assert (row["url.domain"], row["url.path"], row["url.query"]) == (domain, path, query)


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"USER anonymous\r\nPASS x\r\n",
        b"EHLO mail.example\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET the milk\r\n",
    ],
)
def test_what_other_protocols_say_is_no_request(sent: bytes) -> None:
    assert asked(sent) == []


def test_no_requests_give_an_empty_table_of_the_full_shape() -> None:
    assert table_of().schema == pl.Schema(SCHEMA)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(min_size=1, max_size=400),
    st.randoms(use_true_random=False),
    st.integers(0, 2**32 - 1),
)
def test_a_stream_is_put_together_whatever_the_order_and_overlap_of_its_segments(
    stream: bytes, chance: random.Random, first: int
) -> None:
    cuts = sorted({0, len(stream), *(chance.randrange(len(stream) + 1) for _ in range(6))})
    spans = [(max(low - chance.randrange(3), 0), high) for low, high in pairwise(cuts)]
    spans += [chance.choice(spans)]
    chance.shuffle(spans)
    opening: Segment = ((first - 1) % 2**32, True, b"", 0)
    sent: list[Segment] = [
        ((first + low) % 2**32, False, stream[low:high], 0) for low, high in spans
    ]
    (piece,) = reassemble([opening, *sent[:3], opening, *sent[3:]])
    assert piece.data == stream


_LINES = st.sampled_from(
    [
        *(GET, b"GET ", b"POST / HTTP/1.1\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n", b" "),
        *(b"Content-Length: 99999\r\n", b"ffffffff\r\n", b"0\r\n", b"\0\xff", b"\n"),
        b"HTTP/1.1 200 OK\r\n",
    ]
)


@settings(max_examples=300, deadline=5_000)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 300), st.lists(_LINES | st.binary()))))
def test_hostile_streams_are_read_without_error(
    sent: list[tuple[bool, int, list[bytes]]],
) -> None:
    table = table_of(*(segment(out, seq, b"".join(lines)) for out, seq, lines in sent))
    assert table.schema == pl.Schema(SCHEMA)
    assert table["url.original"].null_count() == 0


@pytest.mark.parametrize(
    "unit", [b"GET / HTTP/1.1\r\nA: ", b" " * 30, b"1\r\nx\r\n", b"GET /", b"\n", b"A" * 30]
)
def test_a_long_repetitive_stream_takes_time_in_proportion(unit: bytes) -> None:
    opening = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    stream = opening + unit * (1_000_000 // len(unit))
    parts = [segment(True, 1 + at, stream[at : at + 1_400]) for at in range(0, len(stream), 1_400)]
    began = time.perf_counter()
    table_of(*parts)
    assert time.perf_counter() - began < 5
