"""Connections that never say what they want, on real sockets."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPResponse
from typing import Any

import pytest

from tests.serving import served
from tocsin import http

HEAD = b"GET / HTTP/1.1\r\nHost: tocsin\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nHo"
MOST = 8

Connect = Callable[[bytes], socket.socket]


async def application(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Opens a connection and sends what it is given."""
    monkeypatch.setattr(http, "HEAD_SECONDS", 2.0)
    # connections are closed before the server is told to stop
    with (
        served(application, http=http.PromptHttp, limit_concurrency=MOST) as address,
        ExitStack() as opened,
    ):

        def connect(content: bytes) -> socket.socket:
            one = opened.enter_context(socket.create_connection(address, 10))
            one.sendall(content)
            return one

        yield connect


def status(one: socket.socket) -> int:
    """Of one whole answer: its head and its body may come in two pieces."""
    answer = HTTPResponse(one)
    answer.begin()
    answer.read()
    return answer.status


def is_open(one: socket.socket) -> bool:
    one.settimeout(0.05)
    try:
        return one.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def left(some: list[socket.socket]) -> int:
    return sum(is_open(one) for one in some)


def test_slow_heads_keep_nobody_out_and_are_gone_after_a_while(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "PROMPT", 60.0)
    slow = [connect(HALF) for _ in range(260)] + [connect(b"") for _ in range(260)]
    assert status(connect(HEAD)) == 200
    deadline = time.monotonic() + 10
    while slow and time.monotonic() < deadline:
        slow = [one for one in slow if is_open(one)]
    assert not slow
    assert status(connect(HEAD)) == 200


def test_a_letter_now_and_then_wins_no_time(connect: Connect) -> None:
    one, began = connect(HALF), time.monotonic()
    with suppress(OSError):
        while is_open(one) and time.monotonic() - began < 10:
            one.sendall(b"o")
            time.sleep(0.1)
    assert 1.5 < time.monotonic() - began < 5


def test_a_later_request_of_a_connection_has_its_time_too(connect: Connect) -> None:
    one = connect(HEAD)
    assert status(one) == 200
    one.sendall(HEAD + HALF)
    assert status(one) == 200
    one.sendall(b"o")
    began = time.monotonic()
    while one.recv(4096):
        assert time.monotonic() - began < 4, "uvicorn's own patience between requests is 5 s"


def test_beyond_its_share_who_waited_longest_gives_way(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "HEAD_SECONDS", 60.0)
    slow = [connect(HALF) for _ in range(100)]
    assert left(slow) == 100, "all came at once, as through a proxy"
    assert status(connect(HEAD)) == 200
    time.sleep(http.PROMPT)
    assert status(connect(HEAD)) == 200
    assert left(slow) == http.SHARE - 1
    assert all(map(is_open, slow[-http.SHARE + 1 :]))


def test_who_asks_beyond_the_limit_is_told_when_to_come_again(connect: Connect) -> None:
    for _ in range(MOST - 1):
        assert status(connect(HEAD)) == 200  # and stays, idle
    answer = connect(HEAD).recv(4096).lower()
    assert answer.startswith(b"http/1.1 503")
    assert b"retry-after: 1" in answer
