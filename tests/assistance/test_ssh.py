"""The SSH edge against a real sshd: whom we trust, and what bounds what they can do to us."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import paramiko
import pytest

from apps.assistance import ssh
from apps.assistance.ssh import Connection, Endpoint, HostKey, Unreachable, WrongHostKey
from apps.contracts import Command
from apps.protection import outbound
from tests.assistance.machine import OPERATOR, Machine


def test_a_fingerprint_is_the_one_ssh_keygen_prints(tmp_path: Path) -> None:
    for kind in ("ed25519", "ecdsa", "rsa"):
        file = tmp_path / kind
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", file], check=True)
        line = file.with_suffix(".pub").read_text()
        said = subprocess.run(["ssh-keygen", "-lf", file], capture_output=True, text=True).stdout
        assert HostKey.parse(line).fingerprint == said.split()[1]
        assert ssh.private_key(file.read_text()).get_base64() == line.split()[1]


@pytest.mark.parametrize(
    "line", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-ed25519 %%%", "ssh-dss AAAA", "x y"]
)
def test_a_damaged_or_weak_host_key_is_not_pinned(line: str) -> None:
    with pytest.raises(ValueError, match="host key"):
        HostKey.parse(line)


def test_a_private_key_that_cannot_be_used_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", file], check=True)
    with pytest.raises(ValueError, match="passphrase"):
        ssh.private_key(file.read_text())
    with pytest.raises(ValueError, match="not an Ed25519"):
        ssh.private_key("hello")


def test_nobody_there_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        ssh.scan_host_key("127.0.0.1", 1)
    with pytest.raises(Unreachable, match="does not answer"):
        ssh.scan_host_key("", relay=str(tmp_path / "nothing"))


def test_nobody_is_asked_where_no_host_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", (text, 22)) for text in ("10.0.0.5", "169.254.169.254")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *said, **how: found)

    def connected(*said: object) -> None:
        raise AssertionError(said)

    monkeypatch.setattr(socket, "create_connection", connected)
    with pytest.raises(Unreachable, match=r"web01 leads to 169\.254\.169\.254, which is never"):
        ssh.scan_host_key("web01")


def test_the_link_local_address_that_a_machine_tells_of_itself_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = ["fe80::1%eth0", "10.0.0.5"]

    def look_up(*said: object, **how: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (text, 22)) for text in told]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    allowed = {"private": True, "networks": ssh.OVERLAYS}
    assert list(map(str, outbound.judged("web01.local", 22, **allowed))) == ["10.0.0.5"]
    with pytest.raises(outbound.Forbidden, match="fe80::1"):  # nobody else asks machines nearby
        outbound.judged("web01.local", 22, networks=outbound.networks_of(["10.0.0.0/8"]))
    told.pop()
    with pytest.raises(outbound.Forbidden, match="fe80::1"):
        outbound.judged("web01.local", 22, **allowed)


def open_machine(machine: Machine, **changes: object) -> Connection:
    way = {
        "user": "root",
        "host_key": HostKey.parse(machine.host_key),
        "key": ssh.private_key(machine.key),
        **changes,
    }
    return Connection(Endpoint("machine", 22, machine.relay), **way)  # type: ignore[arg-type]


def test_the_key_a_stranger_sees_is_the_hosts_own(machine: Machine) -> None:
    assert ssh.scan_host_key("machine", relay=machine.relay).line == machine.host_key


def test_another_host_key_than_the_pinned_one_is_refused_before_we_log_in(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    monkeypatch.setattr(paramiko.SSHClient, "_auth", lambda *said: tried.append(said))
    stranger = paramiko.ECDSAKey.generate()
    same_type = HostKey.parse(machine.host_key)
    other = HostKey(same_type.type, same_type.blob[:-1] + bytes([same_type.blob[-1] ^ 1]))
    with pytest.raises(WrongHostKey, match="not the pinned SHA256:"):
        open_machine(machine, host_key=other)
    with pytest.raises(Unreachable):  # it has no key of that type to show
        open_machine(machine, host_key=HostKey(stranger.get_name(), stranger.asbytes()))
    assert tried == []


def test_a_private_key_the_host_does_not_know_is_refused(machine: Machine) -> None:
    with pytest.raises(Unreachable, match="does not accept the key of root"):
        open_machine(machine, key=paramiko.ECDSAKey.generate())


def test_words_reach_the_program_as_they_are(machine: Machine) -> None:
    words = (
        "a'b",
        '"$HOME"',
        "$(id)",
        "`id`",
        "x;y&z|w",
        "*",
        "~",
        "",
        "new\nline",
        "é",
        "\\",
        "!",
    )
    with open_machine(machine) as host:
        said = host.run(Command(("/usr/bin/printf", "%s\\n--\\n", *words)))
        assert said.stdout.split("\n--\n")[:-1] == list(words)
        assert host.run(Command(("/usr/bin/cat",), stdin="from stdin é")).stdout == "from stdin é"
        peer = host.run(Command(("/usr/bin/printenv", "SSH_CONNECTION"))).stdout.split()
        assert peer[0] == OPERATOR
        assert host.run(Command(("/usr/bin/false",))).status == 1
        assert host.run(Command(("/no/such/program",))).status == 127
        with pytest.raises(ValueError, match="NUL"):
            host.run(Command(("/bin/echo", "a\0b")))


def test_a_command_that_does_not_end_or_never_stops_talking_is_cut_off(machine: Machine) -> None:
    with open_machine(machine) as host:
        endless = host.run(Command(("/usr/bin/sleep", "60")), timeout=0.3)
        assert (endless.status, endless.stderr) == (124, "cut off: it did not end in time")
        flood = host.run(Command(("/usr/bin/yes",)))
        assert flood.status == 124
        assert "more than 1048576 bytes" in flood.stderr
        assert host.run(Command(("/usr/bin/id", "-u"))).stdout == "0\n"  # and the line still works
