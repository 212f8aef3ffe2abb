"""Log handlers people already run, against the real server: OpenTelemetry, Splunk, Loki, logstash."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import logging_loki
from logstash_async.formatter import LogstashFormatter
from logstash_async.transport import HttpTransport
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from splunk_hec_handler import SplunkHecHandler

from apps.acquisition.models import Batch, Record, Source
from tests.acquisition.conftest import Platform
from tests.acquisition.samples import ACCESS

MANY = 10_000
SENDERS = 8


def lines(number: int) -> list[str]:
    return [f"{ACCESS} {n}" for n in range(number)]


def all_arrived_once(platform: Platform, expected: list[str]) -> bool:
    platform.parse_all()
    kept = Record.objects.filter(event_dataset="nginx.access")
    assert sorted(kept.values_list("event_original", flat=True)) == sorted(expected)
    source = Source.objects.get()
    assert (source.received, source.stored) == (len(expected), len(expected))
    return True


@contextmanager
def logger(handler: logging.Handler) -> Iterator[logging.Logger]:
    found = logging.Logger("shipped", logging.INFO)  # of its own: nobody else hears it
    found.addHandler(handler)
    yield found
    handler.close()


def test_10_000_records_of_the_opentelemetry_sdk_arrive_once(platform: Platform) -> None:
    exporter = OTLPLogExporter(
        f"{platform.address}/v1/logs",
        headers={"Authorization": f"Bearer {platform.token}"},
        compression=Compression.Gzip,
    )
    provider = LoggerProvider(Resource.create({"host.name": "web", "service.name": "shop"}))
    provider.add_log_record_processor(
        BatchLogRecordProcessor(exporter, max_queue_size=20_000, max_export_batch_size=2_000)
    )
    with logger(LoggingHandler(logger_provider=provider)) as log:
        for line in lines(MANY):
            log.warning(line)
        assert provider.force_flush(60_000)
    provider.shutdown()
    assert all_arrived_once(platform, lines(MANY))
    assert set(Record.objects.values_list("host_name", flat=True)) == {"web"}


def all_logged(handler: Callable[[], logging.Handler]) -> None:
    """Handlers that make a request of every line, as the processes of one site have them."""

    def run(part: list[str]) -> None:
        with logger(handler()) as log:
            for line in part:
                log.warning(line)

    told = lines(MANY)
    with ThreadPoolExecutor(SENDERS) as threads:
        list(threads.map(run, (told[n::SENDERS] for n in range(SENDERS))))


def test_10_000_events_of_splunk_handlers_arrive_once(platform: Platform) -> None:
    port = int(platform.address.rpartition(":")[2])
    all_logged(
        lambda: SplunkHecHandler(
            "127.0.0.1", platform.token, port=port, proto="http", source="shop", hostname="web"
        )
    )
    assert all_arrived_once(platform, lines(MANY))
    assert set(Record.objects.values_list("host_name", flat=True)) == {"web"}
    assert Batch.objects.count() < MANY / 20, "single events share batches"


def test_10_000_lines_of_loki_handlers_arrive_once(platform: Platform) -> None:
    all_logged(
        lambda: logging_loki.LokiHandler(
            url=f"{platform.address}/loki/api/v1/push",
            tags={"app": "shop", "host": "web"},
            auth=("anyone", platform.token),
            version="1",
        )
    )
    assert all_arrived_once(platform, lines(MANY))
    assert set(Record.objects.values_list("host_name", flat=True)) == {"web"}
    assert Batch.objects.count() < MANY / 20, "single lines share batches"


def test_10_000_events_of_logstash_s_http_transport_arrive_once(platform: Platform) -> None:
    port = int(platform.address.rpartition(":")[2])
    transport = HttpTransport(
        "127.0.0.1",
        port,
        timeout=30,
        ssl_enable=False,
        path="api/v1/ingest/ndjson",
        username="anyone",
        password=platform.token,
    )
    form = LogstashFormatter()
    events = [
        form.format(logging.LogRecord("shop", logging.INFO, "shop.py", 1, line, None, None))
        for line in lines(MANY)
    ]
    for start in range(0, MANY, 250):
        transport.send(events[start : start + 250])
    assert all_arrived_once(platform, lines(MANY))
