"""NetFlow and IPFIX over UDP: every flow once, templates kept between batches and over restarts."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.acquisition import reading, services
from apps.acquisition.listeners.lessons import Lessons
from apps.acquisition.models import Batch, FlowExporter, Record, Source
from apps.acquisition.traffic import netflow
from tests.acquisition.listeners.conftest import Running, until
from tests.acquisition.traffic.test_netflow import (
    CELLS,
    FLOW,
    a_set,
    ipfix,
    packed,
    template,
    v5,
    v9,
)

SHORT = [cell for cell in CELLS if cell[0] != 6]


def stored() -> int:
    for batch in Batch.objects.filter(state=Batch.State.RECEIVED):
        services.parse(batch.pk)
    return Record.objects.count()


@pytest.mark.parametrize("version", [v9, ipfix])
def test_templates_hold_for_later_batches_and_after_a_restart(running: Running, version) -> None:
    options = 0 if version is v9 else 2
    taught = version(a_set(options, template(300, CELLS)), a_set(300, packed(CELLS)))
    data = version(a_set(300, packed(CELLS) * 3))
    running.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as exporter:
        exporter.bind(("127.0.0.1", 0))

        def send(datagram: bytes) -> None:
            exporter.sendto(datagram, ("127.0.0.1", running.port("netflow")))

        send(taught)
        until(lambda: stored() == 1)
        send(data)
        until(lambda: stored() == 4)
        running.stop()
        running.start()
        send(data)
        send(v5(FLOW, FLOW))
        send(b"nothing of the kind")
        until(lambda: stored() == 9)
    running.stop()
    source = Source.objects.get()
    assert (source.received, source.rejected) == (9, 0)
    assert set(Record.objects.values_list("source_ip", flat=True)) == {"203.0.113.9"}
    assert set(Batch.objects.values_list("host_name", flat=True)) == {"127.0.0.1"}
    assert FlowExporter.objects.get().address.startswith("127.0.0.1:")


def test_flows_before_their_template_are_rejected_and_counted() -> None:
    read = reading.read(netflow.pack([v9(a_set(300, packed(CELLS)))]), protocol="netflow")
    assert (read.items, read.frame.height) == (1, 0)
    assert "template" in read.rejected[0][1]


def test_what_was_taught_is_without_flows_and_the_newest_holds() -> None:
    lessons = Lessons()
    assert lessons.learn(v9(a_set(0, template(300, SHORT)), a_set(300, packed(SHORT))))
    assert lessons.learn(v9(a_set(0, template(300, CELLS)), a_set(300, packed(CELLS))))
    assert not lessons.learn(v9(a_set(0, template(300, CELLS))))
    again = Lessons(lessons.taught)
    assert again.taught == lessons.taught
    assert reading.read(lessons.taught, protocol="netflow").items == 0
    flows = lessons.taught + netflow.pack([v9(a_set(300, packed(CELLS)))])
    frame = reading.read(flows, protocol="netflow").frame
    assert frame["source.port"].to_list() == [51022]


@given(st.lists(st.binary(max_size=80), max_size=6))
@settings(max_examples=300, deadline=None)
def test_nothing_makes_it_raise(datagrams: list[bytes]) -> None:
    lessons = Lessons()
    for datagram in datagrams:
        for head in (b"\0\x09", b"\0\x0a"):
            lessons.learn(head + datagram)
    reading.read(
        lessons.taught + netflow.pack(datagrams), protocol="netflow"
    ) if datagrams else None


def test_what_an_exporter_may_teach_is_bounded() -> None:
    lessons = Lessons()
    for number in range(256, 5000):
        lessons.learn(v9(a_set(0, template(number, CELLS))))
    assert len(lessons.taught) < 300_000
