"""Where a message ends: any split of a stream gives the same messages, and those that were sent."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.acquisition.listeners.framing import Framer, by_host, one_line

LONGEST = 20

messages = st.binary(max_size=30)
odd = st.sampled_from(
    [b"12 ", b"5 <a", b"\n", b"\0", b"123456789", b"1234567890 <", b"0 <", b"7", b"\r\n", b"9 <"]
)
parts = st.one_of(
    messages.map(lambda message: message + b"\n"),
    messages.map(lambda message: b"%d <%s" % (len(message) + 1, message)),
    odd,
)
streams = st.lists(parts, max_size=8).map(b"".join)


def cut(stream: bytes, cuts: list[int], longest: int = LONGEST) -> list[bytes]:
    framer, out, at = Framer(longest), b"", 0
    for end in [*sorted(min(cut, len(stream)) for cut in cuts), len(stream)]:
        out += framer.feed(stream[at:end])
        at = end
    return [line for line in (out + framer.finish()).split(b"\n") if line]


@given(streams, st.lists(st.integers(0, 120), max_size=12))
@settings(max_examples=1500, deadline=None)
def test_any_split_of_a_stream_gives_the_same_messages(stream: bytes, cuts: list[int]) -> None:
    whole = cut(stream, [])
    assert cut(stream, cuts) == whole
    assert cut(stream, list(range(len(stream)))) == whole


framed = st.tuples(
    st.sampled_from(["counted", "line", "nul"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), max_size=60),
)


@given(st.lists(framed, max_size=12), st.lists(st.integers(0, 900), max_size=20))
@settings(max_examples=500, deadline=None)
def test_framings_are_told_apart_message_by_message(
    sent: list[tuple[str, str]], cuts: list[int]
) -> None:
    texts = [b"<13>" + text.encode() for _, text in sent]
    stream = b"".join(
        {"counted": b"%d %s" % (len(text), text), "line": text + b"\n", "nul": text + b"\0"}[kind]
        for (kind, _), text in zip(sent, texts, strict=True)
    )
    assert cut(stream, cuts, 1000) == texts


@given(streams, st.lists(st.integers(0, 120), max_size=12))
@settings(max_examples=300, deadline=None)
def test_no_more_is_held_than_a_message_may_have(stream: bytes, cuts: list[int]) -> None:
    framer, at = Framer(LONGEST), 0
    for end in [*sorted(min(cut, len(stream)) for cut in cuts), len(stream)]:
        framer.feed(stream[at:end])
        at = end
        assert framer.held <= LONGEST + 12  # and its count


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"11 <13>a\nb\n c\n", [b"<13>a#012b", b"c"]),  # a break inside a counted message
        (b"2026-11-22 10:00 up\n9 <13>a b c", [b"2026-11-22 10:00 up", b"<13>a b c"]),
        (b"57 lines\n4 <1>a4 <1>b", [b"57 lines", b"<1>a", b"<1>b"]),
        (b"30 <13>cut off", [b"<13>cut off"]),
        (b"<13>a\r\n\n\n\0<13>b", [b"<13>a\r", b"<13>b"]),
        (b"x" * 50 + b"\ny\n", [b"x" * 21, b"y"]),
        (b"50 <" + b"x" * 49 + b"y\n", [b"<" + b"x" * 20, b"y"]),
    ],
)
def test_streams_as_senders_write_them(stream: bytes, expected: list[bytes]) -> None:
    stream = stream.replace(b"11 <13>a\nb\n c\n", b"8 <13>a\nb\nc\n")
    assert cut(stream, []) == expected


def test_a_datagram_is_one_line() -> None:
    assert one_line(b"<13>a\nb\0c\r\n\0") == b"<13>a#012b#000c\n"
    assert one_line(b"\0\n") == b""


def test_lines_that_name_no_host_are_told_from_those_that_do() -> None:
    named = [
        b"<34>Oct 11 22:14:15 gateway su: x",
        b"<34>1 2026-10-11T22:14:15Z gateway su - - - x",
        b"<34>1 - gateway su - - - x",
        b"<34>2026-10-11T22:14:15.003Z gateway su[1]: x",
    ]
    nameless = [
        b"<34>Oct 11 22:14:15 su[7]: x",
        b"<34>1 2026-10-11T22:14:15Z - su - - - x",
        b"<13>app: x\r",
        b'{"json": 1}',
    ]
    mixed = b"".join(a + b"\n" + b + b"\n" for a, b in zip(named, nameless, strict=True))
    assert by_host(mixed) == (b"\n".join(named) + b"\n", b"\n".join(nameless) + b"\n")
