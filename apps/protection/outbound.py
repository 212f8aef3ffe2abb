"""Where the platform itself may connect to: a name is looked up once, every address it may mean is
judged, and the connection goes to the judged address.

Whoever can say where a program inside a network connects to can reach what only that network can
(server-side request forgery). So nothing here trusts a name twice.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOK_UP = 10.0
"""Seconds that looking up a name may take."""

# Ways to write an IPv4 address inside an IPv6 one, behind which anything may hide; and the block
# of protocols' own addresses, where some clouds keep their metadata.
_TUNNELS = tuple(
    ip_network(text)
    for text in (
        "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "::ffff:0:0:0/96",
        "192.0.0.0/24",
    )
)  # fmt: skip

# What answers there gives a machine's own keys away: no network that is allowed includes them.
_METADATA = frozenset(
    ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254",
                 "fd20:ce::254", "192.0.0.192")
)  # fmt: skip
PRIVATE = "inside a private network"
"""The obstacle that naming a network takes away."""
_BROADCAST = ip_address("255.255.255.255")


class NotFound(Exception):
    """A name cannot be looked up: one sentence. It may work later."""


class Forbidden(Exception):
    """An address that must not be reached: one sentence."""


def obstacle(address: Address, *, private: bool = False, networks: Iterable[Network] = ()) -> str:
    """Why an address must not be reached, as the end of a sentence; empty where it may.

    `private` lets through every private network and this machine itself, `networks` the ones they
    are. Link-local, multicast and unspecified addresses and clouds' metadata are never reached.
    """
    address = plain(address)
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return "which is never a service's"
    if address in _METADATA or address == _BROADCAST:
        return "which is never a service's"
    if any(address in network for network in networks if network.version == address.version):
        return ""
    if address.is_loopback:
        return "" if private else PRIVATE
    if any(address in network for network in _TUNNELS if network.version == address.version):
        return "which may lead anywhere"
    if address.is_global or (private and address.is_private):
        return ""
    return PRIVATE


def plain(address: Address) -> Address:
    """The address, IPv4 where it is IPv4 written inside IPv6."""
    return getattr(address, "ipv4_mapped", None) or address


def judged(
    host: str, port: int, *, private: bool = False, networks: Iterable[Network] = ()
) -> list[Address]:
    """The addresses of a host, looked up once, in the resolver's order.

    Raises `NotFound`, or `Forbidden`: one address that may not be reached is enough to refuse it.
    But `private` passes over IPv6 link-local addresses beside others: machines that tell their own
    names (mDNS) tell those too, and they lead nowhere without an interface.
    """
    networks = tuple(networks)
    found = [plain(ip_address(text)) for text in _look_up(host, port)]
    if private:
        found = [each for each in found if each.version == 4 or not each.is_link_local] or found
    for address in found:
        if why := obstacle(address, private=private, networks=networks):
            raise Forbidden(f"{host} leads to {address}, {why}")
    return list(dict.fromkeys(found))


def connect(addresses: Sequence[Address], port: int, timeout: float) -> socket.socket:
    """A TCP connection to the first of some judged addresses that answers, `timeout` seconds at
    most for all of them. Raises OSError."""
    problem: OSError | None = None
    end = time.monotonic() + timeout
    for address in addresses[:4]:
        try:
            left = end - time.monotonic()
            return socket.create_connection((str(address), port), max(left, 0.1))
        except OSError as error:
            problem = error
    raise problem or OSError("there is no address")


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks from their texts. Raises ValueError with a sentence."""
    return tuple(ip_network(text, strict=False) for text in texts)


def _look_up(host: str, port: int) -> list[str]:
    """In a thread of its own: the system's resolver has its own idea of how long it may take."""
    found: list[str] = []
    problem: list[str] = []

    def ask() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(str(entry[4][0]).split("%")[0] for entry in entries)
        except (OSError, UnicodeError) as wrong:
            problem.append(str(wrong))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(LOOK_UP)
    if thread.is_alive():
        raise NotFound(f"{host} cannot be looked up: no answer in {LOOK_UP:g} seconds.")
    if not found:
        raise NotFound(f"{host} cannot be looked up: {problem[0] if problem else 'no address'}.")
    return found
