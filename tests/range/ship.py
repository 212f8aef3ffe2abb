"""Posts the victim's log lines to an ingest address as they are written, as a shipper would."""

from __future__ import annotations

import json
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

SECONDS_BETWEEN = 1.0
DATASETS = {"access.log": "nginx.access", "auth.log": "sshd.auth", "vsftpd.log": "vsftpd"}


class Shipper:
    """Follows log files and posts whole new lines as NDJSON, until its `with` block ends.

    Lines that could not be posted are kept and tried again with the next batch.
    """

    def __init__(self, url: str, token: str, files: Mapping[str, Path]) -> None:
        self.url = url
        self.token = token
        self.files = {name: path for name, path in files.items() if name in DATASETS}
        self.sent = 0
        self._read = dict.fromkeys(self.files, 0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Shipper:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _follow(self) -> None:
        while not self._stop.wait(SECONDS_BETWEEN):
            self.post_new()
        self.post_new()

    def post_new(self) -> None:
        """One batch with every whole line written since the last one that arrived."""
        documents: list[str] = []
        read = dict(self._read)
        for name, path in self.files.items():
            with path.open("rb") as log:
                log.seek(read[name])
                fresh = log.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            read[name] += len(whole)
            documents += [
                json.dumps(
                    {
                        "message": line,
                        "event": {"dataset": DATASETS[name]},
                        "host": {"name": "victim"},
                    }
                )
                for line in whole.decode("utf-8", "replace").splitlines()
            ]
        if not documents:
            return
        request = urllib.request.Request(
            self.url,
            data="".join(f"{document}\n" for document in documents).encode(),
            headers={
                "Content-Type": "application/x-ndjson",
                "Authorization": f"Bearer {self.token}",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=20):
                self._read = read
                self.sent += len(documents)
        except OSError as error:
            print(f"not posted yet ({error}); trying again", file=sys.stderr, flush=True)
