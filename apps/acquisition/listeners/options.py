"""What the environment says about listening, checked before anything is opened. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIB = 1024 * 1024


class WrongSetting(ValueError):
    """A setting that cannot be meant: one line for the operator."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; an empty host is every address of the machine."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host or "*"
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Options:
    """Sizes in bytes, times in seconds."""

    home: Path
    syslog_udp: tuple[Address, ...] = ()
    syslog_tcp: tuple[Address, ...] = ()
    syslog_tls: tuple[Address, ...] = ()
    netflow: tuple[Address, ...] = ()
    certificate: Path | None = None  # None: one is made
    certificate_key: Path | None = None
    client_authority: Path | None = None
    tail: tuple[Path, ...] = ()  # folders whose files may be followed
    drop: bool = False
    buffer: int = 64 * MIB
    connections: int = 512
    idle: float = 3600.0
    longest: int = MIB
    largest: int = 256 * MIB  # a dropped file

    @property
    def anything(self) -> bool:
        listens = self.syslog_udp or self.syslog_tcp or self.syslog_tls or self.netflow
        return bool(listens or self.tail or self.drop)


def options(settings: Mapping[str, Any], home: Path) -> Options:
    """`settings.TOCSIN` → options. Raises WrongSetting."""
    said: Mapping[str, Any] = settings["listen"]
    certificate, key = (_file(said[name]) for name in ("certificate", "certificate_key"))
    if (certificate is None) != (key is None):
        raise WrongSetting(
            "TOCSIN_SYSLOG_CERTIFICATE and TOCSIN_SYSLOG_KEY belong together: set both or none."
        )
    return Options(
        home=home,
        syslog_udp=_addresses(said["syslog_udp"], "TOCSIN_SYSLOG_UDP"),
        syslog_tcp=_addresses(said["syslog_tcp"], "TOCSIN_SYSLOG_TCP"),
        syslog_tls=_addresses(said["syslog_tls"], "TOCSIN_SYSLOG_TLS"),
        netflow=_addresses(said["netflow"], "TOCSIN_NETFLOW"),
        certificate=certificate,
        certificate_key=key,
        client_authority=_file(said["client_authority"]),
        tail=tuple(_folder(text) for text in said["tail"]),
        drop=bool(said["drop"]),
        buffer=_number(said["buffer"], "TOCSIN_LISTEN_BUFFER", 4, 65_536) * MIB,
        connections=_number(said["connections"], "TOCSIN_LISTEN_CONNECTIONS", 1, 100_000),
        idle=float(_number(said["idle"], "TOCSIN_LISTEN_IDLE", 1, 7 * 86_400)),
        longest=int(settings["max_line"]),
        largest=int(settings["max_body"]),
    )


def _addresses(texts: list[str], name: str) -> tuple[Address, ...]:
    return tuple(_address(text, name) for text in texts)


def _address(text: str, name: str) -> Address:
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not port.isdecimal() or not 0 <= int(port) < 65_536:
        raise WrongSetting(f"{name}: {text!r} is no address; write 0.0.0.0:514 or [::1]:6514.")
    return Address("" if host == "*" else host, int(port))


def _file(text: str) -> Path | None:
    return Path(text).expanduser().absolute() if text else None


def _folder(text: str) -> Path:
    folder = Path(text)
    if not folder.is_absolute():
        raise WrongSetting(f"TOCSIN_TAIL: {text!r} does not begin with a slash.")
    return folder


def _number(text: str, name: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise WrongSetting(f"{name}: {text!r} is no number between {least} and {most}.")
    return int(text)
