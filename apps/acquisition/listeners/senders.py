"""Who may write: addresses and certificates → the source that speaks for them. Pure.

Nobody is let in by default. The narrowest network that holds an address decides; a certificate's
name goes before the address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Network = IPv4Network | IPv6Network

_KNOWN = 4096  # addresses whose answer is remembered
_NAME = re.compile(r"^[\w.*@ -]{1,255}$")


@dataclass(frozen=True, slots=True)
class Sender:
    """A source as far as listeners need it. `host_name`: its lines speak of that host, unless
    they say otherwise."""

    source_id: int
    name: str
    host_name: str = ""
    networks: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()


def network(text: str) -> Network:
    """An address or a network in CIDR notation. Raises ValueError with a sentence."""
    try:
        return ip_network(text.strip())
    except ValueError as error:
        if "host bits" in str(error):
            right = ip_network(text.strip(), strict=False)
            raise ValueError(f"{text} is an address inside a network: write {right}.") from None
        raise ValueError(f"{text} is neither an address nor a network.") from None


def certificate_name(text: str) -> str:
    """A name a client certificate may bear. Raises ValueError with a sentence."""
    if not _NAME.match(text):
        raise ValueError(f"{text!r} is no name of a certificate.")
    return text.lower()


def plain(address: str) -> str:
    """An address without its zone, and IPv4 as IPv4 where the socket speaks IPv6."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(found)


class Senders:
    """All who may write."""

    def __init__(self, senders: Iterable[Sender]) -> None:
        self.all = tuple(senders)
        self._networks: dict[tuple[int, int], dict[int, Sender]] = {}
        self._certificates: dict[str, Sender] = {}
        self._known: dict[str, Sender | None] = {}
        for sender in self.all:
            for text in sender.networks:
                net = network(text)
                same = self._networks.setdefault((net.version, net.prefixlen), {})
                same.setdefault(int(net.network_address), sender)
            for name in sender.certificates:
                self._certificates.setdefault(name.lower(), sender)
        self._widths = sorted(self._networks, reverse=True)

    def at(self, address: str) -> Sender | None:
        """Whose narrowest network holds the address; None for an unknown one."""
        if address in self._known:
            return self._known[address]
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[address] = found = self._look(address)
        return found

    def _look(self, address: str) -> Sender | None:
        asked = ip_address(plain(address))
        for version, width in self._widths:
            if version == asked.version:
                shift = asked.max_prefixlen - width
                begin = int(asked) >> shift << shift
                if found := self._networks[version, width].get(begin):
                    return found
        return None

    def named(self, names: Iterable[str]) -> Sender | None:
        """Whose certificate bears one of these names."""
        found = (self._certificates.get(name.lower()) for name in names)
        return next(filter(None, found), None)


def names_of(certificate: Mapping[str, Any] | None) -> list[str]:
    """The names a verified certificate bears, as `ssl.SSLSocket.getpeercert` tells them: DNS
    names, addresses and mail addresses, then the common name."""
    if not certificate:
        return []
    names = [value for _kind, value in certificate.get("subjectAltName", ())]
    for part in certificate.get("subject", ()):
        names += [value for kind, value in part if kind == "commonName"]
    return names
