"""Which addresses are never acted upon, and why: the rule that keeps a repair from cutting us off.

Pure: the answers of a host's probes in, sentences out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network
from typing import Any

from apps.assistance.action import Facts, Outputs, Probe, answer
from apps.contracts import Command, Refused

Address = IPv4Address | IPv6Address

PROBES: tuple[Probe, ...] = (
    Probe("uid", Command(("/usr/bin/id", "-u"), why="who the repair account is"), plain=True),
    Probe(
        "peer",
        Command(("/usr/bin/printenv", "SSH_CONNECTION"), why="where the operator comes from"),
        plain=True,
    ),
    Probe(
        "addresses",
        Command(("/usr/sbin/ip", "-json", "address", "show"), why="the host's own addresses"),
    ),
    Probe(
        "routes",
        Command(("/usr/sbin/ip", "-json", "route", "show", "default"), why="the gateway"),
    ),
    Probe(
        "routes6",
        Command(("/usr/sbin/ip", "-json", "-6", "route", "show", "default"), why="the gateway"),
    ),
    Probe(
        "resolvers",
        Command(
            ("/usr/bin/cat", "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"),
            why="the name servers",
        ),
    ),
)
"""What every repair asks first. `protected` and `account` are answered by the platform itself."""


def parse(text: object) -> Address:
    """One address, canonical: an IPv4 address written inside IPv6 becomes IPv4.

    Raises `Refused` for prefixes, names, zones and anything that is not one address.
    """
    if not isinstance(text, str):
        raise Refused("The address is not a text.")
    try:
        address = ip_address(text.strip())
    except ValueError:
        shown = text[:60]
        if "/" in text:
            raise Refused(f"{shown!r} is a network; only single addresses are blocked.") from None
        raise Refused(f"{shown!r} is not an IP address.") from None
    if isinstance(address, IPv6Address):
        if address.scope_id:
            raise Refused(f"{text[:60]!r} names an interface; only plain addresses are blocked.")
        return address.ipv4_mapped or address
    return address


def read(outputs: Outputs) -> Facts:
    """The facts every repair needs: who we are on the host, and what must stay reachable.

    `{"uid": int | None, "account": str, "own": [...], "networks": [...], "peer": [...],
    "gateways": [...], "resolvers": [...], "protected": [...], "unknown": [...]}`; `unknown`
    names what the host did not tell.
    """
    unknown = [n for n in ("uid", "addresses", "routes", "routes6") if answer(outputs, n).status]
    links, routes = _json(outputs, "addresses"), _json(outputs, "routes")
    routes += _json(outputs, "routes6")
    entries = [entry for link in links for entry in link.get("addr_info", [])]
    uid = answer(outputs, "uid").stdout.strip()
    connection = answer(outputs, "peer").stdout.split()
    return {
        "uid": int(uid) if uid.isdecimal() else None,
        "account": answer(outputs, "account").stdout.strip(),
        "own": sorted({e["local"] for e in entries if "local" in e}),
        "networks": sorted(
            {f"{e['local']}/{e['prefixlen']}" for e in entries if "local" in e and "prefixlen" in e}
        ),
        "peer": sorted({connection[0]}) if connection else [],
        "gateways": sorted(_gateways(routes)),
        "resolvers": sorted(_resolvers(answer(outputs, "resolvers").stdout)),
        "protected": answer(outputs, "protected").stdout.split(),
        "unknown": unknown,
    }


def refuse_protected(address: Address, facts: Facts) -> None:
    """Raises `Refused` where acting upon `address` could cut off the host, us or others."""
    for holds, what in (
        (address.is_loopback, "a loopback address"),
        (address.is_unspecified, "the unspecified address"),
        (address.is_multicast, "a multicast address"),
        (address.is_link_local, "a link-local address"),
        (address == ip_address("255.255.255.255"), "the broadcast address"),
        (address.is_reserved, "a reserved address"),
    ):
        if holds:
            raise Refused(f"{address} is {what}; it is never blocked.")
    if facts["unknown"]:
        missing = ", ".join(facts["unknown"])
        raise Refused(
            f"The host did not tell what must stay reachable ({missing}), so nothing is blocked."
        )
    for name, what in (
        ("own", "one of the host's own addresses"),
        ("peer", "the address this repair itself comes from"),
        ("gateways", "the host's gateway"),
        ("resolvers", "a name server of the host"),
    ):
        if any(_covers(known, address) for known in facts[name]):
            raise Refused(f"{address} is {what}; blocking it would cut the host off.")
    for known in facts["networks"]:
        network = ip_interface(known).network
        if (
            isinstance(address, IPv4Address)
            and network.num_addresses > 2
            and address in (network.broadcast_address, network.network_address)
        ):
            raise Refused(f"{address} is the broadcast address of {network}; it is never blocked.")
    for known in facts["protected"]:
        if _covers(known, address):
            raise Refused(f"{address} is protected ({known}); it is never blocked.")


def _covers(known: str, address: Address) -> bool:
    """Whether an address or network in a fact covers `address`; zones and mapping aside."""
    try:
        network = ip_network(known.split("%")[0], strict=False)
    except ValueError:
        return False
    if network.version == 6:
        mapped = IPv6Address(network.network_address.packed).ipv4_mapped
        if mapped is not None and network.prefixlen >= 96:
            network = ip_network(f"{mapped}/{network.prefixlen - 96}", strict=False)
    return network.version == address.version and address in network


def _json(outputs: Outputs, name: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(answer(outputs, name).stdout or "[]")
    except ValueError:
        return []
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _gateways(routes: Iterable[dict[str, Any]]) -> set[str]:
    found = set()
    for route in routes:
        for hop in (route, *route.get("nexthops", [])):
            if "gateway" in hop:
                found.add(str(hop["gateway"]))
            elif "via" in hop:  # an IPv4 route by way of an IPv6 neighbour
                found.add(str(hop["via"]["host"]))
    return found


def _resolvers(text: str) -> set[str]:
    lines = (line.split() for line in text.splitlines())
    return {words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"}
