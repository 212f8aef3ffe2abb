"""Files that are followed: every line once, through rotations, restarts and crashes."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.acquisition import listening, selectors, services
from apps.acquisition.listeners import files, following
from apps.acquisition.listeners.following import Follower, marks, whole_lines
from apps.acquisition.models import Batch, FollowedFile, Source

pytestmark = pytest.mark.django_db(transaction=True)


class Crash(Exception):
    """The process ends here."""


class Site:
    """A folder of logs, a source that follows them, and a process that can be started again."""

    def __init__(self, folder: Path, *patterns: str, name: str = "files") -> None:
        self.folder = folder
        self.source, _ = services.create_source(name=name, actor="test")
        self.now = 0.0
        paths = [str(folder / pattern) for pattern in patterns]
        listening.listen_for(source=self.source, files=paths, allowed=[folder], actor="test")
        self.start()

    def start(self) -> None:
        self.follower = Follower([self.folder], "here", lambda _batch: None, lambda: self.now)

    def poll(self, later: float = 0.0) -> None:
        self.now += later
        while self.follower.round():
            pass

    def settle(self) -> None:
        for _ in range(3):
            self.poll(following.PATIENCE + 1)

    def lines(self) -> list[str]:
        batches = Batch.objects.filter(source=self.source).order_by("received_at")
        return [
            line
            for batch in batches.values_list("pk", flat=True)
            for line in selectors.content_of(batch).decode().splitlines()
        ]

    def write(self, text: str, name: str = "app.log") -> None:
        with (self.folder / name).open("a") as file:
            file.write(text)

    def rename(self) -> None:
        for n in range(8, 0, -1):
            if (self.folder / f"app.log.{n}").exists():
                (self.folder / f"app.log.{n}").rename(self.folder / f"app.log.{n + 1}")
        if (self.folder / "app.log").exists():
            (self.folder / "app.log").rename(self.folder / "app.log.1")

    def copy_and_cut(self, is_slow: bool = False) -> None:
        log = self.folder / "app.log"
        if log.exists():
            whole = log.read_bytes()
            with (self.folder / f"app.log.copy{uuid4().hex[:6]}").open("wb", 0) as copy:
                for part in (whole[: len(whole) // 2], whole[len(whole) // 2 :]):
                    copy.write(part)
                    if is_slow:
                        self.poll(2)
                        self.poll(2)
            os.truncate(log, 0)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, "app.log")


def test_lines_come_as_they_are_written_and_a_partial_one_waits(site: Site) -> None:
    site.write("one\ntwo\nthr")
    site.poll()
    assert site.lines() == ["one", "two"]
    site.write("ee\nfour")
    site.poll(5)
    assert site.lines() == ["one", "two", "three"]
    site.poll(following.PATIENCE + 1)
    assert site.lines() == ["one", "two", "three", "four"]
    batch = Batch.objects.first()
    assert batch.file_name == str(site.folder / "app.log")
    assert batch.host_name == os.uname().nodename


def test_a_restart_goes_on_where_the_last_one_ended(site: Site) -> None:
    site.write("one\n")
    site.poll()
    site.start()
    site.write("two\n")
    site.poll()
    assert site.lines() == ["one", "two"]
    row = FollowedFile.objects.get()
    assert (row.offset, row.behind, row.lost) == (8, 0, 0)


@pytest.mark.parametrize("later", [True, False])
def test_a_crash_while_sending_loses_nothing_and_doubles_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, later: bool
) -> None:
    deliver = following.deliver

    def crash(*words: object) -> None:
        if later:
            deliver(*words)
        raise Crash

    site.write("one\ntwo\n")
    with monkeypatch.context() as broken:
        broken.setattr(following, "deliver", crash)
        with pytest.raises(Crash):
            site.poll()
    site.write("three\n")  # more than was claimed
    site.start()
    site.poll()
    assert site.lines() == ["one", "two", "three"]


def test_what_was_claimed_and_then_cut_is_counted_as_lost_unless_it_was_stored(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*words: object) -> None:
        raise Crash

    site.write("one\ntwo\n")
    with monkeypatch.context() as broken:
        broken.setattr(following, "deliver", crash)
        with pytest.raises(Crash):
            site.poll()
    os.truncate(site.folder / "app.log", 0)
    site.start()
    site.poll()
    site.write("three\n")
    site.poll()
    assert site.lines() == ["three"]
    assert sum(FollowedFile.objects.values_list("lost", flat=True)) == 8


def test_an_inode_given_to_another_file_is_noticed(site: Site) -> None:
    log = site.folder / "app.log"
    site.write("one\ntwo\n")
    site.poll()
    log.write_text("another file, longer than the first one\n")  # the same inode
    site.poll()
    assert site.lines() == ["one", "two", "another file, longer than the first one"]


def test_what_was_written_before_a_copy_and_cut_is_read_from_the_copy(site: Site) -> None:
    site.write("one\n")
    site.poll()
    site.write("two\n")
    site.copy_and_cut()
    site.write("three\n")
    site.poll()
    assert Counter(site.lines()) == Counter(["one", "two", "three"])


@pytest.mark.parametrize("count", [10, 300])
@pytest.mark.parametrize("grows", [False, True])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_slow_copy_is_not_read(tmp_path: Path, count: int, grows: bool, restarts: bool) -> None:
    site = Site(tmp_path, "*.log")
    log, copy = tmp_path / "g.log", tmp_path / "g.1.log"
    whole = "".join(f"line {n}\n" for n in range(count))
    site.write(whole, "g.log")
    site.poll(1)
    copy.touch()
    site.poll(1)
    for part in (whole[: len(whole) // 2], whole[len(whole) // 2 :]):
        site.write(part, "g.1.log")
        if restarts:
            site.start()
        for _ in range(5):
            site.poll(1)
    if grows:
        site.write("more\n", "g.log")
        site.poll(1)
    os.truncate(log, 0)
    site.write("new\n", "g.log")
    site.settle()
    site.start()
    site.settle()
    assert site.lines() == [*whole.splitlines(), *["more"] * grows, "new"]


def test_a_copy_is_not_read_when_what_it_was_copied_from_is_removed(tmp_path: Path) -> None:
    site = Site(tmp_path, "*.log")
    site.write("one\n", "g.log")
    site.poll(1)
    shutil.copyfile(tmp_path / "g.log", tmp_path / "g.1.log")
    (tmp_path / "g.log").unlink()
    site.settle()
    assert site.lines() == ["one"]


def test_a_short_file_that_begins_like_another_is_read_in_the_end(tmp_path: Path) -> None:
    site = Site(tmp_path, "*.log")
    site.write("banner\na1\n", "a.log")
    site.poll(1)
    site.write("banner\n", "b.log")
    site.poll(1)
    assert site.lines() == ["banner", "a1"]
    site.poll(following.SETTLED + 1)
    assert site.lines() == ["banner", "a1", "banner"]


def test_a_file_whose_pattern_is_given_back_is_read_on(tmp_path: Path) -> None:
    site = Site(tmp_path, "*.log")

    def follow(*patterns: str) -> None:
        paths = [str(tmp_path / pattern) for pattern in patterns]
        listening.listen_for(source=site.source, files=paths, allowed=[tmp_path], actor="test")
        site.poll(1)

    site.write("one\n", "g.log")
    site.poll(1)
    site.poll(following.RESTING + 1)
    follow("other.txt")
    follow("*.log")
    site.write("two\n", "g.log")
    site.settle()
    assert site.lines() == ["one", "two"]
    assert not FollowedFile.objects.get().ended


def test_a_file_that_was_removed_and_written_anew_is_read_anew(site: Site) -> None:
    site.write("started\n")
    site.poll()
    (site.folder / "app.log").unlink()
    site.settle()
    site.write("started\n")
    site.poll()
    assert site.lines() == ["started", "started"]


def test_a_rotated_file_is_shown_where_it_is(site: Site) -> None:
    site.write("one\n")
    site.poll()
    site.rename()
    site.write("two\n")
    site.poll()
    assert [Path(row.path).name for row in FollowedFile.objects.all()] == ["app.log", "app.log.1"]


def test_a_file_that_was_renamed_and_removed_at_once_is_read_to_its_end(site: Site) -> None:
    site.write("one\n")
    site.poll()
    site.write("two\n")
    (site.folder / "app.log").rename(site.folder / "app.log.1")
    (site.folder / "app.log.1").unlink()
    site.write("three\n")
    site.settle()
    assert Counter(site.lines()) == Counter(["one", "two", "three"])


def test_the_hole_a_writer_leaves_that_goes_on_at_its_old_place_is_passed(site: Site) -> None:
    with (site.folder / "app.log").open("w") as writer:  # not in append mode
        writer.write("one\ntwo\n" * 1000)
        writer.flush()
        site.poll()
        os.truncate(site.folder / "app.log", 0)
        writer.write("three\n")
        writer.flush()
        site.poll()
    assert site.lines() == ["one", "two"] * 1000 + ["three"]


def test_rotated_and_packed_files_are_not_read_again(tmp_path: Path) -> None:
    site = Site(tmp_path, "app.log*")
    site.write("one\n")
    site.poll()
    site.rename()
    shutil.copyfile(tmp_path / "app.log.1", tmp_path / "app.log.1.gz")
    site.write("two\n")
    site.settle()
    assert site.lines() == ["one", "two"]


def test_links_and_special_files_lead_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    allowed = tmp_path / "logs"
    for folder in (outside, allowed, allowed / "real"):
        folder.mkdir()
    (outside / "secret.log").write_text("secret\n")
    (allowed / "link.log").symlink_to(outside / "secret.log")
    (allowed / "linked").symlink_to(outside)
    os.mkfifo(allowed / "pipe.log")
    (allowed / "real" / "a.log").write_text("a\n")
    site = Site(allowed, "*.log", "*/*.log", "linked/secret.log")
    site.settle()
    assert site.lines() == ["a"]
    assert files.open_below(str(allowed / "link.log"), [allowed]) is None
    assert files.open_below(str(allowed / "pipe.log"), [allowed]) is None
    assert files.open_below(str(allowed / "linked/secret.log"), [allowed]) is None
    assert files.open_below(str(allowed / "real/../../outside/secret.log"), [allowed]) is None
    assert files.open_below(str(outside / "secret.log"), [allowed]) is None


def test_two_files_that_begin_alike_are_both_read(tmp_path: Path) -> None:
    site = Site(tmp_path, "*.log")
    banner = "# the same banner\n"
    site.write(banner + "a1\n", "a.log")
    site.poll()
    site.write(banner + "b1\n", "b.log")
    site.poll()
    assert Counter(site.lines()) == Counter([banner[:-1], "a1", banner[:-1], "b1"])


def test_a_source_whose_batches_wait_is_not_read_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST_WAITING", 1)
    site.write("one\n")
    site.poll()
    site.write("two\n")
    site.poll()
    assert site.lines() == ["one"]
    services.parse(Batch.objects.get().pk)
    site.poll()
    assert site.lines() == ["one", "two"]


deeds = st.lists(
    st.sampled_from(
        [
            "write",
            "write",
            "partial",
            "poll",
            "poll",
            "rename",
            "copy",
            "slow",
            "restart",
            "early",
            "late",
        ]
    ),
    min_size=3,
    max_size=18,
)


@given(deeds, st.sampled_from(["app.log", "app.log*"]))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_every_line_comes_once_whatever_happens_in_which_order(
    tmp_path: Path, deeds: list[str], pattern: str
) -> None:
    folder = tmp_path / uuid4().hex
    folder.mkdir()
    site = Site(folder, pattern, name=uuid4().hex)
    written: list[str] = []
    deliver = following.deliver
    is_cut = False  # the last line has no end yet
    is_unseen = True  # the file in place has not been read from

    def line() -> str:
        written.append(f"{len(written)} {uuid4().hex}")
        return written[-1]

    def crash(is_stored: bool) -> Callable[..., None]:
        def instead(*words: object) -> None:
            if is_stored:
                deliver(*words)
            raise Crash

        return instead

    for deed in deeds:
        if deed in ("write", "partial"):
            site.write("\n" * is_cut + f"{line()}\n{line()}" + "\n" * (deed == "write"))
            is_cut = deed == "partial"
        elif deed == "poll":
            site.poll(1)
            log = folder / "app.log"
            is_unseen = not log.exists() or not log.stat().st_size  # nothing was read
        elif deed in ("rename", "copy", "slow"):
            site.write("\n" * is_cut)
            is_cut = False
            if is_unseen:  # what comes and goes between two looks, nobody can see
                site.poll()
            site.rename() if deed == "rename" else site.copy_and_cut(is_slow=deed == "slow")
            is_unseen = True
        else:
            if deed in ("early", "late"):
                following.deliver = crash(deed == "late")
                try:
                    site.poll()
                except Crash:
                    pass
                finally:
                    following.deliver = deliver
            site.start()
    site.settle()
    assert Counter(site.lines()) == Counter(written)
    assert not sum(FollowedFile.objects.filter(source=site.source).values_list("lost", flat=True))


# ── Decisions ────────────────────────────────────────────────────────────────────────────


def test_whole_lines_are_sent_and_the_rest_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "CHUNK", 8)
    assert whole_lines(b"a\nb", is_last=False) == 2
    assert whole_lines(b"ab", is_last=False) == 0
    assert whole_lines(b"ab", is_last=True) == 2
    assert whole_lines(b"abcdefgh", is_last=False) == 8
    assert whole_lines(b"a\ncdefgh", is_last=False) == 2


def test_marks_tell_files_apart() -> None:
    one, two = b"a" * 5000, b"a" * 4000 + b"b" * 1000

    def read(content: bytes) -> Callable[[int, int], bytes]:
        return lambda at, size: content[at : at + size]

    assert marks(read(one), 3000) == marks(read(two), 3000)
    assert marks(read(one), 5000) != marks(read(two), 5000)
    assert marks(read(one), 5001) != marks(read(one), 5000)


def test_the_source_of_files_is_their_folder(site: Site) -> None:
    assert Source.objects.get().listening.files == [str(site.folder / "app.log")]


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("/var/log/a.log", True),
        ("/var/log/a.log.1", False),
        ("/var/log/deep/a.log", False),
        ("/srv/x/b", True),
    ],
)
def test_a_pattern_means_a_path_part_by_part(path: str, is_one: bool) -> None:
    assert files.is_meant(path, ["/var/log/*.log", "/srv/?/b"]) == is_one
