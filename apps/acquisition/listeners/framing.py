"""Where one syslog message ends and the next begins. Pure: bytes in, lines out.

RFC 6587 knows two framings of a stream, and real senders mix them on one connection: a count of
octets before each message, or a delimiter behind it (LF; NUL from Python's handler). Each message
is told apart anew: it is counted where it begins with a number, a space and the `<` of a priority.
"""

from __future__ import annotations

import re

import numpy as np

_COUNTED = re.compile(rb"([1-9]\d{0,8}) <")
_UNDECIDED = re.compile(rb"[1-9]\d{0,8} ?")
_LF, _ONE, _NINE = 10, 49, 57

_NAMED = re.compile(
    rb"<\d{1,3}>(?:"
    rb"[1-9]\d? (?:-|\d{4}-\S+) (?!- )\S+ "  # RFC 5424, whose absent host is a hyphen
    rb"|(?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?|\d{4}-\d\d-\d\dT\S+) \S*[^\s:] )"
)


class Framer:
    """Cuts the stream of one connection into messages, however its bytes are split.

    What is longer than `longest` bytes comes out cut to one byte more, so that whoever reads the
    line rejects and counts it; the rest of it is thrown away as it arrives.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._rest = bytearray()  # the beginning of a message whose end has not come
        self._needed = 0  # bytes of it there must be before looking again
        self._in_line = False  # it ends at the next delimiter
        self._skip = 0  # bytes of a counted message still to be thrown away
        self._deaf = False  # in a line that is too long: until its delimiter

    @property
    def held(self) -> int:
        """Bytes kept of a message that has not ended."""
        return len(self._rest)

    def feed(self, data: bytes) -> bytes:
        """The messages that these bytes complete, each ended by LF."""
        if self._rest:
            self._rest += data
            waiting = len(self._rest) < self._needed or (
                self._in_line
                and len(self._rest) <= self._longest
                and b"\n" not in data
                and b"\0" not in data
            )
            if waiting:
                return b""
            data = bytes(self._rest)
        out: list[bytes] = []
        at = self._cut(data, out)
        self._rest = bytearray(data[at:])
        return b"".join(out)

    def finish(self) -> bytes:
        """What is left when the connection ends: a message without its end is one too."""
        rest, self._rest = bytes(self._rest), bytearray()
        if not rest:
            return b""
        if counted := _COUNTED.match(rest):
            return one_line(rest[counted.end() - 1 :])
        return rest + b"\n"

    def _cut(self, data: bytes, out: list[bytes]) -> int:
        """Appends whole messages to `out`; returns where the first unfinished one begins."""
        at, end = 0, len(data)
        self._needed, self._in_line = 0, False
        while at < end:
            if self._skip:
                step = min(self._skip, end - at)
                self._skip -= step
                at += step
            elif self._deaf:
                at = _delimiter(data, at) + 1 or end
                self._deaf = at == end and data[-1:] not in (b"\n", b"\0")
            elif counted := _COUNTED.match(data, at):
                begin, size = counted.end() - 1, int(counted[1])
                taken = min(size, self._longest + 1)
                if end - begin < taken:
                    self._needed = begin + taken - at
                    return at
                out.append(one_line(data[begin : begin + taken]))
                at = begin + taken
                self._skip = size - taken
            elif _UNDECIDED.fullmatch(data, at):
                return at
            else:
                run = self._run(data, at)
                if run:
                    out.append(self._bounded(run))
                    at += len(run)
                elif end - at > self._longest:
                    out.append(data[at : at + self._longest + 1] + b"\n")
                    self._deaf = True
                    at += self._longest + 1
                else:
                    self._in_line = True
                    return at
        return at

    def _run(self, data: bytes, at: int) -> bytes:
        """All delimited messages from here up to the next counted one, ended by LF."""
        last = max(data.rfind(b"\n", at), data.rfind(b"\0", at))
        run = data[at : last + 1].replace(b"\0", b"\n")
        codes = np.frombuffer(run, dtype=np.uint8)
        starts = np.flatnonzero(codes[:-1] == _LF) + 1
        first = codes[starts]
        for start in starts[(first >= _ONE) & (first <= _NINE)].tolist():
            if _COUNTED.match(data, at + start):
                return run[:start]
        return run

    def _bounded(self, run: bytes) -> bytes:
        if len(run) <= self._longest + 1:
            return run
        ends = np.flatnonzero(np.frombuffer(run, dtype=np.uint8) == _LF)
        if np.diff(ends, prepend=-1).max() <= self._longest + 2:
            return run
        return b"\n".join(line[: self._longest + 1] for line in run.split(b"\n"))


def _delimiter(data: bytes, at: int) -> int:
    """Where the next LF or NUL is; -1 where none is."""
    line, nul = data.find(b"\n", at), data.find(b"\0", at)
    return min(line, nul) if min(line, nul) >= 0 else max(line, nul)


def one_line(message: bytes) -> bytes:
    """A message as one line, ended by LF: a line break within becomes #012, a NUL #000, which is
    what rsyslog writes for them."""
    message = message.rstrip(b"\r\n\0")
    if b"\n" in message:
        message = message.replace(b"\n", b"#012")
    if b"\0" in message:
        message = message.replace(b"\0", b"#000")
    return message + b"\n" if message else b""


def by_host(lines: bytes) -> tuple[bytes, bytes]:
    """Lines, each ended by LF → those that name their host, and those that do not."""
    every = lines.splitlines(keepends=True) if b"\r" not in lines else _split(lines)
    nameless = [line for line in every if not _NAMED.match(line)]
    if not nameless:
        return lines, b""
    if len(nameless) == len(every):
        return b"", lines
    return b"".join(line for line in every if _NAMED.match(line)), b"".join(nameless)


def _split(lines: bytes) -> list[bytes]:
    """As `splitlines(keepends=True)`, by LF alone."""
    return [line + b"\n" for line in lines.split(b"\n")[:-1]]
