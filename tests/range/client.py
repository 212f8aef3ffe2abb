"""One address of the range that does things on request: the handle to a `player.py` process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.range.rig import VICTIM, Range
from tests.range.spaces import Place

PLAYER = Path(__file__).parent / "player.py"


class Client:
    """A visitor with an address of its own in `place`, alive for a `with` block."""

    def __init__(self, rig: Range, place: Place, address: str) -> None:
        self.rig = rig
        self.address = address
        self._process = place.popen(
            [sys.executable, str(PLAYER), address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def do(self, kind: str, **action: Any) -> dict[str, Any]:
        """Play one action against the victim and wait for its result.

        Returns:
            `start` and `end` (seconds of the epoch, UTC) and what the action reports; `error`
            in words where it failed.

        Raises:
            RuntimeError: the client's process is gone.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({"do": kind, "host": VICTIM, **action})
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except OSError as error:
            raise RuntimeError(f"the client at {self.address} is gone") from error
        if not answer:
            raise RuntimeError(f"the client at {self.address} is gone")
        result: dict[str, Any] = json.loads(answer)
        return result
