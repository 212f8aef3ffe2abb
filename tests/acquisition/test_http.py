"""The ingest API as its senders meet it: real requests, a real server, a real database."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import socket
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import zstandard

from apps.acquisition import open_batches, protocols, reading, services
from apps.acquisition.models import Batch, BatchContent, Delivery, Record, Source
from apps.protection.models import Seal
from tests.acquisition.conftest import Platform
from tests.acquisition.samples import ACCEPTED, ACCESS, FAILED, capture

LOG = f"{ACCESS}\n{FAILED}\n{ACCEPTED}\nnobody understands this\n".encode()


def test_a_log_becomes_records_and_every_line_is_counted(platform: Platform) -> None:
    answer = platform.post("lines?host=web&name=auth.log", LOG)
    assert platform.has_told(Batch.objects.get().pk)
    batch = platform.parsed(answer)
    assert (batch.items, batch.stored, batch.rejected, batch.unparsed) == (4, 4, 0, 1)
    assert batch.summary["datasets"] == {"sshd.auth": 2, "nginx.access": 1, "unparsed": 1}
    source = Source.objects.get()
    assert (source.received, source.stored, source.unparsed) == (4, 4, 1)
    assert source.last_seen_at is not None
    login = Record.objects.get(event_outcome="failure")
    assert (login.source_ip, login.user_name, login.host_name) == ("203.0.113.9", "oracle", "web")
    with platform.client() as client:
        told = client.get(answer.json()["href"]).json()
    assert (told["state"], told["items"], told["stored"]) == ("parsed", 4, 4)


def test_what_is_answered_is_stored_and_sealed(platform: Platform) -> None:
    answer = platform.post("lines", LOG).json()
    open_batches.close([answer["batch"]])
    seal = Seal.objects.get(kind="batch", subject=answer["batch"])
    assert seal.digest == answer["sha256"] == hashlib.sha256(LOG).hexdigest()
    assert zstandard.decompress(bytes(BatchContent.objects.get().content)) == LOG


def test_posting_again_adds_nothing_and_is_counted(platform: Platform) -> None:
    first = platform.post("lines", LOG)
    early = platform.post("lines", LOG)  # before a worker came to it
    platform.parsed(first)
    late = platform.post("lines", LOG)
    for again in (early, late):
        assert again.status_code == 200
        assert again.json()["duplicate"] is True
        assert again.json()["batch"] == first.json()["batch"]
    assert (Batch.objects.count(), Record.objects.count(), Seal.objects.count()) == (1, 4, 2)
    source = Source.objects.get()
    assert (source.received, source.doubled) == (4, 8)


def test_parsing_twice_gives_the_same_records_once(platform: Platform) -> None:
    batch = platform.parsed(platform.post("lines", LOG))
    services.parse(batch.pk)
    Batch.objects.update(state=Batch.State.RECEIVED)
    services.parse(batch.pk)
    source = Source.objects.get()
    assert (Record.objects.count(), source.received, source.stored) == (4, 4, 4)


def test_compressed_bodies_are_opened(platform: Platform) -> None:
    packed = {
        "gzip": gzip.compress(LOG),
        "x-gzip": gzip.compress(LOG[:50]) + gzip.compress(LOG[50:]),
        "deflate": zlib.compress(LOG),
        "Deflate": zlib.compress(LOG, wbits=-15),
        "zstd": zstandard.compress(LOG),
        "": gzip.compress(LOG),  # a file sent as it lies on the disk
    }
    for encoding, body in packed.items():
        headers = {"Content-Encoding": encoding} if encoding else {}
        answer = platform.post("lines", body, **headers)
        assert answer.json()["sha256"] == hashlib.sha256(LOG).hexdigest(), encoding


def test_documents_are_taken_as_lines_and_as_an_array(platform: Platform) -> None:
    documents = [{"message": ACCESS, "host": {"name": "front"}}, {"source.ip": "192.0.2.1"}]
    lines = "\n".join(map(json.dumps, documents)).encode()
    for body in (lines, json.dumps(documents).encode()):
        batch = platform.parsed(platform.post("ndjson", body))
        assert batch.summary["datasets"] == {"nginx.access": 1, "ecs": 1}
    assert set(Record.objects.values_list("host_name", flat=True)) == {"front", None}


def test_malformed_documents_are_rejected_one_by_one(platform: Platform) -> None:
    bomb = b"[" * 100_000
    body = b'{"message":"ok"}\n{"message":\n' + bomb + b'\n{"message":"\xff"}\n7\n'
    answer = platform.post("ndjson", body)
    assert (answer.json()["items"], answer.json()["rejected"]) == (5, 4)
    batch = platform.parsed(answer)
    assert (batch.items, batch.stored, batch.rejected) == (5, 1, 4)
    reasons = [entry["reason"] for entry in batch.summary["rejections"]]
    assert [entry["sequence"] for entry in batch.summary["rejections"]] == [1, 2, 3, 4]
    assert reasons[1:] == ["nested more than 64 levels deep", "not UTF-8", "not a JSON object"]
    source = Source.objects.get()
    assert source.received == source.stored + source.rejected == 5


def test_a_capture_becomes_flows(platform: Platform) -> None:
    batch = platform.parsed(platform.post("capture?name=a.pcap", capture()))
    flow = Record.objects.get()
    assert batch.summary["datasets"] == {"network.flow": 1}
    assert (flow.source_ip, flow.destination_port, flow.network_packets) == ("192.0.2.1", 53, 3)
    assert flow.tocsin_features is not None


def test_a_file_is_a_record_with_its_digest(platform: Platform) -> None:
    content = b"<?php eval($_POST['x']); ?>"
    answer = platform.post("file?path=/var/www/up/s.php&host=web", content)
    platform.parsed(answer)
    found = Record.objects.get()
    assert (found.file_path, found.host_name, found.file_size) == (
        "/var/www/up/s.php",
        "web",
        len(content),
    )
    assert found.file_hash_sha256 == hashlib.sha256(content).hexdigest()


def test_the_same_content_sent_at_once_becomes_one_batch(platform: Platform) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: platform.post("lines", LOG), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["batch"] for answer in answers}) == 1
    assert (Batch.objects.count(), Delivery.objects.get().repeats) == (1, 7)


def test_nobody_to_tell_costs_no_batch(transactional_db: None) -> None:
    """The broker is away: the batch is kept, and waits."""

    def away(batch_id: object) -> None:
        raise ConnectionError("no broker")

    _, token = services.create_source(name="web servers", actor="test")
    application = protocols.application(on_batch=away)
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(application),
        base_url="http://tocsin",
        headers={"Authorization": f"Bearer {token}"},
    )
    answer = asyncio.run(client.post("/api/v1/ingest/lines", content=LOG))
    application.close()
    assert answer.status_code == 201
    assert Batch.objects.get().state == Batch.State.RECEIVED


def test_shippers_and_browsers_are_told_apart() -> None:
    def asks(path: str, method: str = "GET", **headers: str) -> bool:
        named = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        return protocols.wants({"method": method, "path": path, "headers": named})

    assert asks("/", authorization="ApiKey x")
    assert asks("/", accept="application/vnd.elasticsearch+json; compatible-with=9")
    assert asks("/logs/_bulk", "PUT")
    assert asks("/_license")
    assert asks("/api/v1/ingest/lines", "POST")
    assert not asks("/", accept="text/html,*/*", authorization="Basic x")
    assert not asks("/", accept="*/*", user_agent="curl/8")
    assert not asks("/", "POST", authorization="ApiKey x")
    assert not asks("/incidents/7")
    assert not asks("/api/v1/incidents")


# ── What is malformed ────────────────────────────────────────────────────────────────────


def refused(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["status"] == status
    assert body["error"]["type"]
    return body["error"]["reason"]


MALFORMED = (
    ("lines", b"", {}, 400, "empty"),
    ("lines", b" \n\r\n", {}, 400, "empty"),
    ("lines", b"not gzip", {"Content-Encoding": "gzip"}, 400, "not valid gzip"),
    ("lines", gzip.compress(LOG)[:-12], {"Content-Encoding": "gzip"}, 400, "cut"),
    ("lines", zstandard.compress(LOG)[:-3], {"Content-Encoding": "zstd"}, 400, "cut"),
    ("lines", b"not zstd", {"Content-Encoding": "zstd"}, 400, "not valid zstd"),
    ("lines", LOG, {"Content-Encoding": "br"}, 415, "not supported"),
    ("lines", capture(), {}, 400, "/capture"),
    ("ndjson", b"[" * 100_000, {}, 400, "nested"),
    ("ndjson", b'{"a":' * 100_000, {}, 400, "nested"),
    ("ndjson", b"hello", {}, 400, "not valid JSON"),
    ("ndjson", b"[1]", {}, 400, "not a JSON object"),
    ("ndjson", b"[]", {}, 400, "no document"),
    ("capture", b"MZ" * 50, {}, 400, "neither a pcap"),
    ("flows", b"a,b,c\n1,2,3\n", {}, 400, "CICFlowMeter"),
    ("file", b"x", {}, 400, "?path="),
    ("nothing", b"x", {}, 404, "There is no"),
)


def test_what_cannot_be_read_is_refused_with_a_reason_and_leaves_nothing(
    platform: Platform,
) -> None:
    for route, body, headers, status, says in MALFORMED:
        reason = refused(platform.post(route, body, **headers), status)
        assert says in reason, (route, body[:40], reason)
    assert not Batch.objects.exists()
    platform.parsed(platform.post("lines", LOG))


def test_a_capture_cut_short_keeps_what_it_held_and_says_what_was_lost(platform: Platform) -> None:
    batch = platform.parsed(platform.post("capture", capture(3)[:-30]))
    assert (batch.items, batch.stored, batch.rejected) == (2, 1, 1)
    assert Record.objects.get().network_packets == 2


def test_a_capture_without_a_whole_header_fails_with_one_clear_sentence(platform: Platform) -> None:
    batch = platform.parsed(platform.post("capture", capture()[:20]))
    assert batch.state == Batch.State.FAILED
    assert batch.error
    assert "\n" not in batch.error
    assert (batch.items, batch.stored, batch.rejected) == (1, 0, 1)
    assert BatchContent.objects.exists(), "what came is kept"


def test_a_line_of_100_megabytes_is_rejected_and_its_neighbours_are_not(platform: Platform) -> None:
    body = LOG + b"A" * 100_000_000 + b"\n" + ACCESS.encode()
    batch = platform.parsed(platform.post("lines", body))
    assert (batch.items, batch.stored, batch.rejected) == (6, 5, 1)
    assert batch.summary["rejections"] == [
        {"sequence": 4, "reason": "longer than 1048576 bytes"},
    ]


def test_bytes_that_are_no_text_are_kept_and_marked(platform: Platform) -> None:
    line = ACCESS.replace("shop", "sh\xf6p").encode("latin-1")
    platform.parsed(platform.post("lines", line + b"\n" + b"\xff\x00zz"))
    read, other = Record.objects.order_by("event_sequence")
    assert read.url_path == "/sh�p"
    assert (other.event_dataset, other.event_original) == ("unparsed", "��zz")
    assert read.error_message == other.error_message
    assert "UTF-8" in str(other.error_message)


def test_bodies_beyond_the_limit_are_refused_also_when_compressed(
    platform: Platform, settings
) -> None:
    settings.TOCSIN = {**settings.TOCSIN, "max_body": 100_000}
    bombs = {
        "": b"A" * 200_000,
        "gzip": gzip.compress(b"A" * 50_000_000),
        "deflate": zlib.compress(b"A" * 50_000_000),
        "zstd": zstandard.compress(b"A" * 50_000_000),
    }
    for encoding, bomb in bombs.items():
        answer = platform.post("lines", bomb, **{"Content-Encoding": encoding or "identity"})
        assert "100000 bytes" in refused(answer, 413)

    def pieces():
        yield from [b"A" * 50_000] * 4

    with platform.client() as client:
        chunked = client.post("/api/v1/ingest/lines", content=pieces())
    refused(chunked, 413)
    platform.parsed(platform.post("lines", LOG))


def test_a_length_beyond_the_limit_is_refused_before_a_byte_comes(platform: Platform) -> None:
    host, port = platform.address.removeprefix("http://").split(":")
    head = (
        f"POST /api/v1/ingest/lines HTTP/1.1\r\nHost: {host}\r\nContent-Length: 999999999999\r\n"
        f"Authorization: Bearer {platform.token}\r\n\r\n"
    )
    began = time.monotonic()
    with socket.create_connection((host, int(port)), 20) as one:
        one.sendall(head.encode())
        answer = b"".join(iter(lambda: one.recv(4096), b"")).lower()
    assert time.monotonic() - began < 8
    assert answer.startswith(b"http/1.1 413")
    assert b"connection: close" in answer


# ── Who may send ─────────────────────────────────────────────────────────────────────────


def test_without_the_token_of_an_enabled_source_nothing_is_taken(platform: Platform) -> None:
    address = f"{platform.address}/api/v1/ingest/lines"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic ???"}):
        answer = httpx.post(address, content=LOG, headers=headers, trust_env=False)
        assert "token" in refused(answer, 401)
        assert "Bearer" in answer.headers["www-authenticate"]
    services.enable_source(source_id=platform.source.pk, enabled=False, actor="test")
    assert "disabled" in refused(platform.post("lines", LOG), 403)
    assert not Batch.objects.exists()


def test_a_rotated_token_replaces_the_old_one(platform: Platform) -> None:
    token = services.rotate_token(source_id=platform.source.pk, actor="test")
    refused(platform.post("lines", LOG), 401)
    with platform.client(token) as client:
        assert client.post("/api/v1/ingest/lines", content=LOG).status_code == 201
    assert token not in str(Source.objects.values().get())


def test_a_source_sees_its_own_batches_only(platform: Platform) -> None:
    href = platform.post("lines", LOG).json()["href"]
    _, other = services.create_source(name="another", actor="test")
    with platform.client(other) as client:
        refused(client.get(href), 404)
        refused(client.get("/api/v1/ingest/batches/not-an-id"), 404)
        refused(client.get("/api/v1/ingest/lines"), 405)


def test_a_small_body_that_unfolds_to_millions_of_lines_is_refused(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_ITEMS", 1000)
    bodies = {
        "lines": b"a\n" * 1001,
        "ndjson": b"{}\n" * 1001,
        "ndjson?name=array": b"[" + b"1," * 10_001 + b"1]",
        "ndjson?name=padded": b" " * 2000 + b"[" + b"1," * 10_001 + b"1]",
    }
    for route, body in bodies.items():
        answer = platform.post(route, gzip.compress(body))
        assert (answer.status_code, answer.json()["error"]["type"]) == (413, "content_too_large")
    with platform.client() as client:
        assert client.post("/_bulk", content=b'{"index":{}}\n{}\n' * 501).status_code == 413
    with pytest.raises(reading.Unreadable, match="in parts"):
        services.receive(source=platform.source, protocol="auto", content=bodies["lines"])
    assert platform.post("lines", b"a, b, c\n" * 1000).status_code == 201


def test_odd_addresses_are_the_senders_mistake(platform: Platform) -> None:
    for target in ("*", "lines", ""):
        assert not protocols.wants({"type": "http", "method": "GET", "path": target, "headers": []})
    many = "&".join(f"a{i}=1" for i in range(101))
    assert platform.post(f"lines?{many}", LOG).status_code == 400
