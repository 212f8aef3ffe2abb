"""Findings on a real database: stored once, whatever is delivered twice."""

from __future__ import annotations

import uuid

import polars as pl
import pytest
from django.utils import timezone

from apps.acquisition import services as acquisition
from apps.acquisition import stages
from apps.acquisition.models import Batch, Source
from apps.detection import run, selectors, services
from apps.detection.models import Finding
from apps.detection.tasks import detect

pytestmark = pytest.mark.django_db

LINE = "Nov 22 10:00:{:02} shop sshd[7]: Failed password for root from 203.0.113.5 port {} ssh2\n"


@pytest.fixture
def batch() -> Batch:
    return parsed("".join(LINE.format(i, 40_000 + i) for i in range(30)))


def parsed(lines: str) -> Batch:
    source, _ = Source.objects.get_or_create(name="shop", host_name="shop")
    receipt = acquisition.receive(source=source, protocol="lines", content=lines.encode())
    acquisition.parse(receipt.batch.pk)
    return Batch.objects.get(pk=receipt.batch.pk)


def test_a_batch_is_searched_and_its_findings_name_their_records(batch: Batch) -> None:
    assert detect(str(batch.pk)) == str(batch.pk)
    (finding,) = Finding.objects.all()
    assert (finding.batch_id, finding.kind, finding.host) == (batch.pk, "brute_force", "shop")
    ids = set(batch.records.values_list("id", flat=True))
    assert set(finding.records) == ids
    assert len(ids) == 30
    batch.refresh_from_db()
    assert (batch.state, batch.claimed_at) == (Batch.State.DETECTED, None)
    assert selectors.as_contracts([finding])[0].title == finding.title


def test_a_task_delivered_twice_adds_nothing(batch: Batch) -> None:
    services.detect(batch.pk)
    assert services.detect(batch.pk) == 0
    # Even when the batch was put back, as after a worker killed between two statements.
    Batch.objects.filter(pk=batch.pk).update(state=Batch.State.PARSED)
    services.detect(batch.pk)
    assert Finding.objects.count() == 1


def test_a_batch_another_worker_is_at_is_left_alone_until_it_is_given_up(batch: Batch) -> None:
    Batch.objects.filter(pk=batch.pk).update(claimed_at=timezone.now())
    assert services.detect(batch.pk) == 0
    assert stages.free_lost() == [batch.pk]
    assert services.detect(batch.pk) == 1


def test_a_failing_search_gives_the_batch_back(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no disk")

    monkeypatch.setattr(services, "frame_of", fail)
    with pytest.raises(OSError, match="no disk"):
        services.detect(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.claimed_at) == (Batch.State.PARSED, None)


def test_failed_tools_are_told_in_the_summary(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = run.Search((), {"port_scan": "ValueError: no"})
    monkeypatch.setattr(run, "search", lambda *_: nothing)
    services.detect(batch.pk)
    batch.refresh_from_db()
    assert batch.summary["failed_tools"] == {"port_scan": "ValueError: no"}
    assert batch.state == Batch.State.DETECTED


def test_an_unknown_batch_is_no_error() -> None:
    assert services.detect(uuid.uuid4()) == 0


def test_the_fingerprint_does_not_depend_on_counts(batch: Batch) -> None:
    from apps.acquisition.selectors import frame_of

    frame = frame_of(batch.pk)
    whole = run.search(frame).findings
    part = run.search(frame.filter(pl.col("event.sequence") < 20)).findings
    assert whole != part
    assert services.fingerprints(batch.pk, whole) == services.fingerprints(batch.pk, part)
    assert services.fingerprints(uuid.uuid4(), whole) != services.fingerprints(batch.pk, whole)
