"""The shipper posts each whole line and each file once, whatever the platform does meanwhile."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.range.ship import Shipper


class Sink(http.server.BaseHTTPRequestHandler):
    """Takes what is posted, unless told to refuse."""

    posts: list[tuple[str, dict[str, str], bytes]]
    refusing: bool
    address: str

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parts = urlsplit(self.path)
        if self.refusing:
            self.send_error(503)
            return
        assert self.headers["Authorization"] == "Bearer secret"
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.posts.append((parts.path, query, body))
        self.send_response(202)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def sink() -> Iterator[type[Sink]]:
    Sink.posts, Sink.refusing = [], False
    with http.server.HTTPServer(("127.0.0.1", 0), Sink) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Sink.address = f"http://127.0.0.1:{server.server_port}"
        yield Sink
        server.shutdown()


def test_lines_are_posted_whole_and_once(sink: type[Sink], tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    log.write_bytes(b"one\ntwo\nthr")
    shipper = Shipper(sink.address, "secret", {"auth.log": log}, uploads, "/srv/shop/uploads")
    shipper.post_new()
    with log.open("ab") as more:
        more.write(b"ee\n")
    sink.refusing = True
    with pytest.raises(OSError, match="503"):
        shipper.post_new()
    sink.refusing = False
    shipper.post_new()
    shipper.post_new()
    path, about = "/api/v1/ingest/lines", {"name": "auth.log", "host": "victim"}
    assert sink.posts == [(path, about, b"one\ntwo\n"), (path, about, b"three\n")]
    assert shipper.lines == 3


def test_a_file_is_posted_when_it_comes_and_when_it_changes(
    sink: type[Sink], tmp_path: Path
) -> None:
    shipper = Shipper(sink.address, "secret", {}, tmp_path, "/srv/shop/uploads")
    (tmp_path / "status.php").write_bytes(b"<?php 1;")
    shipper.post_new()
    shipper.post_new()
    (tmp_path / "status.php").write_bytes(b"<?php 2;")
    (tmp_path / "elsewhere").symlink_to("/etc/hostname")
    shipper.post_new()
    about = {"path": "/srv/shop/uploads/status.php", "host": "victim"}
    assert [(path, query) for path, query, _ in sink.posts] == [("/api/v1/ingest/file", about)] * 2
    assert [body for *_, body in sink.posts] == [b"<?php 1;", b"<?php 2;"]
