"""What a source takes in without a token, on its page and among the checks of the house."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from apps.acquisition import listening
from apps.acquisition.models import FollowedFile, Listener, Listening
from apps.center import health
from tests.center.test_pages import Enter, read
from tests.center.world import World

REPORT = {
    "listening": [
        {"what": "syslog-tcp", "address": "0.0.0.0:514"},
        {"what": "syslog-udp", "address": "0.0.0.0:514", "lost": 3, "received": 9, "room": 1},
    ],
    "connections": 2,
    "buffered": 1_500_000,
    "paused": False,
    "failing": "",
    "troubles": [],
    "files": 4,
    "behind": 77,
    "strangers": {"203.0.113.9": 7},
}


def check() -> health.Check:
    health.forget()
    acquisition = next(module for module in health.modules() if module.name == "acquisition")
    return next(check for check in acquisition.checks if check.title == "Listening")


def test_an_administrator_says_who_may_write_and_the_page_shows_it(
    world: World, enter: Enter, settings: Settings
) -> None:
    settings.TOCSIN = {
        **settings.TOCSIN,
        "listen": {**settings.TOCSIN["listen"], "tail": ["/var/log"]},
    }
    client = enter(world.administrator)
    address = reverse("source-listening", args=[world.source.pk])
    said = {
        "networks": "192.0.2.1\n198.51.100.0/24",
        "certificates": "gw.example",
        "paths": "/var/log/*.log",
        "folder": "web",
    }
    assert client.post(address, said).status_code == 302
    row = Listening.objects.get(source=world.source)
    assert row.networks == ["192.0.2.1", "198.51.100.0/24"]
    assert (row.certificates, row.files, row.folder) == (["gw.example"], ["/var/log/*.log"], "web")
    FollowedFile.objects.create(
        source=world.source,
        path="/var/log/a.log",
        identity="1:2",
        offset=10,
        size=30,
        lost=0,
        seen_at=timezone.now(),
    )
    assert "(rotated)" not in read(client, "source", world.source.pk)
    FollowedFile.objects.update(path="/var/log/a.log.1")
    assert '/var/log/a.log.1</span> <span class="muted">(rotated)' in read(
        client, "source", world.source.pk
    )
    FollowedFile.objects.update(path="/var/log/a.log")
    page = read(client, "source", world.source.pk)
    for shown in ("198.51.100.0/24", "gw.example", "/var/log/a.log", "no listening process runs"):
        assert shown in page
    assert "198.51.100.0/24" in client.get(address).content.decode()
    again = client.post(address, {**said, "paths": "/etc/shadow"})
    assert "TOCSIN_TAIL" in again.content.decode()
    assert Listening.objects.get(source=world.source).files == ["/var/log/*.log"]


def test_an_analyst_sees_it_and_may_not_change_it(world: World, enter: Enter) -> None:
    client = enter(world.analyst)
    assert "Nobody may write" in read(client, "source", world.source.pk)
    address = reverse("source-listening", args=[world.source.pk])
    assert client.post(address, {"networks": "192.0.2.1"}).status_code == 403
    assert not Listening.objects.exists()


@pytest.mark.django_db
def test_health_says_what_is_open_and_who_was_turned_away() -> None:
    assert check().state == "good"  # not asked for
    listening.report("here", REPORT)
    seen = check()
    assert seen.state == "good"
    for shown in (
        "syslog-tcp 0.0.0.0:514",
        "2 connections",
        "1.5 MB",
        "3 datagrams",
        "4 files followed, 77 bytes",
        "203.0.113.9 (7)",
    ):
        assert shown in seen.detail
    listening.report("here", {**REPORT, "paused": True})
    assert check().state == "waiting"
    listening.report("here", {**REPORT, "failing": "away"})
    assert check().state == "bad"
    Listener.objects.update(seen_at=timezone.now() - timedelta(minutes=1))
    assert check().state == "bad"
    listening.retire("here")
    assert check().state == "good"


@pytest.mark.django_db
def test_health_misses_a_process_that_should_be_there(settings: Settings) -> None:
    settings.HEARS = True
    assert check().state == "bad"


def test_the_folder_of_a_source_is_below_the_home(
    world: World, enter: Enter, settings: Settings
) -> None:
    listening.listen_for(source=world.source, folder="web", actor="test")
    page = read(enter(world.analyst), "source", world.source.pk)
    assert str(Path(settings.HOME) / "drop" / "web") in page
