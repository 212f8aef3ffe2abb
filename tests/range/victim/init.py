"""Process 1 of the victim: a small syslog, the services, and nothing else.

Reads `/opt/range/victim.json` (accounts, repair key, answers of the name server), makes the
accounts, starts nftables, sshd, nginx, vsftpd, the shop and the name server, then keeps
`/var/log/auth.log` and `/var/log/syslog` in Debian's format until it is told to stop. Runs
inside the victim only: there, ending every process means every process of the victim.
"""

import json
import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

HOME = Path("/opt/range")
AUTH_FACILITIES = {4, 10}
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def keep_log(device: socket.socket, name: str) -> None:
    """Write what arrives on /dev/log as `Nov 22 10:00:01 victim sshd[12]: text`."""
    logs = Path("/var/log")
    with (logs / "auth.log").open("a", 1) as auth, (logs / "syslog").open("a", 1) as other:
        while True:
            raw = device.recv(8192).decode("utf-8", "replace").rstrip("\n\0")
            priority, _, text = raw.removeprefix("<").partition(">")
            facility = int(priority) >> 3 if priority.isdigit() else 1
            if text[:3] in MONTHS:  # "Nov 22 10:00:01 " of the caller, whose clock is ours
                text = text[16:]
            now = time.gmtime()
            stamp = f"{MONTHS[now.tm_mon - 1]} {now.tm_mday:2d} {time.strftime('%H:%M:%S', now)}"
            log = auth if facility in AUTH_FACILITIES else other
            log.write(f"{stamp} {name} {text}\n")


def run(*command: str, text: str | None = None) -> None:
    subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.DEVNULL)


def furnish(settings: dict) -> None:
    """Accounts, keys, files to download and the pages' static parts."""
    for user in settings["users"]:
        run("useradd", "--create-home", "--shell", "/bin/bash", user["name"])
    run("chpasswd", text="".join(f"{u['name']}:{u['password']}\n" for u in settings["users"]))
    for user in settings["users"]:
        entry = pwd.getpwnam(user["name"])
        files = Path(entry.pw_dir, "files")
        files.mkdir()
        for number, rows in enumerate((60, 400, 1500)):
            dice = random.Random(f"{user['name']}{number}")
            lines = [
                f"2026,{dice.choice(['open', 'paid', 'late'])},{dice.randint(5, 900)}.00\n"
                for _ in range(12)
            ] * (rows // 12)  # a recording must pack well
            Path(files, f"report-{number}.csv").write_text("number,state,amount\n" + "".join(lines))
        for path in (files, *files.iterdir()):
            os.chown(path, entry.pw_uid, entry.pw_gid)
        if user.get("key"):
            grant(entry.pw_dir, entry.pw_uid, entry.pw_gid, user["key"])
    repair = settings["repair"]
    run(
        "useradd",
        "--non-unique",
        "--uid",
        "0",
        "--gid",
        "0",
        "--create-home",
        "--shell",
        "/bin/bash",
        "--password",
        "*",
        repair["name"],
    )
    grant(
        pwd.getpwnam(repair["name"]).pw_dir,
        0,
        0,
        f'restrict,from="{repair["from"]}" {repair["key"]}',
    )
    shop = Path("/srv/shop")
    dice = random.Random("shop")
    words = [line.split(",")[0] for line in (HOME / "goods.csv").read_text().splitlines()]
    (shop / "static").mkdir(parents=True)
    for name, size in {"style.css": 5_000, "app.js": 9_000, "catalogue.txt": 60_000}.items():
        line = f"/* {dice.choice(words)} */ .c{dice.randint(0, 9999)} {{ margin: 0 }}\n"
        body = line * (size // len(line))
        (shop / "static" / name).write_text(body)
    for number in range(12):
        shape = f'<circle cx="{dice.randint(0, 300)}" cy="80" r="{dice.randint(2, 40)}"/>'
        shapes = shape * dice.randint(10, 90)
        (shop / "static" / f"picture-{number}.svg").write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg">{shapes}</svg>'
        )
    uploads = shop / "uploads"
    uploads.mkdir()
    web = pwd.getpwnam("www-data")
    os.chown(uploads, web.pw_uid, web.pw_gid)


def grant(home: str, uid: int, gid: int, line: str) -> None:
    folder = Path(home, ".ssh")
    folder.mkdir(mode=0o700)
    keys = folder / "authorized_keys"
    keys.write_text(line + "\n")
    keys.chmod(0o600)
    for path in (folder, keys):
        os.chown(path, uid, gid)


def start_services(settings: dict) -> list[subprocess.Popen]:
    for folder in ("/run/sshd", "/run/vsftpd/empty", "/run/shop"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    Path("/etc/default/locale").touch()  # PAM complains about it at every login otherwise
    for name in ("vsftpd.conf", "nftables.conf"):
        Path("/etc", name).write_bytes((HOME / name).read_bytes())
    Path("/var/log/vsftpd.log").touch()  # vsftpd makes it with its first visitor only
    for key in Path("/etc/ssh").glob("ssh_host_*"):
        key.unlink()  # those in the cache are the same for every run
    run(
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-C",
        "",
        "-f",
        "/etc/ssh/ssh_host_ed25519_key",
    )
    run("nft", "-f", "/etc/nftables.conf")
    web = pwd.getpwnam("www-data")
    as_web = {"user": web.pw_uid, "group": web.pw_gid, "extra_groups": []}
    python = sys.executable
    return [
        subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(HOME / "sshd_config")]),
        subprocess.Popen(["/usr/sbin/nginx", "-c", str(HOME / "nginx.conf"), "-g", "daemon off;"]),
        subprocess.Popen(["/usr/sbin/vsftpd", "/etc/vsftpd.conf"]),
        subprocess.Popen([python, str(HOME / "shop.py")], **as_web),
        subprocess.Popen([python, str(HOME / "names.py"), settings["address"]]),
    ]


def main() -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    settings = json.loads((HOME / "victim.json").read_text())
    device = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    device.bind("/dev/log")
    Path("/dev/log").chmod(0o666)
    threading.Thread(target=keep_log, args=(device, os.uname().nodename), daemon=True).start()
    furnish(settings)
    services = {service.pid: service for service in start_services(settings)}
    Path("/run/range-is-ready").touch()
    while not stopping.wait(0.2):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if not pid:
                break
            if pid in services:
                print(f"{services.pop(pid).args} ended with {status}", file=sys.stderr, flush=True)
    os.kill(-1, signal.SIGKILL)


if __name__ == "__main__":
    main()
