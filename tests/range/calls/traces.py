"""What strace wrote, as one sequence of system calls for each process."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

_CALL = re.compile(r"^(\d+) +(\w+)\(")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>")
_RESULT = re.compile(r" = (-?\d+)(?: |$)")
_PATH = re.compile(r'^\d+ +execve\("([^"]*)"')
_BIRTHS = ("clone", "clone3", "fork", "vfork")


@dataclass
class Process:
    """A thread group: its calls in the order in which they began."""

    pid: int
    parent: int | None
    program: str
    calls: list[str] = field(default_factory=list)


def processes(lines: Iterable[str]) -> list[Process]:
    """Processes of a trace of `strace -f -qq`, the one that was started first at the front.

    Threads are counted in with the process that they are of. A program is the last one that the
    process executed successfully; until it executes one, its parent's.
    """
    found: dict[int, Process] = {}
    group: dict[int, int] = {}  # thread to process
    begun: dict[int, str] = {}  # thread to its unfinished birth or execve

    def of(tid: int) -> Process:
        pid = group.setdefault(tid, tid)
        return found.setdefault(pid, Process(pid, None, ""))

    for line in lines:
        if call := _CALL.match(line):
            tid, name = int(call[1]), call[2]
            of(tid).calls.append(name)
            whole = line
        elif call := _RESUMED.match(line):
            tid, name = int(call[1]), call[2]
            whole = begun.pop(tid, "") + line
        else:
            continue
        if name not in _BIRTHS and name != "execve":
            continue
        results = _RESULT.findall(whole)
        if not results:
            begun[tid] = whole
            continue
        result = int(results[-1])
        process = of(tid)
        if name == "execve":
            if result == 0 and (path := _PATH.match(whole)):
                process.program = PurePosixPath(path[1]).name
        elif result > 0 and "CLONE_THREAD" in whole:
            # its first calls may have been written before this line
            early = found.pop(result, None)
            process.calls += early.calls if early else []
            group[result] = process.pid
        elif result > 0:
            child = of(result)
            child.parent = process.pid
            child.program = child.program or process.program
    return list(found.values())
