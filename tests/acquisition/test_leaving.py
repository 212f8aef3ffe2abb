"""Sources that are given up: what goes at once, what stays, and what is refused."""

from __future__ import annotations

import pytest

from apps.acquisition import leaving, selectors, services, watches
from apps.acquisition.listening import listen_for
from apps.acquisition.models import Batch, Block, Delivery, Listening, Record, Source
from apps.center import verification
from apps.contracts import Refused
from apps.protection.models import AuditEntry
from tests.acquisition.samples import ACCESS, FAILED

pytestmark = pytest.mark.django_db


def made(name: str) -> tuple[Source, str]:
    source, token = services.create_source(name=name, actor="test")
    batch = services.receive(
        source=source, protocol="lines", content=f"{ACCESS}\n{FAILED}".encode()
    ).batch
    services.parse(batch.pk)
    Batch.objects.filter(pk=batch.pk).update(state=Batch.State.DONE)
    return source, token


def archive(source: Source) -> None:
    leaving.archive_source(source_id=source.pk, actor="ada")


def delete(source: Source, name: str = "old", evidence: int = 0) -> leaving.Kept:
    return leaving.delete_source(
        source_id=source.pk, name=name, actor="ada", evidence=lambda _: evidence
    )


def test_an_archived_source_takes_nothing_more_and_keeps_what_it_brought() -> None:
    source, token = made("old")
    listen_for(source=source, networks=["192.0.2.0/24"], actor="test")
    archive(source)
    assert selectors.source_of_token(token) is None
    assert not Listening.objects.exists()
    assert Record.objects.count() == 2
    for deed in (
        lambda: services.rotate_token(source_id=source.pk, actor="ada"),
        lambda: services.enable_source(source_id=source.pk, enabled=True, actor="ada"),
        lambda: listen_for(source=Source.objects.get(), networks=["192.0.2.0/24"], actor="test"),
    ):
        with pytest.raises(Refused, match="archive"):
            deed()
    leaving.restore_source(source_id=source.pk, actor="ada")
    source.refresh_from_db()
    assert (source.archived_at, source.enabled, source.token_digest) == (None, False, None)
    services.rotate_token(source_id=source.pk, actor="ada")
    said = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert said[-3:] == ["source.archived", "source.restored", "source.token_rotated"]


def test_a_deleted_source_goes_with_its_data_and_leaves_its_neighbours_and_the_seals() -> None:
    source, _ = made("old")
    other, _ = made("kept")
    archive(source)
    assert delete(source) == leaving.Kept(batches=1, records=2)
    assert list(Source.objects.all()) == [other]
    kept = Batch.objects.get()
    assert set(Record.objects.values_list("batch", flat=True)) == {kept.pk}
    assert (Record.objects.count(), Block.objects.count(), Delivery.objects.count()) == (2, 1, 1)
    assert list(verification.problems()) == []
    entry = AuditEntry.objects.order_by("id").last()
    assert entry is not None
    assert entry.action == "source.deleted"
    assert entry.detail == {"name": "old", "batches": 1, "records": 2}


def test_a_source_that_was_deleted_meanwhile_is_refused_with_a_reason() -> None:
    gone = Source(pk=4711)
    for deed in (
        lambda: archive(gone),
        lambda: leaving.restore_source(source_id=gone.pk, actor="ada"),
        lambda: delete(gone),
    ):
        with pytest.raises(Refused, match="deleted"):
            deed()


def test_a_source_that_is_in_the_archive_stays_there_since_it_came() -> None:
    source, _ = made("old")
    archive(source)
    since, entries = Source.objects.get().archived_at, AuditEntry.objects.count()
    archive(source)
    assert (Source.objects.get().archived_at, AuditEntry.objects.count()) == (since, entries)


def test_what_must_not_be_deleted_is_refused_with_a_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, _ = made("old")
    with pytest.raises(Refused, match="archive first"):
        delete(source)
    archive(source)
    with pytest.raises(Refused, match="name"):
        delete(source, name="odl")
    with pytest.raises(Refused, match="stand on 3"):
        delete(source, evidence=3)
    Batch.objects.update(state=Batch.State.PARSED)
    with pytest.raises(Refused, match="on their way"):
        delete(source)
    Batch.objects.update(state=Batch.State.FAILED)
    monkeypatch.setattr(leaving, "MOST_RECORDS", 1)
    with pytest.raises(Refused, match="at once"):
        delete(source)
    assert Record.objects.count() == 2


def test_a_source_that_is_needed_cannot_be_archived() -> None:
    uploads, _ = services.create_source(name="uploads", kind=Source.Kind.UPLOAD, actor="test")
    fed, _ = services.create_source(name="fed", actor="test")
    watches.create_watch(
        name="shop", kind="dns", target="shop.example", every=3600, source=fed, actor="test"
    )
    for source, word in ((uploads, "by hand"), (fed, "“shop”")):
        with pytest.raises(Refused, match=word):
            archive(source)
    watches.delete_watch(watch_id=fed.watches.get().pk, actor="test")
    archive(fed)
    with pytest.raises(Refused, match="archive"):
        watches.create_watch(
            name="shop", kind="dns", target="shop.example", every=3600,
            source=Source.objects.get(pk=fed.pk), actor="test",
        )  # fmt: skip
