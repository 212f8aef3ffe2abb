"""A small web shop with real holes, for the victim of the range only.

SQL injection in `/product`, `/search` and `/login`, reflected script in `/search`, path
traversal in `/page`, unrestricted file names in `/upload`. Nothing uploaded is executed, and
no request ever reaches a shell.
"""

import csv
import html
import json
import re
import secrets
import sqlite3
from email import message_from_bytes
from email.policy import HTTP
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

HERE = Path("/opt/range")
UPLOADS = Path("/srv/shop/uploads")
PAGES = HERE / "pages"
STORE = Path("/tmp/shop.db")
MAX_BODY = 1 << 20

FRAME = """<!doctype html><html><head><title>{title}</title>
<link rel="stylesheet" href="/static/style.css"><script src="/static/app.js"></script></head>
<body><nav><a href="/">Shop</a> <a href="/page?name=about.html">About</a>
<a href="/login">Log in</a> <a href="/upload">Send a picture</a></nav>
<form action="/search"><input name="q"></form><h1>{title}</h1>{body}</body></html>"""


def build_store() -> None:
    with sqlite3.connect(STORE) as store:
        store.execute("create table products (id integer primary key, name, price, category)")
        store.execute("create table users (id integer primary key, name, password, role)")
        with (HERE / "goods.csv").open() as goods:
            store.executemany(
                "insert into products (name, price, category) values (?, ?, ?)", csv.reader(goods)
            )
        store.executemany(
            "insert into users (name, password, role) values (?, ?, ?)",
            [("alice", "tulip-harbour-9", "customer"), ("shopkeeper", "Winter2026", "admin")],
        )


class Shop(BaseHTTPRequestHandler):
    """One request. Routes are methods: `GET /search` is `get_search`."""

    server_version = "Shop/1.0"
    sessions: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        self.route("get")

    def do_POST(self) -> None:
        self.route("post")

    def do_HEAD(self) -> None:
        self.route("get")

    def log_message(self, *_: object) -> None:
        """nginx keeps the log."""

    def route(self, verb: str) -> None:
        parts = urlsplit(self.path)
        self.query = {k: v[-1] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        name = re.sub(r"\W+", "_", parts.path.strip("/")) or "home"
        if (found := re.fullmatch(r"api_products_(\d+)", name)) and verb == "get":
            self.query["id"], name = found[1], "api_product"
        handler = getattr(self, f"{verb}_{name}", None)
        if handler is None:
            self.page("Not found", "<p>No such page.</p>", HTTPStatus.NOT_FOUND)
            return
        try:
            handler()
        except sqlite3.Error as error:
            self.page(
                "Error", f"<pre>SQLite error: {error}</pre>", HTTPStatus.INTERNAL_SERVER_ERROR
            )
        except (ValueError, KeyError, OSError) as error:
            self.page(
                "Bad request", f"<pre>{html.escape(str(error))}</pre>", HTTPStatus.BAD_REQUEST
            )

    # ── answers ──────────────────────────────────────────────────────────────────────────

    def send(self, body: bytes, kind: str, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def page(self, title: str, body: str, status: int = 200, **headers: str) -> None:
        text = FRAME.format(title=title, body=body)
        self.send(text.encode("utf-8", "replace"), "text/html; charset=utf-8", status, **headers)

    def json(self, value: object, status: int = 200) -> None:
        self.send(json.dumps(value).encode(), "application/json", status)

    def rows(self, statement: str) -> list[tuple]:
        with sqlite3.connect(STORE) as store:
            return store.execute(statement).fetchall()

    def body(self) -> bytes:
        size = int(self.headers.get("Content-Length") or 0)
        if size > MAX_BODY:
            raise ValueError("too large")
        return self.rfile.read(size)

    def form(self) -> dict[str, str]:
        text = self.body().decode("utf-8", "replace")
        return {k: v[-1] for k, v in parse_qs(text, keep_blank_values=True).items()}

    def listing(self, rows: list[tuple]) -> str:
        return (
            "<ul>"
            + "".join(
                f'<li><a href="/product?id={row[0]}">{row[1]}</a> {row[2]}'
                f'<img src="/static/picture-{hash(str(row[0])) % 12}.svg"></li>'
                for row in rows
            )
            + "</ul>"
        )

    # ── pages ────────────────────────────────────────────────────────────────────────────

    def get_home(self) -> None:
        self.page("Goods", self.listing(self.rows("select id, name, price from products limit 12")))

    def get_product(self) -> None:
        rows = self.rows(
            f"select id, name, price, category from products where id = {self.query['id']}"
        )
        if not rows:
            self.page("Not found", "<p>No such product.</p>", HTTPStatus.NOT_FOUND)
            return
        _, name, price, category = rows[0]
        self.page(str(name), f"<p>{price} in {category}</p>")

    def get_search(self) -> None:
        q = self.query.get("q", "")
        rows = self.rows(f"select id, name, price from products where name like '%{q}%' limit 20")
        self.page(f"Results for {q}", self.listing(rows))

    def get_page(self) -> None:
        text = (PAGES / self.query["name"]).read_text("utf-8", "replace")
        self.page("Page", text if text.startswith("<") else f"<pre>{text}</pre>")

    def get_lookup(self) -> None:
        host = self.query.get("host", "")
        if not re.fullmatch(r"[a-z0-9.-]{1,60}", host):
            raise ValueError("not a host name")
        self.page("Lookup", f"<p>{host} is one of ours.</p>")

    def get_login(self) -> None:
        self.page("Log in", '<form method="post"><input name="name"><input name="password"></form>')

    def post_login(self) -> None:
        form = self.form()
        rows = self.rows(
            f"select name, role from users where name = '{form.get('name', '')}'"
            f" and password = '{form.get('password', '')}'"
        )
        if not rows:
            self.page("Log in", "<p>Wrong name or password.</p>", HTTPStatus.UNAUTHORIZED)
            return
        token = secrets.token_hex(16)
        self.sessions[token] = str(rows[0][0])
        self.page("Welcome", f"<p>Hello {rows[0][0]}</p>", Set_Cookie=f"session={token}; HttpOnly")

    def get_account(self) -> None:
        found = re.search(r"session=(\w+)", self.headers.get("Cookie") or "")
        name = self.sessions.get(found[1]) if found else None
        if name is None:
            self.page("Log in first", "", HTTPStatus.FORBIDDEN)
            return
        self.page("Account", f"<p>{name}, no open orders.</p>")

    def get_upload(self) -> None:
        self.page(
            "Send a picture",
            '<form method="post" enctype="multipart/form-data">'
            '<input type="file" name="file"></form>',
        )

    def post_upload(self) -> None:
        kind = self.headers.get("Content-Type", "")
        message = message_from_bytes(
            b"Content-Type: " + kind.encode() + b"\r\n\r\n" + self.body(), policy=HTTP
        )
        names = []
        for part in message.iter_parts():
            if name := part.get_filename():
                names.append(Path(name).name)
                (UPLOADS / names[-1]).write_bytes(part.get_payload(decode=True) or b"")
        self.page("Thank you", "".join(f'<a href="/uploads/{n}">{n}</a>' for n in names), 201)

    def post_contact(self) -> None:
        self.page("Thank you", f"<p>{len(self.form().get('message', ''))} characters received.</p>")

    # ── for programs ─────────────────────────────────────────────────────────────────────

    def get_health(self) -> None:
        self.json({"status": "ok"})

    def get_api_products(self) -> None:
        rows = self.rows("select id, name, price, category from products")
        self.json(
            [dict(zip(("id", "name", "price", "category"), row, strict=True)) for row in rows]
        )

    def get_api_product(self) -> None:
        rows = self.rows(f"select id, name, price from products where id = {int(self.query['id'])}")
        self.json(rows[0] if rows else None, 200 if rows else 404)

    def post_api_orders(self) -> None:
        order = json.loads(self.body())
        self.json({"order": secrets.randbelow(10**6), "items": len(order.get("items", []))}, 201)


def main() -> None:
    STORE.unlink(missing_ok=True)
    build_store()
    ThreadingHTTPServer.request_queue_size = 256
    ThreadingHTTPServer(("127.0.0.1", 8000), Shop).serve_forever()


if __name__ == "__main__":
    main()
