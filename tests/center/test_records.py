"""Records on pages: found, searched in part, gone by retention, and kept by a legal hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from apps.acquisition import search, services, storage
from apps.acquisition.models import Batch, BatchContent, Record
from apps.analysis.models import Incident
from apps.analysis.selectors import held_batches
from apps.center import health, tasks
from apps.protection.models import AuditEntry
from tests.acquisition.samples import ACCESS, FAILED
from tests.center.world import ATTACKER, World

Enter = Callable[[User], Client]


def kept_batch(content: str, received: datetime | None = None) -> Batch:
    source, _ = services.create_source(name=f"shipper of {content[:40]!r}", actor="test")
    batch = services.receive(source=source, protocol="lines", content=content.encode()).batch
    if received:
        Batch.objects.filter(pk=batch.pk).update(received_at=received)
    services.parse(batch.pk)
    Batch.objects.filter(pk=batch.pk).update(state=Batch.State.DONE)
    batch.refresh_from_db()
    return batch


# ── Search ───────────────────────────────────────────────────────────────────────────────


def test_records_are_found_by_every_field_and_all_together(world: World, enter: Enter) -> None:
    kept_batch(f"{ACCESS}\n{FAILED}")
    client = enter(world.analyst)

    def lines(**asked: str) -> int:
        return client.get(reverse("records"), asked).content.decode().count('class="where"')

    assert lines(text="oracle") == 1
    assert lines(text="orac*") == lines(text="ORACLE") == 1
    assert lines(text="orac") == lines(text="racle*") == 0
    assert lines(text='"invalid user oracle"') == 1
    assert lines(text='"oracle invalid"') == 0
    assert lines(user="oracle") == lines(user="oracle", dataset="sshd.auth") == 1
    assert lines(user="oracle", dataset="nginx.access") == 0
    assert lines(host="web-01", address=ATTACKER) > 5
    assert lines(url="/shop/item sqlmap") == 0
    assert lines(url='"/shop/item"') >= 1


def test_a_page_says_what_was_searched(
    world: World, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enter(world.analyst)

    def said(**asked: str) -> str:
        return client.get(reverse("records"), asked).content.decode()

    assert "everything that is kept was searched" in said(text="nowhere")
    assert "How a search works" in said()
    assert "At most 10 words" in said(text="a " * 11)
    assert client.get(reverse("records"), {"after": "nonsense"}).status_code == 404

    reached = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    stopped = search.Page([], "~7", stopped=True, reached=reached)
    with monkeypatch.context() as patched:
        patched.setattr("apps.center.views.evidence.find", lambda *a, **k: stopped)
        page = said(text="left right")
        assert "Searched back to" in page
        assert "after=~7" in page
        assert "everything that is kept" not in page

    def too_wide(*args: object, **named: object) -> None:
        raise search.TooWide

    with monkeypatch.context() as patched:
        patched.setattr("apps.center.views.evidence.find", too_wide)
        assert "could not answer in time" in said(text="left right")
        patched.setattr("apps.center.api.find", too_wide)
        answer = client.get("/api/v1/records/", {"text": "left right"})
        assert answer.status_code == 503


def test_programs_search_as_people_do(world: World, enter: Enter) -> None:
    kept_batch("\n".join([FAILED.replace("58:49", f"58:{n}") for n in range(10, 35)]))
    client = enter(world.analyst)
    found, after = [], ""
    while True:
        asked = {"text": "oracle", "limit": "10", "after": after}
        answer = client.get("/api/v1/records/", asked).json()
        found += [record["id"] for record in answer["records"]]
        after = answer["after"]
        if not after:
            break
    assert len(set(found)) == len(found) == 25
    assert (answer["stopped"], answer["reached"]) == (False, None)
    one = client.get(f"/api/v1/records/{found[0]}/").json()
    assert (one["user_name"], one["event_dataset"]) == ("oracle", "sshd.auth")
    for asked in ({"address": "x"}, {"after": "x"}, {"limit": "0"}, {"text": "a " * 11}):
        assert client.get("/api/v1/records/", asked).status_code == 400
    assert Client().get("/api/v1/records/").status_code in (401, 403)


def test_what_a_search_cannot_mean_is_said(world: World, enter: Enter) -> None:
    client = enter(world.analyst)

    def said(**asked: str) -> str:
        return client.get(reverse("records"), asked).content.decode()

    page = said(since="2026-03-05T00:00", until="2026-03-04T00:00")
    assert "It must be later than From." in page
    assert "was searched" not in page
    assert "A quotation mark is left open." in said(text='"failed password')
    assert "left open" not in said(text='"failed password"')


def test_the_first_page_leads_to_records_without_a_time(world: World, enter: Enter) -> None:
    client, address = enter(world.analyst), reverse("records")
    kept_batch("\n".join([ACCESS] * 60))
    assert "Show them" not in client.get(address).content.decode()
    kept_batch("a line that nobody reads")
    page = client.get(address).content.decode()
    assert "that nobody reads" not in page
    assert "Show them" in page
    page = client.get(address, {"after": search.UNTIMED}).content.decode()
    assert "that nobody reads" in page
    assert "Show them" not in page
    assert "Show them" not in client.get(address, {"since": "2020-01-01T00:00"}).content.decode()


def test_a_batch_that_was_not_searched_is_not_called_harmless(world: World, enter: Enter) -> None:
    client = enter(world.analyst)

    def page(content: str, **changes: object) -> str:
        batch = kept_batch(content)
        Batch.objects.filter(pk=batch.pk).update(**changes)
        return client.get(reverse("batch", args=[batch.pk])).content.decode()

    assert "Nothing in it looks wrong." in page("a")
    said = page("b", state=Batch.State.FAILED, error="It ends too early.")
    assert "not searched to the end" in said
    assert "looks wrong" not in said
    reasons = {"rejections": [{"sequence": 7, "reason": "not <JSON>"}], "notes": ["Two were late."]}
    said = page("c", items=1, stored=0, rejected=1, summary=reasons)
    assert "there was nothing to search" in said
    assert "not &lt;JSON&gt;</td>" in said
    assert "Two were late." in said
    assert "&quot;rejections&quot;" not in said


# ── Retention and legal hold ─────────────────────────────────────────────────────────────


def remember(incident: Incident, batch: Batch) -> int:
    """Lets the incident's first finding stand on the batch; returns the finding's id."""
    finding = incident.memberships.order_by("pk")[0].finding
    finding.batch = batch
    finding.records = [batch.first_record, batch.last_record]
    finding.save()
    return int(finding.pk)


@pytest.fixture
def old(world: World, settings: Settings) -> Batch:
    """A batch of a hundred days ago, which the incident's first finding stands on."""
    settings.TOCSIN = {**settings.TOCSIN, "retention_days": 90}
    batch = kept_batch(f"{ACCESS}\n{FAILED}", timezone.now() - timedelta(days=100))
    remember(world.incident, batch)
    return batch


def test_an_incident_whose_records_went_says_so(world: World, enter: Enter, old: Batch) -> None:
    finding = world.incident.memberships.order_by("pk")[0].finding_id
    assert tasks.remove_old() == 1
    client = enter(world.administrator)
    page = client.get(reverse("finding", args=[finding])).content.decode()
    assert "2 records of this page are no longer kept" in page
    gone = client.get(reverse("record", args=[old.first_record]))
    assert gone.status_code == 410
    assert "This record is no longer kept" in gone.content.decode()
    assert str(old.pk) in gone.content.decode()
    assert client.get(reverse("record", args=[12345])).status_code == 404
    page = client.get(reverse("batch", args=[old.pk])).content.decode()
    assert "removed by the retention" in page
    assert "Download as it came" not in page
    assert client.get(reverse("batch-content", args=[old.pk])).status_code == 404
    assert client.get(reverse("incident", args=[world.incident.pk])).status_code == 200


def test_a_held_incident_keeps_its_records_and_bytes(
    world: World, enter: Enter, old: Batch
) -> None:
    other = kept_batch("another of that day", timezone.now() - timedelta(days=100))
    before = kept_batch("what came just before", timezone.now() - timedelta(days=100))
    finding = world.incident.memberships.order_by("pk")[0].finding
    finding.records = [*finding.records, before.first_record]  # seen by looking back
    finding.save()
    client = enter(world.approver)
    answer = client.post(
        reverse("incident-hold", args=[world.incident.pk]), {"reason": "case 7"}, follow=True
    )
    page = answer.content.decode()
    assert "Under legal hold" in page
    assert "case 7" in page
    assert held_batches(storage.day_of(old.received_at)) >= {old.pk, before.pk}
    assert tasks.remove_old() == 1
    kept = set(Record.objects.exclude(batch=world.batch).values_list("batch", flat=True))
    assert kept == {old.pk, before.pk}
    assert set(BatchContent.objects.values_list("batch", flat=True)) >= {old.pk, before.pk}
    assert Batch.objects.get(pk=other.pk).removed_at is not None
    assert AuditEntry.objects.get(action="incident.held").detail == {"reason": "case 7"}

    client.post(reverse("incident-lift-hold", args=[world.incident.pk]), {"reason": "over"})
    assert AuditEntry.objects.get(action="incident.hold_lifted").detail == {"reason": "over"}
    assert tasks.remove_old() == 2
    assert set(Record.objects.values_list("batch", flat=True)) == {world.batch.pk}


def test_a_hold_needs_a_reason_and_the_right(world: World, enter: Enter) -> None:
    address = reverse("incident-hold", args=[world.incident.pk])
    assert enter(world.analyst).post(address, {"reason": "x"}).status_code == 403
    enter(world.approver).post(address, {"reason": ""})
    world.incident.refresh_from_db()
    assert world.incident.held_at is None
    page = enter(world.approver).post(address, {"reason": " "}, follow=True).content.decode()
    assert "A legal hold needs a reason." in page
    lift = reverse("incident-lift-hold", args=[world.incident.pk])
    page = enter(world.approver).post(lift, follow=True).content.decode()
    assert "Lifting a hold needs a reason." in page


def test_the_status_page_says_how_long_records_are_kept(
    world: World, enter: Enter, settings: Settings
) -> None:
    settings.TOCSIN = {**settings.TOCSIN, "retention_days": 45}
    health.forget()
    page = enter(world.administrator).get(reverse("status")).content.decode()
    assert "kept 45 days" in page
    assert "at most 10 seconds ago" in page
    settings.TOCSIN = {**settings.TOCSIN, "retention_days": 0}
    Incident.objects.filter(pk=world.incident.pk).update(held_at=timezone.now())
    health.forget()
    page = enter(world.administrator).get(reverse("status")).content.decode()
    assert "kept for ever" in page
    assert "1 incident under hold" in page
    health.forget()
