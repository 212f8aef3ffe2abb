"""What the page of a source says of its counters, its clock and its limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.acquisition import arrivals, open_batches, receiving, services
from apps.acquisition.models import Source
from apps.center import selectors
from apps.protection.models import AuditEntry
from tests.center.world import person, world

Enter = Callable[[User], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    return services.create_source(name="web", actor="test")[0]


def said(client: Client, name: str, *args: object) -> str:
    return said_at(client, reverse(name, args=args))


def said_at(client: Client, address: str) -> str:
    return re.sub(r"\s+", " ", client.get(address).content.decode())


def line(at: datetime) -> bytes:
    return f"{at.isoformat()} web sshd[1]: Connection closed by 192.0.2.1 port 1".encode()


def test_what_is_received_and_not_yet_parsed_is_said(source: Source, enter: Enter) -> None:
    client = enter(person("ana", "analyst"))
    assert "Everything received is parsed." in said(client, "source", source.pk)
    batch = services.receive(source=source, protocol="lines", content=b"x" * 2000).batch
    arrival = arrivals.arrive(source=source, protocol="lines", content=b"y", gather=True)
    receiving.commit([arrival])
    page = said(client, "source", source.pk)
    assert "2 batches (2.0" in page
    assert "are received and not yet parsed" in page
    assert "since" in said(client, "sources")
    open_batches.close(source.batches.filter(state="open").values_list("pk", flat=True))
    for batch in source.batches.all():
        services.parse(batch.pk)
    assert "Everything received is parsed." in said(client, "source", source.pk)


def test_late_records_are_counted_and_stay_stored(source: Source) -> None:
    now = timezone.now()
    times = [now, now - timedelta(minutes=59), now - timedelta(minutes=61), now - timedelta(days=9)]
    content = b"\n".join([*map(line, times), b"no time at all"])
    batch = services.receive(source=source, protocol="lines", content=content).batch
    services.parse(batch.pk)
    source.refresh_from_db()
    assert (source.received, source.stored, source.rejected) == (5, 5, 0)
    assert (source.late, source.unparsed) == (2, 1)


@pytest.mark.parametrize(
    ("ahead", "sentence"),
    [
        (timedelta(seconds=95), "Its clock is ahead of ours by 9"),
        (timedelta(minutes=-10), "Its latest events came 10 minutes after they happened"),
        (timedelta(hours=-23), "Its latest events came 23 hours after they happened"),
        (timedelta(days=-10393), "It tells of long ago: its latest events came 10393 days after"),
        (timedelta(0), ""),
    ],
)
def test_a_clock_that_differs_is_told_and_nothing_is_corrected(
    source: Source, ahead: timedelta, sentence: str
) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + ahead
    batch = services.receive(source=source, protocol="lines", content=line(at)).batch
    services.parse(batch.pk)
    source.refresh_from_db()
    assert selectors.clock(source).startswith(sentence)
    assert bool(selectors.clock(source)) == bool(sentence)
    assert batch.records.get().timestamp == at


def test_one_odd_time_says_nothing_of_a_clock(source: Source) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    content = b"\n".join(line(at) for at in (now, now - timedelta(days=10393), now))
    services.parse(services.receive(source=source, protocol="lines", content=content).batch.pk)
    source.refresh_from_db()
    assert selectors.clock(source) == ""


def test_limits_are_set_by_an_administrator_and_written_down(source: Source, enter: Enter) -> None:
    address = reverse("source-limits", args=[source.pk])
    asked = {"events_per_s": "100", "kilobytes_per_s": "", "megabytes_per_day": "5"}
    assert enter(person("ana", "analyst")).post(address, asked).status_code == 403
    client = enter(person("ada", "administrator"))
    assert client.post(address, asked).status_code == 302
    source.refresh_from_db()
    assert (source.events_per_s, source.bytes_per_s, source.bytes_per_day) == (100, None, 5_000_000)
    assert "100 events a second · 5 MB a day" in said(client, "source", source.pk)
    entry = AuditEntry.objects.get(action="source.limited")
    assert (entry.actor, entry.detail["bytes_per_day"]) == ("ada", 5_000_000)
    assert 'value="100"' in said(client, "source-limits", source.pk)


def test_a_new_source_may_have_limits_from_its_first_day(enter: Enter) -> None:
    client = enter(person("ada", "administrator"))
    asked = {"name": "new", "kind": "shipper", "kilobytes_per_s": "7"}
    assert client.post(reverse("source-new"), asked).status_code == 200
    assert Source.objects.get(name="new").bytes_per_s == 7000


def test_an_administrator_archives_a_source_takes_it_back_and_deletes_it(
    source: Source, enter: Enter
) -> None:
    analyst, root = enter(person("ana", "analyst")), enter(person("root", "administrator"))
    assert analyst.post(reverse("source-archive", args=[source.pk])).status_code == 403
    root.post(reverse("source-archive", args=[source.pk]))
    assert "archived" in said(root, "source", source.pk)
    page = said(root, "sources")
    assert "Archive (1)" in page
    assert ">web<" not in page
    assert ">web<" in said_at(root, reverse("sources") + "?archived")
    root.post(reverse("source-restore", args=[source.pk]))
    assert ">web<" in said(root, "sources")
    root.post(reverse("source-archive", args=[source.pk]))
    assert "0 batches and 0 records go" in said(root, "source", source.pk)
    answer = root.post(reverse("source-delete", args=[source.pk]), {"name": "wbe"}, follow=True)
    assert "nothing was deleted" in answer.content.decode()
    root.post(reverse("source-delete", args=[source.pk]), {"name": "web"})
    assert not Source.objects.exists()


def test_what_incidents_stand_on_stays(enter: Enter) -> None:
    made = world()
    made.source.watches.all().delete()
    services.create_source(name="other", actor="test")
    root = enter(made.administrator)
    root.post(reverse("source-archive", args=[made.source.pk]))
    assert "Incidents stand on 1 of its batches" in said(root, "source", made.source.pk)
    answer = root.post(
        f"/api/v1/sources/{made.source.pk}/delete/",
        {"name": made.source.name},
        content_type="application/json",
    )
    assert answer.status_code == 409
    assert made.batch.records.exists()


def test_programs_archive_and_delete_sources(source: Source, enter: Enter) -> None:
    analyst, root = enter(person("ana", "analyst")), enter(person("root", "administrator"))
    path = f"/api/v1/sources/{source.pk}"
    assert analyst.post(f"{path}/archive/").status_code == 403
    assert root.post(f"{path}/delete/", {"name": "web"}).status_code == 409
    for deed in ("archive", "restore", "archive"):
        assert root.post(f"{path}/{deed}/").status_code == 204
    assert root.post(f"{path}/delete/", {"name": "web"}).status_code == 204
    assert root.get(f"{path}/").status_code == 404
