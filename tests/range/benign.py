"""What ordinary people and programs do on the victim: one function for each habit.

Each takes a `Client` and a dice (`random.Random`), is bounded in count and time, and returns
the result of the visit. Much of it looks a little like an attack on purpose: apostrophes and
SQL words in searches, mistyped passwords, missing pages, uploads, a busy monitor.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from tests.range.client import Client
from tests.range.phrases import STRAYS, in_query, phrase, tracked
from tests.range.rig import USERS

Result = dict[str, Any]
Habit = Callable[[Client, random.Random], Result]

BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.6 Safari/605.1.15",
)
PROGRAMS = ("python-requests/2.32.3", "okhttp/4.12.0", "curl/7.88.1", "Go-http-client/1.1")
MESSAGES = (
    "Hello, is the kettle's cord longer than 1 m? Thanks -- Ann",
    "Please select a date and update my order; drop it at the union hall.",
    "I can't log in since yesterday, it says 'wrong name or password'.",
    "Ma commande n'est pas arrivée, où est-elle ?",
    "Two of the cups were broken (see picture). What now?",
)
NAMES = ("shop.range", "www.range", "mail.range", "time.range", "printer.range", "nowhere.example")
PASSWORDS = {user["name"]: user["password"] for user in USERS}


def browse(client: Client, dice: random.Random) -> Result:
    """Look at the shop with a browser: pages, pictures, now and then a search or a dead link."""
    product = dice.randint(1, 30)
    pages = [
        "/",
        f"/product?id={product}",
        f"/page?name={dice.choice(('about', 'terms'))}.html",
        "/search?q=" + in_query(phrase(dice), dice),
        f"/product?id={dice.randint(1, 60)}&from={in_query(phrase(dice), dice)}",
        "/static/catalogue.txt",
        dice.choice(STRAYS),
    ]
    weights = (5, 6, 2, 5, 3, 1, 2)
    requests: list[dict[str, Any]] = []
    before = "http://shop.range/"
    for page in dice.choices(pages, weights, k=dice.randint(1, 6)):
        requests.append({"path": tracked(page, dice), "pause": dice.uniform(0.1, 1.5)})
        assets = dice.sample(range(12), dice.randint(0, 4))
        if dice.random() < 0.5:
            requests += [{"path": "/static/style.css"}, {"path": "/static/app.js"}]
        requests += [{"path": f"/static/picture-{number}.svg"} for number in assets]
        requests[-1].setdefault("headers", {"Referer": before})
    headers = {
        "User-Agent": dice.choice(BROWSERS),
        "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
        "Accept-Language": dice.choice(("en-GB,en;q=0.7", "de-DE,de;q=0.7", "zh-CN,zh;q=0.9")),
    }
    keep = dice.random() < 0.6
    return client.do("http", requests=requests, headers=headers, keep=keep)


def search(client: Client, dice: random.Random) -> Result:
    """A few searches in a row, whose words would frighten a naive rule."""
    requests = [
        {"path": "/search?q=" + in_query(phrase(dice), dice), "pause": dice.uniform(0.2, 1.0)}
        for _ in range(dice.randint(1, 5))
    ]
    return client.do("http", requests=requests, headers={"User-Agent": dice.choice(BROWSERS)})


def use_api(client: Client, dice: random.Random) -> Result:
    """A program that reads products and places orders."""
    first = dice.choice(("", "?limit=20&offset=40", "?fields=id,name&sort=-price", "?q=lamp*"))
    requests: list[dict[str, Any]] = [{"path": "/api/products" + first}]
    for _ in range(dice.randint(1, 5)):
        requests.append(
            {"path": f"/api/products/{dice.randint(1, 30)}", "pause": dice.uniform(0, 0.3)}
        )
    if dice.random() < 0.6:
        order = {
            "items": [{"id": dice.randint(1, 30), "count": dice.randint(1, 4)} for _ in range(3)],
            "note": dice.choice(MESSAGES),
        }
        requests.append(
            {
                "method": "POST",
                "path": "/api/orders",
                "body": json.dumps(order),
                "headers": {"Content-Type": "application/json"},
            }
        )
    headers = {"User-Agent": dice.choice(PROGRAMS), "Accept": "application/json"}
    return client.do("http", requests=requests, headers=headers, keep=dice.random() < 0.7)


def monitor(client: Client, dice: random.Random) -> Result:
    """A health check: the same small request, again and again."""
    requests = [{"path": "/health", "pause": 0.4} for _ in range(dice.randint(2, 5))]
    return client.do("http", requests=requests, headers={"User-Agent": "monitor/2.1"}, keep=False)


def shop_login(client: Client, dice: random.Random) -> Result:
    """Log in to the shop, sometimes with a mistyped password first, and look at the account."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    tries = ["tulip-harbour-9"] if dice.random() < 0.6 else ["tulip-harbor-9", "tulip-harbour-9"]
    requests: list[dict[str, Any]] = [{"path": "/login"}]
    for password in tries:
        body = urlencode({"name": "alice", "password": password})
        requests.append(
            {"method": "POST", "path": "/login", "body": body, "headers": form, "pause": 0.8}
        )
    requests.append({"path": "/account", "pause": 0.3})
    return client.do("http", requests=requests, headers={"User-Agent": dice.choice(BROWSERS)})


def write_message(client: Client, dice: random.Random) -> Result:
    """Send the contact form."""
    request = {
        "method": "POST",
        "path": "/contact",
        "body": urlencode({"message": dice.choice(MESSAGES)}),
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
    }
    return client.do("http", requests=[request], headers={"User-Agent": dice.choice(BROWSERS)})


def upload_picture(client: Client, dice: random.Random) -> Result:
    """Send a harmless file to the upload folder."""
    number = dice.randint(1, 2)
    name, kind, content = dice.choice(
        (
            (
                f"mug-{number}.svg",
                "image/svg+xml",
                '<svg xmlns="http://www.w3.org/2000/svg"><rect width="90" height="90"/></svg>',
            ),
            (f"letter-{number}.txt", "text/plain", dice.choice(MESSAGES) * 5),
            (f"sizes-{number}.csv", "text/csv", "name,width\n" + "shelf,80\n" * 40),
        )
    )
    request = multipart(name, kind, content)
    seen = {"path": f"/uploads/{name}", "pause": 0.5}
    headers = {"User-Agent": dice.choice(BROWSERS)}
    return client.do("http", requests=[request, seen], headers=headers)


def multipart(name: str, kind: str, content: str) -> dict[str, Any]:
    """A `POST /upload` of one file."""
    edge = "----edge7d93b1"
    body = (
        f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n{content}\r\n--{edge}--\r\n"
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={edge}"}
    return {"method": "POST", "path": "/upload", "body": body, "headers": headers}


def ssh_work(client: Client, dice: random.Random) -> Result:
    """Log in with a password, mistyped once or twice now and then, and work a little."""
    user = dice.choice(("bob", "carol"))
    mistyped = [PASSWORDS[user][:-1], PASSWORDS[user].upper()][: dice.choice((0, 0, 0, 1, 2))]
    commands = dice.sample(
        ["ls -l files", "df -h /", "uptime", "cat files/report-0.csv", "whoami", "date"],
        dice.randint(1, 3),
    )
    return client.do(
        "ssh",
        host_key=client.rig.host_key_line,
        user=user,
        mistyped=mistyped,
        password=PASSWORDS[user],
        commands=commands,
        pause=dice.uniform(0.2, 0.8),
    )


def ssh_by_key(client: Client, dice: random.Random) -> Result:
    """A scheduled job that comes in with a key: many short, successful log-ins."""
    return client.do(
        "ssh",
        host_key=client.rig.host_key_line,
        user="alice",
        key=str(client.rig.user_key_path),
        commands=["cat files/report-1.csv | wc -l"],
        pause=0.1,
    )


def ftp_fetch(client: Client, dice: random.Random) -> Result:
    """Fetch reports over FTP; now and then leave one."""
    user = dice.choice(("alice", "bob", "carol"))
    return client.do(
        "ftp",
        user=user,
        mistyped=[PASSWORDS[user] + "1"] if dice.random() < 0.15 else [],
        password=PASSWORDS[user],
        fetch=[f"files/report-{n}.csv" for n in dice.sample(range(3), dice.randint(1, 3))],
        store={"files/notes.txt": dice.choice(MESSAGES)} if dice.random() < 0.3 else {},
    )


def ask_names(client: Client, dice: random.Random) -> Result:
    """Ask the name server for a few names."""
    return client.do("dns", names=dice.choices(NAMES, k=dice.randint(1, 4)))


HABITS: Mapping[Habit, int] = {
    browse: 9,
    search: 4,
    use_api: 5,
    monitor: 2,
    shop_login: 2,
    write_message: 2,
    upload_picture: 1,
    ssh_work: 2,
    ssh_by_key: 2,
    ftp_fetch: 2,
    ask_names: 6,
}
"""What clients do, and how often beside one another."""
