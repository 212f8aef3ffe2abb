"""Bodies that never end, on real sockets, before the real pages."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPResponse

import pytest
from django.conf import settings

from tests.serving import served
from tocsin import asgi, bodies

MOST = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
HEAD = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"

Connect = Callable[[bytes], socket.socket]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Opens a connection and sends what it is given."""
    monkeypatch.setattr(bodies, "PATIENCE", 1.0)
    # connections are closed before the server is told to stop
    with served(asgi.application) as address, ExitStack() as opened:

        def connect(content: bytes) -> socket.socket:
            one = opened.enter_context(socket.create_connection(address, 60))
            one.sendall(content)
            return one

        yield connect


def answer(one: socket.socket) -> tuple[int, str]:
    told = HTTPResponse(one)
    told.begin()
    return told.status, told.read().decode()


def test_a_body_that_does_not_come_is_not_waited_for(connect: Connect) -> None:
    status, said = answer(connect(HEAD % (b"/login/", 100) + b"username="))
    assert status == 408
    assert "in time" in said


def test_a_letter_now_and_then_wins_no_time(connect: Connect) -> None:
    one, stop = connect(HEAD % (b"/login/", 100_000)), threading.Event()

    def drip() -> None:
        with suppress(OSError):
            while not stop.wait(0.1):
                one.sendall(b"x")

    dripping = threading.Thread(target=drip, daemon=True)
    dripping.start()
    assert answer(one)[0] == 408
    stop.set()
    dripping.join()


def test_whoever_sends_fast_enough_has_the_time_it_takes(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SLOWEST", 10)
    one = connect(HEAD % (b"/login/", 300))
    for _ in range(15):  # longer than the patience, in all
        time.sleep(0.1)
        one.sendall(b"x" * 20)
    assert answer(one)[0] == 403  # whole, and refused by Django: there is no CSRF token


@pytest.mark.parametrize("path", [b"/login/", b"/upload/"])
def test_a_body_that_says_it_is_too_large_is_not_read(connect: Connect, path: bytes) -> None:
    status, said = answer(connect(HEAD % (path, asgi.most(path.decode()) + 1)))
    assert status == 413
    assert "larger than" in said


def test_a_body_without_an_end_is_cut(connect: Connect) -> None:
    one, piece = connect(CHUNKED), b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with suppress(OSError):
        for _ in range(MOST // 0x10000 + 2):
            one.sendall(piece)
    assert answer(one)[0] == 413


def test_bodies_that_are_too_many_together_wait_but_one_alone_passes(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 60.0)
    monkeypatch.setattr(asgi.django, "_together", 1000)
    first = connect(HEAD % (b"/login/", 3000) + b"x" * 2000)
    deadline = time.monotonic() + 20
    while asgi.django._held < 2000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert answer(connect(HEAD % (b"/login/", 10) + b"x" * 10))[0] == 503
    first.sendall(b"x" * 1000)
    assert answer(first)[0] == 403
    while asgi.django._held:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert answer(connect(HEAD % (b"/login/", 10) + b"x" * 10))[0] == 403
