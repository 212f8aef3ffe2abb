"""Windows event log files (EVTX) → events as JSON lines, as the parser `windows` reads them."""

from __future__ import annotations

import io
import json
import subprocess
import sys

from evtx import PyEvtxParser

SIGNATURE = b"ElfFile\0"
_HEADER, _CHUNK = 4096, 65536
MOST_EVENTS = 2_000_000
_PATIENCE = 120  # seconds


def is_event_log(content: bytes) -> bool:
    return content.startswith(SIGNATURE)


def windows_events(content: bytes) -> tuple[list[str], int]:
    """The events of an EVTX file, in the order of the file, and how many records were unreadable.

    Raises ValueError, one clear sentence, where the file cannot be read at all. A damaged file can
    keep the reader busy for ever, so that it reads in a process of its own.
    """
    if not is_event_log(content):
        raise ValueError("This is no Windows event log file.")
    words = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(words, input=content, capture_output=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise ValueError(
            "This Windows event log file is damaged: its reader never ends."
        ) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ValueError(said[-1] if said else "This Windows event log file is damaged.")
    broken, *events = done.stdout.decode().splitlines()
    return events, int(broken)


def _read(content: bytes) -> tuple[list[str], int]:
    events: list[str] = []
    broken = int((len(content) - _HEADER) % _CHUNK > 0)  # a chunk that is cut is passed over
    try:
        records = iter(PyEvtxParser(io.BytesIO(content), number_of_threads=1).records_json())
    except (RuntimeError, OSError, ValueError) as error:
        raise ValueError(f"This Windows event log file is damaged: {error}") from error
    while len(events) + broken < MOST_EVENTS:
        try:
            record = next(records)
        except StopIteration:
            return events, broken
        except (RuntimeError, OSError, ValueError):
            broken += 1  # of one record or chunk: those after it may be whole
            continue
        if record is not None:
            events.append(json.dumps(json.loads(record["data"])))  # on one line
    raise ValueError(f"This Windows event log file holds more than {MOST_EVENTS} events.")


if __name__ == "__main__":
    try:
        found, unreadable = _read(sys.stdin.buffer.read())
    except ValueError as problem:
        sys.exit(" ".join(str(problem).split()))
    sys.stdout.write("\n".join([str(unreadable), *found]))
