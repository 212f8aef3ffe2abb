"""How long a search takes: `python -m tests.benchmarks search` prints one JSON object.

Five million records of web servers and sshd, a quarter of them from small batches, are made and
written as acquisition writes them (`storage.store`: COPY, block filters, digest) into a private
PostgreSQL with its safe settings. Then every kind of search is asked through the page of records
as a browser would (URL, view, template, all of it), and of the API. `p50_ms` and `p95_ms` are per
kind; `all` is over every request. `--keep FOLDER` keeps the database there and uses it again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tests.benchmarks.ingest import database

DAYS = 7
SOURCES = 12
AGENTS = [
    f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{n}.0.{n * 7}.{n * 13}"
    for n in range(60, 140)
]
PATHS = [
    "/shop/item",
    "/shop/cart",
    "/login",
    "/api/v1/orders",
    "/static/app.js",
    "/wp-login.php",
    "/blog/post",
    "/search",
]
ACCOUNTS = ["root", "admin", "oracle", "test", "deploy"]
START = datetime(2026, 11, 20, tzinfo=UTC)
Rows = dict[str, Any]


def frame(number: int, first: datetime, seconds: float, seed: int, host: str) -> pl.DataFrame:
    """Records as parsers make them of the lines of one host."""
    from apps.acquisition import frames

    dice = np.random.default_rng(seed)
    micros = np.sort(dice.integers(0, max(int(seconds * 1e6), 1), number))
    at = (pl.lit(first) + pl.Series(micros).cast(pl.Duration("us"))).alias("at")
    octets = [dice.integers(0, most, number) for most in (6, 64, 256, 256)]
    first_octet = np.array([10, 45, 91, 172, 192, 203])[octets[0]]
    # one address in fifty is one of a few that come again and again
    busy = dice.random(number) < 0.02
    octets[1], octets[2] = np.where(busy, 7, octets[1]), np.where(busy, 7, octets[2])
    octets[3] = np.where(busy, dice.integers(0, 4, number), octets[3])
    raw = pl.DataFrame(
        {
            "a": np.where(busy, 203, first_octet),
            "b": octets[1],
            "c": octets[2],
            "d": octets[3],
            "port": dice.integers(1024, 65000, number),
            "item": dice.integers(0, 10**7, number),
            "size": dice.integers(0, 90_000, number),
            "pid": dice.integers(300, 32_000, number),
            "account": [
                ACCOUNTS[n] if n < 5 else f"user{n}" for n in dice.integers(0, 4000, number)
            ],
            "path": [PATHS[n] for n in dice.integers(0, len(PATHS), number)],
            "status": np.array([200, 200, 200, 302, 404, 500])[dice.integers(0, 6, number)],
            "agent": [AGENTS[n] for n in dice.integers(0, len(AGENTS), number)],
            "web": dice.random(number) < 0.75,
        }
    ).with_columns(at)
    ip = pl.format("{}.{}.{}.{}", "a", "b", "c", "d")
    url = pl.format("{}?id={}", "path", "item")
    stamp = pl.col("at").dt.strftime("%d/%b/%Y:%H:%M:%S +0000")
    short = pl.col("at").dt.strftime("%b %d %H:%M:%S")
    access = pl.format(
        '{} - - [{}] "GET {} HTTP/1.1" {} {} "-" "{}"', ip, stamp, url, "status", "size", "agent"
    )
    login = pl.format(
        "{} {} sshd[{}]: Failed password for invalid user {} from {} port {} ssh2",
        *(short, pl.lit(host), "pid", "account", ip, "port"),
    )
    web = pl.col("web")

    def either(yes: pl.Expr, no: pl.Expr | None = None) -> pl.Expr:
        return pl.when(web).then(yes).otherwise(no if no is not None else pl.lit(None))

    made = raw.select(
        pl.col("at").alias("@timestamp"),
        pl.int_range(pl.len()).alias("event.sequence"),
        either(pl.lit("nginx.access"), pl.lit("sshd.auth")).alias("event.dataset"),
        either(pl.lit("web"), pl.lit("authentication")).alias("event.category"),
        either(access, login).alias("event.original"),
        ip.alias("source.ip"),
        either(pl.lit(None), pl.col("port")).alias("source.port"),
        pl.lit(host).alias("host.name"),
        either(pl.lit(None), pl.col("account")).alias("user.name"),
        either(url).alias("url.original"),
        either(pl.col("path")).alias("url.path"),
        either(pl.lit("GET")).alias("http.request.method"),
        either(pl.col("status")).alias("http.response.status_code"),
        either(pl.col("size")).alias("http.response.body.bytes"),
        either(pl.col("agent")).alias("user_agent.original"),
        either(pl.lit(None), pl.lit("failure")).alias("event.outcome"),
    )
    return frames.conform(made)


def fill(number: int, size: int) -> dict[str, float]:
    """Writes the records, day by day, the sources side by side; what they cost."""
    from django.db import connection, transaction

    from apps.acquisition import services, storage
    from apps.acquisition.models import Batch

    sources = [
        services.create_source(name=f"source {n}", actor="benchmark")[0] for n in range(SOURCES)
    ]
    written, seed, storing = 0, 0, 0.0
    span = DAYS * 86400 / number * SOURCES  # seconds from one record of a source to its next
    clocks = [START] * SOURCES
    dice = random.Random(7)
    while written < number:
        who = min(range(SOURCES), key=lambda n: clocks[n])
        rows = size if dice.random() < 0.75 else dice.randrange(1, max(size // 4, 2))
        rows = min(rows, number - written)
        made = frame(rows, clocks[who], rows * span, seed, f"web{who}")
        received = clocks[who] + timedelta(seconds=rows * span + 1)
        clocks[who] += timedelta(seconds=rows * span)
        began = time.perf_counter()
        with transaction.atomic():
            batch = Batch.objects.create(
                source=sources[who],
                protocol="lines",
                digest=f"{seed:064x}",
                size=0,
                received_at=received,
                stored=rows,
                items=rows,
                state=Batch.State.DONE,
                first_at=made["@timestamp"].min(),
                last_at=made["@timestamp"].max(),
            )
            kept = storage.store(batch, made)
            batch.first_record, batch.last_record = kept.first, kept.last
            batch.save(update_fields=["first_record", "last_record"])
        storing += time.perf_counter() - began
        written, seed = written + rows, seed + 1
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE acquisition_record, acquisition_block")
    return {"store_us": round(storing / number * 1e6, 1)}


def sizes(number: int) -> dict[str, float]:
    """Bytes a record takes: its row, its indexes, its share of its block's filter."""
    from django.db import connection

    def size(table: str, measure: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT sum({measure}(inhrelid)) FROM pg_inherits WHERE inhparent = %s::regclass",
                [table],
            )
            return int(cursor.fetchone()[0])

    return {
        "row_bytes": round(size("acquisition_record", "pg_table_size") / number, 1),
        "index_bytes": round(size("acquisition_record", "pg_indexes_size") / number, 1),
        "filter_bytes": round(size("acquisition_block", "pg_total_relation_size") / number, 1),
    }


# ── What is asked ────────────────────────────────────────────────────────────────────────


def questions(each: int) -> Iterator[tuple[str, dict[str, str], int]]:
    """(kind, parameters, pages to turn): `each` of every kind."""
    from apps.acquisition.models import Record

    dice = random.Random(11)
    lowest, highest = (
        Record.objects.order_by(order).values_list("pk", flat=True)[0] for order in ("pk", "-pk")
    )

    def some() -> Record:
        return Record.objects.filter(pk__gte=dice.randrange(lowest, highest)).order_by("pk")[0]

    def item(record: Record) -> str:
        words = (record.url_original or "id=1234567").split("id=")
        return words[-1]

    for _ in range(each):
        one = some()
        day = (START + timedelta(seconds=dice.random() * DAYS * 86400)).strftime("%Y-%m-%dT%H:%M")
        account = f"user{dice.randrange(5, 4000)}"
        yield "newest", {}, 0
        yield "newest, ten pages down", {}, 10
        yield "common word", {"text": dice.choice(["failed", "GET", "mozilla", "password"])}, 0
        yield "common words, ten pages down", {"text": '"invalid user"'}, 10
        yield "account", {"text": account}, 0
        yield "rare word", {"text": item(one)}, 0
        yield "rare word, two conditions", {"text": item(one), "host": one.host_name or ""}, 0
        yield "word that is nowhere", {"text": f"nowhere{dice.randrange(10**6)}"}, 0
        yield "beginning", {"text": "mozil*"}, 0
        yield "rare beginning", {"text": f"nowh{dice.randrange(10**6)}*"}, 0
        yield "phrase", {"text": f'"user {account} from"'}, 0
        yield "rare address", {"address": one.source_ip or ""}, 0
        yield "common address", {"address": f"203.7.7.{dice.randrange(4)}"}, 0
        yield "address that is nowhere", {"address": f"198.51.100.{dice.randrange(256)}"}, 0
        yield "address as a word", {"text": one.source_ip or ""}, 0
        yield "user", {"user": account}, 0
        yield "user and host", {"user": account, "host": f"web{dice.randrange(SOURCES)}"}, 0
        yield "URL", {"url": f"/search id={item(one)}"}, 0
        yield "kind of record", {"dataset": "sshd.auth"}, 0
        yield "until a day", {"until": day}, 0
        yield "word until a day", {"until": day, "text": account}, 0
        yield "words seldom together", {"text": f"{account} chrome"}, 0


def measure(each: int) -> dict[str, Any]:
    """Milliseconds of every kind, over the page, and over the API."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group
    from django.test import Client
    from django.urls import reverse

    analyst = get_user_model().objects.filter(username="bench").first()
    if analyst is None:
        analyst = get_user_model().objects.create_user("bench", password=None)
        analyst.groups.add(Group.objects.get(name="analyst"))
    client = Client(SERVER_NAME="localhost")
    client.force_login(analyst, backend="django.contrib.auth.backends.ModelBackend")
    page, api = reverse("records"), "/api/v1/records/"
    took: dict[str, list[float]] = {}
    stopped: dict[str, int] = {}
    client.get(page)  # templates are read once
    for kind, asked, turns in questions(each):
        found = client.get(api, asked).json()
        for _ in range(turns):
            found = client.get(api, {**asked, "after": found["after"]}).json()
            if not found["after"]:
                break
        turned = {"after": found["after"]} if turns and found["after"] else {}
        for name, address in (("", page), ("API: ", api)):
            began = time.perf_counter()
            answer = client.get(address, {**asked, **turned})
            taken = (time.perf_counter() - began) * 1000
            assert answer.status_code == 200, (kind, answer.status_code)
            took.setdefault("API" if name else kind, []).append(taken)
            if name and answer.json()["stopped"]:
                stopped[kind] = stopped.get(kind, 0) + 1
    everything = [one for kind, times in took.items() if kind != "API" for one in times]
    return {
        "p50_ms": round(float(np.percentile(everything, 50)), 1),
        "p95_ms": round(float(np.percentile(everything, 95)), 1),
        "kinds": {
            kind: {
                "p50_ms": round(float(np.percentile(times, 50)), 1),
                "p95_ms": round(float(np.percentile(times, 95)), 1),
            }
            for kind, times in took.items()
        },
        "stopped": stopped,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=5_000_000)
    parser.add_argument("--batch", type=int, default=4_000)
    parser.add_argument("--each", type=int, default=10, help="searches of every kind")
    parser.add_argument("--keep", type=Path, help="folder of the database, kept and used again")
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.settings")
    os.environ.setdefault("TOCSIN_LOG_LEVEL", "WARNING")
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
    folder = (
        nullcontext(str(asked.keep))
        if asked.keep
        else tempfile.TemporaryDirectory(prefix="tocsin-bench-")
    )
    with folder as name:
        home = Path(name)
        home.chmod(0o711)
        os.environ["TOCSIN_HOME"] = name
        with database(home) as url:
            os.environ["TOCSIN_DATABASE_URL"] = url
            print(json.dumps(run(asked.records, asked.batch, asked.each), ensure_ascii=False))


def run(number: int, size: int, each: int) -> dict[str, Any]:
    import django
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    call_command("migrate", verbosity=0)
    from apps.acquisition.models import Batch

    cost: dict[str, float] = {}
    if not Batch.objects.exists():
        cost = fill(number, size)
    result = {"records": number, **cost, **sizes(number), **measure(each)}
    connection.close()
    return result


if __name__ == "__main__":
    main()
