"""Who sends too much is told to wait, in the words of its protocol, before anything is dropped."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from google.rpc.status_pb2 import Status

from apps.acquisition import limits, services
from apps.acquisition.models import Batch, Source
from apps.acquisition.protocols import _http
from tests.acquisition.conftest import Platform
from tests.acquisition.samples import ACCESS

LINE = ACCESS.encode()
SENDINGS = (
    ("/api/v1/ingest/lines", LINE, {}, 429),
    ("/_bulk", b'{"index":{}}\n{"message":"x"}\n', {}, 429),
    ("/v1/logs", b'{"resourceLogs":[]}', {"Content-Type": "application/json"}, 429),
    ("/v1/logs", b"", {"Content-Type": "application/x-protobuf"}, 429),
    ("/services/collector", b'{"event":"x"}', {}, 503),
    ("/services/collector/raw", LINE, {}, 503),
    ("/loki/api/v1/push", b'{"streams":[]}', {"Content-Type": "application/json"}, 429),
)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered from one request to the next."""
    monkeypatch.setattr(limits, "_FRESH", 0.0)
    monkeypatch.setattr(_http, "_REMEMBERED", 0.0)


def every_sender_waits(platform: Platform) -> list[httpx.Response]:
    answers = []
    with platform.client() as client:
        for path, content, headers, status in SENDINGS:
            answer = client.post(path, content=content, headers=headers)
            assert answer.status_code == status, (path, answer.text)
            assert int(answer.headers["retry-after"]) > 0
            answers.append(answer)
        assert client.get("/").status_code == 200, "asking costs nothing"
        assert client.get("/services/collector/health").status_code == 200
        acks = client.post("/services/collector/ack", json={"acks": [1]})
        assert acks.json() == {"acks": {"1": True}}
    return answers


@pytest.mark.usefixtures("impatient")
def test_a_full_backlog_makes_senders_wait_until_it_is_parsed(
    platform: Platform, settings: Any
) -> None:
    settings.TOCSIN = {**settings.TOCSIN, "backlog_batches": 1}
    assert platform.post("lines", LINE).status_code == 201
    answers = every_sender_waits(platform)
    assert answers[1].json()["error"]["type"] == "es_rejected_execution_exception"
    assert answers[2].json()["code"] == 8  # RESOURCE_EXHAUSTED
    assert Status.FromString(answers[3].content).code == 8
    assert answers[4].json() == {"text": "Server is busy", "code": 9}
    assert Batch.objects.count() == 1
    platform.parse_all()
    assert platform.post("lines", LINE + b" 2").status_code == 201


@pytest.mark.usefixtures("impatient")
def test_one_source_s_backlog_is_no_other_s(platform: Platform, settings: Any) -> None:
    settings.TOCSIN = {**settings.TOCSIN, "source_backlog_bytes": 1_000_000}
    large = LINE * 15_000  # a batch of its own
    assert platform.post("lines", large).status_code == 201
    assert platform.post("lines", large + b"2").status_code == 429
    _, token = services.create_source(name="another", actor="test")
    with platform.client(token) as client:
        assert client.post("/api/v1/ingest/lines", content=LINE).status_code == 201


@pytest.mark.usefixtures("impatient")
def test_a_source_beyond_its_rate_waits_and_goes_on(platform: Platform) -> None:
    Source.objects.update(events_per_s=50)
    assert platform.post("lines", LINE + b"\n" + b"x\n" * 9000).status_code == 201, (
        "a burst is taken"
    )
    (first, *_) = every_sender_waits(platform)
    assert "50 events a second" in first.json()["error"]["reason"]
    Source.objects.update(events_per_s=None)
    assert platform.post("lines", LINE).status_code == 201


@pytest.mark.usefixtures("impatient")
def test_a_day_s_quota_ends_with_the_day(platform: Platform) -> None:
    Source.objects.update(bytes_per_day=100)
    assert platform.post("lines", LINE * 2).status_code == 201
    every_sender_waits(platform)
    assert Source.objects.get().day_bytes == 2 * len(LINE)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    Source.objects.update(day=yesterday)
    assert platform.post("lines", LINE).status_code == 201
    assert Source.objects.get().day_bytes == len(LINE)


def test_bodies_read_at_once_are_bounded_and_one_alone_always_fits(settings: Any) -> None:
    settings.TOCSIN = {**settings.TOCSIN, "in_flight_bytes": 100}
    gate = _http.Gate(lambda *_: None)  # type: ignore[arg-type]
    gate.hold(150, 0)
    gate.hold(150, 150)
    with pytest.raises(_http.Refusal) as refused:
        gate.hold(1, 0)
    assert refused.value.response.status == 429
    gate.release(300)
    gate.hold(60, 0)


def test_what_is_held_for_a_body_is_given_back(platform: Platform, settings: Any) -> None:
    settings.TOCSIN = {**settings.TOCSIN, "in_flight_bytes": 1_000_000}
    for n in range(5):
        body = gzip.compress(LINE * 8000 + b"%d" % n)
        answer = platform.post("lines", body, **{"Content-Encoding": "gzip"})
        assert answer.status_code == 201


def test_a_bucket_lets_through_its_rate_and_no_more() -> None:
    bucket = limits.Bucket(rate=10, level=10)
    now, taken = 0.0, 0
    while now < 100:
        if wait := bucket.wait(now):
            now += wait
            continue
        bucket.take(7)
        taken += 7
    assert 1000 <= taken <= 1017
