"""Traces of strace become one sequence of calls for each process."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.range.calls.traces import Process, processes

TRACE = """\
10 execve("/usr/bin/bash", ["bash"], 0x7ffc /* 3 vars */) = 0
10 brk(NULL) = 0x55
10 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD <unfinished ...>
11 set_robust_list(0x7f, 24) = 0
10 <... clone resumed>, child_tidptr=0x7f) = 11
10 wait4(-1, <unfinished ...>
11 execve("/none/python3", ["python3"], 0x55 /* 3 vars */) = -1 ENOENT (No such file or directory)
11 execve("/usr/bin/python3", ["python3"], 0x55 /* 3 vars */ <unfinished ...>
11 <... execve resumed>) = 0
11 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD, child_tid=0x7f} <unfinished ...>
12 rseq(0x7f, 0x20, 0, 0x53053053) = 0
11 <... clone3 resumed> => {parent_tid=[12]}, 88) = 12
12 read(3, ""..., 100) = 5
11 write(1, ""..., 5) = 5
11 exit_group(0) = ?
12 +++ exited with 0 +++
11 +++ exited with 0 +++
10 <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 11
"""


def test_threads_count_with_their_process_and_children_do_not() -> None:
    shell, script = processes(TRACE.splitlines())
    assert shell == Process(10, None, "bash", ["execve", "brk", "clone", "wait4"])
    assert script.parent == 10
    assert script.program == "python3"
    assert script.calls[:3] == ["set_robust_list", "execve", "execve"]
    assert sorted(script.calls[3:]) == ["clone3", "exit_group", "read", "rseq", "write"]


def test_a_real_program_and_its_child(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    command = ["sh", "-c", "ls / > listed; cat listed | wc -l"]
    done = subprocess.run(
        ["strace", "-f", "-qq", "-s", "0", "-o", str(trace), *command],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip(f"ptrace is not allowed here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    found = {process.program: process for process in processes(trace.read_text().splitlines())}
    first = processes(trace.read_text().splitlines())[0]
    assert first.parent is None
    assert {"ls", "cat", "wc"} <= set(found)
    for name in ("ls", "cat", "wc"):
        assert found[name].parent == first.pid
        assert found[name].calls[-1] == "exit_group"
        assert {"execve", "close"} <= set(found[name].calls)
        assert len(found[name].calls) >= 20
    assert any(call.startswith("getdents") for call in found["ls"].calls)
