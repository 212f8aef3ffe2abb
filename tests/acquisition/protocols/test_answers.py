"""What shippers are told: each protocol in its own words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from apps.acquisition.models import Batch, Delivery
from tests.acquisition.conftest import Platform

EVENT = json.dumps({"event": "refused", "host": "web"}).encode()
JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def test_splunk_s_collector_answers_with_splunk_s_codes(platform: Platform) -> None:
    with platform.client() as client:
        cases = [
            (EVENT, 200, 0),
            (EVENT + EVENT + b'{"event": ""}', 200, 0),
            (b'{"event": ""}', 400, 13),
            (b'{"host": "web"}', 400, 12),
            (b"{", 400, 6),
            (b"", 400, 5),
        ]
        for content, status, code in cases:
            answer = client.post("/services/collector/event/1.0", content=content)
            assert (answer.status_code, answer.json()["code"]) == (status, code), content
        assert client.get("/services/collector/health").json()["code"] == 17
        raw = client.post("/services/collector/raw?host=web", content=b"a line\n")
        assert raw.json() == {"text": "Success", "code": 0}
    with platform.client("wrong") as client:
        answer = client.post("/services/collector", content=EVENT)
        assert (answer.status_code, answer.json()["code"]) == (401, 4)
    assert Delivery.objects.count() == 3


def test_splunk_s_acknowledgements_are_true_once_given(platform: Platform) -> None:
    with platform.client() as client:
        channel = {"X-Splunk-Request-Channel": "fe0ecfad-13d5-401b-847d-77833bd77131"}
        ids = [
            client.post(
                "/services/collector", content=b'{"event": "%d"}' % n, headers=channel
            ).json()["ackId"]
            for n in range(3)
        ]
        assert len(set(ids)) == 3
        told = client.post("/services/collector/ack", json={"acks": ids}, headers=channel).json()
        assert told == {"acks": {str(number): True for number in ids}}
        assert client.post("/services/collector/ack", content=b"[]").status_code == 400


def test_otlp_tells_of_what_was_rejected_and_of_what_cannot_be_read(platform: Platform) -> None:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    records.add().body.string_value = "kept"
    records.add().body.string_value = "x" * (2 << 20)  # longer than a line may be
    with platform.client() as client:
        answer = client.post("/v1/logs", content=request.SerializeToString(), headers=PROTOBUF)
        assert answer.headers["content-type"] == "application/x-protobuf"
        told = ExportLogsServiceResponse.FromString(answer.content).partial_success
        assert told.rejected_log_records == 1
        assert "longer than" in told.error_message
        answer = client.post("/v1/logs", content=b"[]", headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, 3)
        answer = client.post("/v1/logs", content=b"x", headers={"Content-Type": "text/plain"})
        assert answer.status_code == 415
        assert client.post("/v1/logs", content=b'{"resourceLogs": []}', headers=JSON).json() == {}
    assert Batch.objects.count() == 1


def test_loki_is_answered_without_content(platform: Platform) -> None:
    good = {"streams": [{"stream": {"host": "web"}, "values": [["1795341529250001999", "a"]]}]}
    with platform.client() as client:
        answer = client.post("/loki/api/v1/push", json=good)
        assert (answer.status_code, answer.content) == (204, b"")
        assert client.post("/loki/api/v1/push", json={"streams": [7]}).status_code == 400
        assert client.post("/loki/api/v1/push", content=b"no snappy").status_code == 400
        assert client.get("/loki/api/v1/push").status_code == 405
    assert Batch.objects.count() == 1


REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size = ANY ('{sizes}') THEN RAISE EXCEPTION 'no such size'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON acquisition_delivery
    FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@contextmanager
def refusing(*sizes: int) -> Iterator[None]:
    """A database that takes no deliveries of these sizes."""
    with connection.cursor() as cursor:
        cursor.execute(REFUSE.replace("sizes", ",".join(map(str, sizes))))
        try:
            yield
        finally:
            cursor.execute("DROP FUNCTION refuse CASCADE")


def test_what_the_database_never_takes_is_not_asked_for_again(platform: Platform) -> None:
    bulk = b'{"index":{}}\n{"message":"refused"}\n'
    push = b'{"streams":[{"stream":{"a":"b"},"values":[["1763800000000000000","a line"]]}]}'
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add().body.string_value = "refused"
    logs = request.SerializeToString()
    lines = b"a line that is refused, of a length that no other has\n" * 3
    sizes = [len(body) for body in (EVENT, bulk, push, logs, lines)]
    with refusing(*sizes), platform.client() as client:
        told = client.post("/api/v1/ingest/lines", content=lines)
        assert told.status_code == 422
        assert "do not send it again" in told.json()["error"]["reason"]
        told = client.post("/services/collector", content=EVENT)
        assert (told.status_code, told.json()["code"]) == (400, 6)
        assert client.post("/v1/logs", content=logs, headers=PROTOBUF).status_code == 400
        assert client.post("/loki/api/v1/push", content=push, headers=JSON).status_code == 400
        told = client.post("/_bulk", content=bulk)
        assert told.status_code == 200
        assert told.json()["errors"]
        assert [item["index"]["status"] for item in told.json()["items"]] == [400]
        assert Delivery.objects.count() == 0
        with ThreadPoolExecutor(8) as senders:
            sent = [lines if n == 4 else b"good %d\n" % n for n in range(9)]
            answers = senders.map(lambda body: platform.post("lines", body).status_code, sent)
        assert list(answers) == [422 if n == 4 else 201 for n in range(9)]
    assert Delivery.objects.count() == 8


def test_a_database_that_lacks_something_is_the_operators_and_comes_again(
    platform: Platform,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE acquisition_delivery RENAME TO elsewhere")
        try:
            answer = platform.post("lines", b"a line\n")
        finally:
            cursor.execute("ALTER TABLE elsewhere RENAME TO acquisition_delivery")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert platform.post("lines", b"a line\n").status_code == 201
