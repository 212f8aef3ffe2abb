"""Posts what happens on the victim to a running platform, as its shippers would."""

from __future__ import annotations

import hashlib
import sys
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

SECONDS_BETWEEN = 1.0
LARGEST_FILE = 1 << 20
HOST = "victim"


class Shipper:
    """Follows log files and a folder until its `with` block ends: new lines and files are posted.

    What could not be posted is tried again a second later.

    Args:
        address: of the platform, as `http://127.0.0.1:8000`.
        token: of one of its sources.
        logs: file name as the platform is told it → where it lies.
        folder: files dropped here are posted whole; `named` is its path on the victim.
    """

    def __init__(
        self, address: str, token: str, logs: Mapping[str, Path], folder: Path, named: str
    ) -> None:
        self.address = address.rstrip("/")
        self.token = token
        self.logs = logs
        self.folder = folder
        self.named = named
        self.lines = 0
        self._read = dict.fromkeys(logs, 0)
        self._known: set[tuple[str, str]] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Shipper:
        self._thread.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _follow(self) -> None:
        done = False
        while not done:
            done = self._stop.wait(SECONDS_BETWEEN)  # once more after the end
            try:
                self.post_new()
            except OSError as error:
                print(f"not posted yet: {error}", file=sys.stderr, flush=True)

    def post_new(self) -> None:
        """Post every whole line and every file that came since the last time.

        Raises:
            OSError: the platform refused or could not be reached; what was not posted is kept.
        """
        for name, path in self.logs.items():
            with path.open("rb") as log:
                log.seek(self._read[name])
                fresh = log.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            if whole:
                self._post("lines", whole, name=name)
                self._read[name] += len(whole)
                self.lines += whole.count(b"\n")
        for path in sorted(self.folder.iterdir()):
            if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST_FILE:
                continue
            content = path.read_bytes()
            seen = (path.name, hashlib.sha256(content).hexdigest())
            if seen not in self._known:
                self._post("file", content, path=f"{self.named}/{path.name}")
                self._known.add(seen)

    def _post(self, route: str, content: bytes, **parameters: str) -> None:
        query = urlencode({**parameters, "host": HOST})
        request = urllib.request.Request(
            f"{self.address}/api/v1/ingest/{route}?{query}",
            data=content,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/octet-stream",
            },
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            answer.read()
