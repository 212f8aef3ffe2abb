"""The range itself: it comes up, keeps its inhabitants apart from the machine, and goes away."""

from __future__ import annotations

import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from tests.range import attacks
from tests.range.client import Client
from tests.range.rig import CLIENTS, REPAIR_ACCOUNT, VICTIM, WEAK_PASSWORD, Range
from tests.range.rootfs import pristine_root
from tests.range.spaces import STATE, sweep

pytestmark = pytest.mark.range


@pytest.fixture(scope="module", autouse=True)
def possible() -> None:
    if reasons := Range.missing():
        pytest.skip("the range cannot run here: " + "; ".join(reasons))
    try:
        pristine_root()
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def rig(possible: None) -> Iterator[Range]:
    with Range() as built:
        yield built


def left_of(name: str) -> list[str]:
    """Everything on the machine that still bears a range's name."""
    spaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    found = [line for line in spaces.splitlines() if f"tocsin-{name}-" in line]
    found += [str(path) for path in Path(tempfile.gettempdir()).glob(f"{STATE}{name}*")]
    found += [line for line in Path("/proc/mounts").read_text().splitlines() if name in line]
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = command.read_bytes()
        except OSError:
            continue
        if name.encode() in text:
            found.append(text.decode(errors="replace"))
    return found


def pids_of(name: str) -> set[str]:
    """The processes that live in a range's namespaces."""
    places = ("attacker", "victim", "platform", "neighbours")
    asked = [["ip", "netns", "pids", f"tocsin-{name}-{place}"] for place in places]
    return {
        pid
        for command in asked
        for pid in subprocess.run(command, capture_output=True, text=True).stdout.split()
    }


def web_answers(rig: Range, place: str) -> bool:
    """Whether the victim's shop answers a program in the named place."""
    knock = f"import socket; socket.create_connection(({VICTIM!r}, 80), 1)"
    done = getattr(rig, place).run([sys.executable, "-c", knock], check=False)
    return bool(done.returncode == 0)


def test_it_goes_away_without_a_trace() -> None:
    with Range() as built:
        built.forward()
        inhabitants = pids_of(built.id)
        assert len(inhabitants) > 5
        assert left_of(built.id)
    assert left_of(built.id) == []
    assert not [pid for pid in inhabitants if Path(f"/proc/{pid}").exists()]


def test_it_goes_away_when_the_work_inside_fails() -> None:
    built = Range()

    def fail() -> None:
        built.attacker.popen(["sleep", "60"])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), built:
        fail()
    assert left_of(built.id) == []


def test_what_a_killed_run_left_is_swept_by_the_next() -> None:
    program = (
        "import time\nfrom tests.range.rig import Range\n"
        "with Range() as r:\n print(r.id, flush=True)\n time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        name = run.stdout.readline().decode().strip()
        assert pids_of(name)
        run.send_signal(signal.SIGKILL)
    end = time.monotonic() + 5
    while pids_of(name) and time.monotonic() < end:
        time.sleep(0.02)
    assert not pids_of(name)  # every process died with the run
    assert left_of(name)  # namespaces and files could not
    assert name in sweep()
    assert left_of(name) == []


def test_two_ranges_live_side_by_side(rig: Range) -> None:
    with Range() as other:
        other.victim.run(["touch", "/root/only-here"])
        assert not (rig.rootfs / "root/only-here").exists()
        assert not {rig.id, other.id} & set(sweep())  # the living are nobody's leftovers
        assert web_answers(rig, "attacker")
        assert web_answers(other, "attacker")


def test_no_namespace_has_a_way_out(rig: Range) -> None:
    for place in (rig.attacker, rig.victim, rig.platform, rig.neighbours):
        routes = place.run(["ip", "route"]).stdout.splitlines()
        assert [route.split()[0] for route in routes] == ["10.77.0.0/24"]


def test_the_victims_accounts_and_files_are_not_the_machines(rig: Range) -> None:
    machine = Path("/etc/passwd").read_bytes()
    rig.victim.run(["useradd", "--create-home", "mallory"])
    rig.victim.run(["usermod", "--lock", "bob"])
    assert "mallory" in (rig.rootfs / "etc/passwd").read_text()
    assert Path("/etc/passwd").read_bytes() == machine
    with pytest.raises(KeyError):
        pwd.getpwnam("mallory")
    assert not Path("/home/mallory").exists()
    assert rig.victim.run(["test", "-e", __file__], check=False).returncode == 1
    assert rig.victim.run(["hostname"]).stdout.strip() == "victim"
    assert rig.victim.run(["ps", "-o", "comm=", "1"]).stdout.strip() == "python3"


def test_the_cache_stays_pristine(rig: Range) -> None:
    assert "alice" not in (pristine_root() / "etc/passwd").read_text()
    assert not (pristine_root() / "opt/range").exists()


def test_a_rule_in_the_victim_stops_the_attacker_and_nobody_else(rig: Range) -> None:
    before = rig.victim.run(["nft", "list", "ruleset"]).stdout
    assert web_answers(rig, "attacker")
    rule = "add table inet t; add chain inet t c { type filter hook input priority -10; };"
    rig.victim.run(["nft", f"{rule} add rule inet t c ip saddr {rig.attacker.address} drop"])
    assert not web_answers(rig, "attacker")
    assert web_answers(rig, "platform")
    rig.victim.run(["nft", "delete table inet t"])
    assert web_answers(rig, "attacker")
    assert rig.victim.run(["nft", "list", "ruleset"]).stdout == before


def test_the_platform_logs_in_with_its_key_and_the_pinned_host_key(rig: Range) -> None:
    port = rig.forward()
    with paramiko.SSHClient() as ssh:
        pin(ssh, port, rig.host_key_line)
        ssh.set_missing_host_key_policy(paramiko.RejectPolicy())
        ssh.connect(
            "127.0.0.1",
            port,
            REPAIR_ACCOUNT,
            key_filename=str(rig.ssh_key_path),
            look_for_keys=False,
            allow_agent=False,
            timeout=10,
        )
        _, out, _ = ssh.exec_command("id -u; nft list tables; echo $SSH_CONNECTION")
        uid, tables, peer = out.read().decode().splitlines()
    assert (uid, tables) == ("0", "table inet filter")
    assert peer.startswith(f"{rig.platform.address} ")


def test_the_way_in_may_be_a_unix_socket_for_root_only(rig: Range) -> None:
    path = rig.relay()
    assert path.stat().st_mode & 0o777 == 0o600
    with socket.socket(socket.AF_UNIX) as raw:
        raw.settimeout(10)
        raw.connect(str(path))
        assert raw.recv(64).startswith(b"SSH-2.0-OpenSSH")


def test_a_far_client_takes_its_time() -> None:
    with Range(delays={CLIENTS[0]: 0.2}) as built:
        took = []
        for address in CLIENTS[:2]:
            with Client(built, built.neighbours, address) as visitor:
                visitor.do("http", requests=[{"path": "/health"}])  # learns who has which address
                visit = visitor.do("http", requests=[{"path": "/health"}])
            assert visit["statuses"] == [200]
            took.append(visit["end"] - visit["start"])
    assert took[0] > 0.4  # one round trip to connect, one to ask
    assert took[1] < 0.2


def test_another_host_key_or_another_place_is_refused(rig: Range) -> None:
    port = rig.forward()
    other = paramiko.ECDSAKey.generate()
    with paramiko.SSHClient() as ssh:
        pin(ssh, port, f"{other.get_name()} {other.get_base64()}")
        with pytest.raises(paramiko.BadHostKeyException):
            ssh.connect("127.0.0.1", port, REPAIR_ACCOUNT, key_filename=str(rig.ssh_key_path))
    with Client(rig, rig.attacker, rig.attacker.address) as thief:
        stolen = {"user": REPAIR_ACCOUNT, "key": str(rig.ssh_key_path)}
        result = thief.do("ssh", host_key=rig.host_key_line, commands=["id"], **stolen)
    assert "Authentication" in result["error"]


def test_hydra_finds_the_weak_password_and_the_log_tells(rig: Range) -> None:
    if reasons := Range.missing("hydra"):
        pytest.skip("; ".join(reasons))
    deed = attacks.ssh_brute_force(rig.attacker, ("intern",), ("123456", WEAK_PASSWORD), 1)
    assert attacks.found_logins(deed) == [("intern", WEAK_PASSWORD)]
    log = (rig.rootfs / "var/log/auth.log").read_text()
    told = [
        line.split("victim ")[1].split("]: ")[1] for line in log.splitlines() if "sshd[" in line
    ]
    assert any(f"Failed password for intern from {rig.attacker.address}" in line for line in told)
    assert any(f"Accepted password for intern from {rig.attacker.address}" in line for line in told)


def test_a_benign_visit_has_its_own_address_and_the_shop_its_holes(rig: Range) -> None:
    hole = {"path": "/page?name=../../../etc/passwd"}
    with Client(rig, rig.neighbours, CLIENTS[2]) as visitor:
        assert visitor.do("http", requests=[{"path": "/"}])["statuses"] == [200]
        assert visitor.do("http", requests=[hole])["statuses"] == [200]
        assert visitor.do("dns", names=["shop.range", "nowhere.example"])["answered"] == 2
    log = (rig.rootfs / "var/log/nginx/access.log").read_text()
    assert f"{CLIENTS[2]} - - [" in log
    assert '"GET /page?name=../../../etc/passwd HTTP/1.1" 200' in log


def pin(ssh: paramiko.SSHClient, port: int, line: str) -> None:
    entry = paramiko.hostkeys.HostKeyEntry.from_line(f"[127.0.0.1]:{port} {line}")
    assert entry is not None
    assert entry.key is not None
    ssh.get_host_keys().add(entry.hostnames[0], entry.key.get_name(), entry.key)
