"""A watched folder: what is put there is taken once, or refused with a reason."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from django.db import OperationalError
from pytest_django import Settings

from apps.acquisition import listening, services
from apps.acquisition.listeners import dropping
from apps.acquisition.listeners.dropping import SETTLED, Dropped, free_name, is_unfinished
from apps.acquisition.models import Batch
from tests.acquisition.made_evtx import event_log
from tests.acquisition.samples import ACCESS, capture

pytestmark = pytest.mark.django_db(transaction=True)


class Folder:
    def __init__(self, root: Path) -> None:
        self.now = 0.0
        self.place = root / "web"
        self.source, _ = services.create_source(name="web servers", actor="test", host_name="web")
        listening.listen_for(source=self.source, folder="web", actor="test")
        self.dropped = Dropped(root, 10_000_000, lambda _batch: None, lambda: self.now)
        self.dropped.round()

    def settle(self) -> None:
        self.dropped.round()
        self.now += SETTLED
        self.dropped.round()

    def names(self, where: str) -> set[str]:
        return {file.name for file in (self.place / where).iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_what_is_dropped_becomes_what_it_is(folder: Folder) -> None:
    (folder.place / "access.log").write_text(ACCESS + "\n")
    (folder.place / "access.log.1.gz").write_bytes(gzip.compress(ACCESS.encode() * 2))
    (folder.place / "day.pcap").write_bytes(capture())
    (folder.place / "Security.evtx").write_bytes(event_log())
    (folder.place / "odd.bin").write_bytes(b"\x7fELF" + bytes(range(256)) * 4 + bytes(64))
    folder.settle()
    kinds = dict(Batch.objects.values_list("file_name", "protocol"))
    assert kinds == {
        "access.log": "lines",
        "access.log.1.gz": "lines",
        "day.pcap": "capture",
        "Security.evtx": "evtx",
        "odd.bin": "file",
    }
    assert folder.names("done") == set(kinds)
    assert set(Batch.objects.values_list("host_name", flat=True)) == {"web"}


def test_a_file_that_grows_or_is_called_unfinished_waits(folder: Folder) -> None:
    growing, part = folder.place / "a.log", folder.place / "b.log.part"
    growing.write_text("one\n")
    part.write_text("two\n")
    folder.dropped.round()
    for n in range(3):
        folder.now += SETTLED - 1
        growing.write_text("one\n" * (n + 2))
        folder.dropped.round()
    assert Batch.objects.count() == 0
    part.rename(folder.place / "b.log")
    folder.settle()
    assert folder.names("done") == {"a.log", "b.log"}


def test_links_special_files_and_giants_are_refused_with_a_reason(
    folder: Folder, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    (folder.place / "link.log").symlink_to(secret)
    os.link(secret, folder.place / "hard.log")
    os.mkfifo(folder.place / "pipe.log")
    (folder.place / "empty.log").write_text("")
    with (folder.place / "giant.log").open("wb") as giant:
        giant.truncate(10_000_001)
    (folder.place / "broken.gz").write_bytes(gzip.compress(b"x" * 1000)[:20])
    folder.settle()
    assert Batch.objects.count() == 0
    reasons = {
        name: (folder.place / "failed" / f"{name}.reason.txt").read_text()
        for name in folder.names("failed")
        if not name.endswith(".reason.txt")
    }
    assert len(reasons) == 6
    for name, word in (
        ("link.log", "symbolic"),
        ("hard.log", "hard link"),
        ("pipe.log", "regular"),
    ):
        assert word in reasons[name]
    for name, word in (("empty.log", "empty"), ("giant.log", "10000000"), ("broken.gz", "cut")):
        assert word in reasons[name]
    assert secret.read_text() == "secret\n"


def test_what_is_too_large_once_it_is_unpacked_is_refused(
    folder: Folder, settings: Settings
) -> None:
    settings.TOCSIN = {**settings.TOCSIN, "max_body": 1_000_000}
    (folder.place / "fits.gz").write_bytes(gzip.compress(bytes(1_000_000)))
    (folder.place / "bomb.gz").write_bytes(gzip.compress(bytes(1_000_001)))
    folder.settle()
    assert (folder.names("done"), folder.names("failed")) == (
        {"fits.gz"},
        {"bomb.gz", "bomb.gz.reason.txt"},
    )
    reason = (folder.place / "failed" / "bomb.gz.reason.txt").read_text()
    assert reason == "Unpacked it is larger than 1000000 bytes: send it in parts.\n"
    assert Batch.objects.get().size == 1_000_000


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_crash_in_between_takes_a_file_once(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, is_stored: bool
) -> None:
    deliver = dropping.deliver

    def crash(*words: object) -> None:
        if is_stored:
            deliver(*words)
        raise OperationalError("away")

    (folder.place / "a.log").write_text(ACCESS)
    with monkeypatch.context() as broken:
        broken.setattr(dropping, "deliver", crash)
        with pytest.raises(OperationalError):
            folder.settle()
    assert folder.names(".taking") == {"a.log"}
    folder.settle()
    assert Batch.objects.count() == 1
    assert folder.names("done") == {"a.log"}


def test_the_same_file_again_adds_nothing_and_another_of_its_name_does(folder: Folder) -> None:
    for content in (ACCESS, ACCESS, ACCESS + "\n" + ACCESS):
        (folder.place / "a.log").write_text(content)
        folder.settle()
    assert Batch.objects.count() == 2
    assert folder.names("done") == {"a.log", "a-2.log", "a-3.log"}


def test_a_folder_that_is_a_link_is_not_entered(folder: Folder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder.place / "done").rmdir()
    (folder.place / "done").symlink_to(elsewhere)
    (folder.place / "a.log").write_text(ACCESS)
    with pytest.raises(OSError, match="symbolic link"):
        folder.settle()
    assert not list(elsewhere.iterdir())


def test_names(tmp_path: Path) -> None:
    assert is_unfinished(".x")
    assert is_unfinished("x.part")
    assert not is_unfinished("x.log")
    assert free_name("a.log.gz", {"a.log.gz", "a-2.log.gz"}.__contains__) == "a-3.log.gz"
