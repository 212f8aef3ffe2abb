"""A small website on loopback that can also be a hostile one."""

from __future__ import annotations

import gzip
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

HOME = b"""<!doctype html><html><head><title>The shop</title>
<style>.aside{display:none}</style></head><body><h1>Fresh apples</h1>
<p>Ten a basket.</p><p class=aside>cheap pills</p>
<div style="position:absolute; left:-9999px">casino bonus</div>
<a href="/about">About</a> <a href="https://partner.example/x">Partner</a>
<script src="/shop.js"></script></body></html>"""

SPAM = HOME.replace(b"Ten a basket.", b"Ten a basket. <a href='https://pills.example/'>viagra</a>")


def bomb() -> bytes:
    """Three hundred megabytes in three hundred kilobytes, made without holding them."""
    machine = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(machine.compress(bytes(1_000_000)) for _ in range(300)) + machine.flush()


class Site(BaseHTTPRequestHandler):
    """Each path is one behaviour."""

    protocol_version = "HTTP/1.1"
    pages: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[tuple[str, dict[str, str]]]] = []
    done = threading.Event()

    def log_message(self, *said: object) -> None:
        pass

    def do_GET(self) -> None:
        type(self).asked.append((self.path, dict(self.headers.items())))
        path = self.path.partition("?")[0]
        action = getattr(self, "on" + path.replace("/", "_").replace("-", "_"), None)
        if action:
            action()
        elif path in self.pages:
            self.say(self.pages[path])
        else:
            self.say(b"<title>Not here</title>", 404)

    def say(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content_type": "text/html; charset=utf-8", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def to(self, url: str, status: int = 302) -> None:
        self.say(b"", status, location=url)

    def on_cloaked(self) -> None:
        self.say(SPAM if "bot" in self.headers["User-Agent"].lower() else HOME)

    def on_astray(self) -> None:
        """Crawlers are led to a host that no name can be."""
        if "bot" in self.headers["User-Agent"].lower():
            self.to("http://a..\xe9/")
        else:
            self.say(HOME)

    def on_moved(self) -> None:
        self.to("/", 301)

    def on_inward(self) -> None:
        self.to("http://10.255.255.1/admin")

    def on_metadata(self) -> None:
        self.to("http://169.254.169.254/latest/meta-data/")

    def on_file(self) -> None:
        self.to("file:///etc/passwd")

    def on_elsewhere(self) -> None:
        host, port = self.server.server_address[:2]
        self.to(f"http://localhost:{port}/" if host == "127.0.0.1" else "/")

    def on_round(self) -> None:
        self.to("/round")

    def on_zipped(self) -> None:
        self.say(gzip.compress(HOME), content_encoding="gzip")

    def on_bomb(self) -> None:
        self.say(bomb(), content_encoding="gzip")

    def on_torn(self) -> None:
        self.say(b"this is no gzip", content_encoding="gzip")

    def on_broken(self) -> None:
        zipped = gzip.compress(HOME * 50)
        self.say(zipped[: len(zipped) * 2 // 3], content_encoding="gzip")

    def on_endless(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.close_connection = True
        while not self.done.is_set():
            self.wfile.write(b"<p>and on</p>" * 4096)

    def on_silent(self) -> None:
        self.close_connection = True
        self.done.wait(30)

    def on_drip(self) -> None:
        """Headers that never end, a letter at a time."""
        self.close_connection = True
        for letter in b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 10_000:
            if self.done.is_set():
                return
            self.wfile.write(bytes([letter]))
            self.wfile.flush()
            time.sleep(0.05)

    def on_cookies(self) -> None:
        self.say(HOME, set_cookie="session=verysecret; Path=/", server="nginx/1.2")


@contextmanager
def site(**pages: bytes) -> Iterator[tuple[str, type[Site]]]:
    """(its address, its class: what it serves and was asked)."""

    class Own(Site):
        pages: ClassVar[dict[str, bytes]] = {"/": HOME}
        asked: ClassVar[list[tuple[str, dict[str, str]]]] = []
        done = threading.Event()

    Own.pages.update({f"/{name}": body for name, body in pages.items()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", Own
    finally:
        Own.done.set()
        server.shutdown()
        server.server_close()
