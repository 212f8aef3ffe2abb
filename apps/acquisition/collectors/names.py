"""DNS answers of watched names, from several resolvers and the authoritative servers: a domain that
is hijacked answers differently somewhere, or otherwise than before.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Annotated

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import msgspec
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop as noop
from msgspec import Meta

from apps.acquisition.collecting import Collected, Observation, Reach, Uncollected
from apps.contracts import Json, Refused
from apps.protection.outbound import PRIVATE, Address, Network, obstacle

MOST_NAMES, MOST_RESOLVERS, MOST_SERVERS = 20, 8, 4
PATIENCE = 3.0
"""Seconds that one server has for one answer."""
_MOST_VALUES = 100


class Options(msgspec.Struct, frozen=True):
    resolvers: Annotated[
        list[str],
        Meta(
            max_length=MOST_RESOLVERS,
            title=noop("Resolvers"),
            description=noop("Addresses, by spaces; those of this machine where none is given."),
        ),
    ] = msgspec.field(default_factory=list)
    types: Annotated[list[str], Meta(max_length=12, title=noop("Types of records"))] = (
        msgspec.field(default_factory=lambda: ["A", "AAAA", "NS", "MX", "CNAME", "TXT", "SOA"])
    )
    authoritative: Annotated[bool, Meta(title=noop("Ask the zone's own servers too"))] = True
    seconds: Annotated[int, Meta(ge=1, le=300, title=noop("Seconds at most"))] = 60


@dataclass(frozen=True, slots=True)
class Server:
    """Who is asked: a resolver, or a server of the zone itself by its name."""

    address: Address
    port: int = 53
    zone_server: str = ""

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        place = str(self.address) if self.port == 53 else f"{host}:{self.port}"
        return f"{self.zone_server} ({place})" if self.zone_server else place


@dataclass(frozen=True, slots=True)
class Said:
    """One answer. `values` are texts of the type that was asked for, sorted; `problem` says why
    there is none."""

    code: str = ""
    values: tuple[str, ...] = ()
    ttl: int | None = None
    authoritative: bool = False
    aliases: tuple[str, ...] = ()
    problem: str = ""


Question = tuple[str, str, Server]
"""Name, type, and who is asked."""


class Names:
    name = "dns"
    title = _("DNS names")
    description = _(
        "Asks several resolvers and the zone's own servers: addresses, name and mail servers."
    )
    target = _("Names, by spaces")
    secret = ""
    options = Options
    continuous = False

    def check(self, target: str, options: Options) -> str:
        names = [_name(word) for word in target.replace(",", " ").split()]
        if not 1 <= len(names) <= MOST_NAMES:
            raise Refused(f"Name 1 to {MOST_NAMES} names.")
        for resolver in options.resolvers:
            server_of(resolver)
        _types(options.types)
        return " ".join(dict.fromkeys(names))

    def collect(self, target: str, options: Options, reach: Reach) -> Collected:
        end = time.monotonic() + options.seconds
        names, types = target.split(), _types(options.types)
        resolvers = _resolvers(options.resolvers, reach.networks)
        with ThreadPoolExecutor(16) as pool:
            servers = {name: list(resolvers) for name in names}
            if options.authoritative:
                own = pool.map(lambda n: zone_servers(n, resolvers[0], reach.networks, end), names)
                for name, found in zip(names, own, strict=True):
                    servers[name] += found
            questions = [
                (n, kind, server) for n in names for kind in types for server in servers[n]
            ]
            answers = pool.map(lambda asked: ask(asked[0], asked[1], asked[2], end), questions)
            return observed(dict(zip(questions, answers, strict=True)))


# ── Asking ───────────────────────────────────────────────────────────────────────────────


def server_of(text: str) -> Server:
    """A resolver from `address`, `address:port` or `[address]:port`. Raises `Refused`."""
    host, port = text.strip(), "53"
    if host.startswith("[") and "]" in host:
        host, _bracket, rest = host[1:].partition("]")
        port = rest.removeprefix(":") or "53"
    elif host.count(":") == 1:
        host, _colon, port = host.partition(":")
    try:
        return Server(ip_address(host), _port(port))
    except ValueError:
        raise Refused(f"{text[:60]!r} is not the address of a resolver.") from None


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ValueError
    return int(text)


def _name(word: str) -> str:
    try:
        name = dns.name.from_text(word, idna_codec=dns.name.IDNA_2008_Practical)
    except (dns.exception.DNSException, UnicodeError) as wrong:
        raise Refused(f"{word[:60]!r} is not a name: {wrong}") from wrong
    if name == dns.name.root:
        raise Refused("The root is no name to watch.")
    return name.to_text(omit_final_dot=True).lower()


def _types(words: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(word.upper() for word in words))
    for word in found:
        try:
            kind = dns.rdatatype.from_text(word)
        except (dns.exception.DNSException, ValueError):  # TYPE99999
            raise Refused(f"{word[:20]!r} is not a type of DNS record.") from None
        if dns.rdatatype.is_metatype(kind):
            raise Refused(f"{word} is not asked for.")
    if not found:
        raise Refused("Name at least one type of DNS record.")
    return found


def _resolvers(given: Sequence[str], networks: tuple[Network, ...]) -> list[Server]:
    """Those that were given, judged; else this machine's own, which it trusts anyway."""
    if not given:
        try:
            own = dns.resolver.Resolver().nameservers
        except dns.resolver.NoResolverConfiguration as none:
            raise Uncollected("This machine has no resolver: name some.") from none
        return [server_of(str(address)) for address in own[:3] if "/" not in str(address)]
    servers = [server_of(text) for text in given]
    for server in servers:
        if why := obstacle(server.address, networks=networks):
            allow = " Name it under “Private networks it may enter”." if why == PRIVATE else ""
            raise Uncollected(f"The resolver {server} is at an address {why}.{allow}")
    return servers


def ask(name: str, kind: str, server: Server, end: float) -> Said:
    """One question to one server, over UDP and, where the answer is cut, TCP."""
    left = min(PATIENCE, end - time.monotonic())
    if left <= 0:
        return Said(problem="There was no time left to ask.")
    query = dns.message.make_query(name, kind, use_edns=0, payload=1232)
    if server.zone_server:
        query.flags &= ~dns.flags.RD
    try:
        answer, _used_tcp = dns.query.udp_with_fallback(
            query, str(server.address), left, server.port, ignore_unexpected=True
        )
    except dns.exception.Timeout:
        return Said(problem=f"No answer in {left:.0f} seconds.")
    except (OSError, EOFError, dns.exception.DNSException, ValueError) as wrong:
        why = str(wrong)[:200].rstrip(".") or type(wrong).__name__
        return Said(problem=f"No answer that can be read: {why}.")
    return _read(answer, dns.rdatatype.from_text(kind))


def _read(answer: dns.message.Message, kind: dns.rdatatype.RdataType) -> Said:
    values: list[str] = []
    aliases: list[str] = []
    ttls: list[int] = []
    for rrset in answer.answer:
        if rrset.rdtype == kind:
            values += [rdata.to_text()[:2000] for rdata in list(rrset)[:_MOST_VALUES]]
            ttls.append(rrset.ttl)
        elif rrset.rdtype == dns.rdatatype.CNAME:
            aliases += [rdata.to_text() for rdata in rrset]
            ttls.append(rrset.ttl)
    return Said(
        code=dns.rcode.to_text(answer.rcode()),
        values=tuple(sorted(set(values))[:_MOST_VALUES]),
        ttl=min(ttls, default=None),
        authoritative=bool(answer.flags & dns.flags.AA),
        aliases=tuple(aliases[:20]),
    )


def zone_servers(
    name: str, resolver: Server, networks: tuple[Network, ...], end: float
) -> list[Server]:
    """The servers of the zone that a name lies in, as far as they may be reached."""
    zone = name
    while "." in zone:
        said = ask(zone, "NS", resolver, end)
        if said.values:
            break
        zone = zone.partition(".")[2]
    else:
        return []
    servers = []
    for host in said.values[:MOST_SERVERS]:
        for kind in ("A", "AAAA"):
            for value in ask(host, kind, resolver, end).values[:1]:
                address = ip_address(value)
                if not obstacle(address, networks=networks):
                    servers.append(Server(address, 53, host.rstrip(".")))
    return servers


# ── What was said ────────────────────────────────────────────────────────────────────────


def observed(answers: Mapping[Question, Said]) -> Collected:
    """Answers as observations, with what sets them apart from those of the others."""
    told, answered = [], set()
    problems: dict[str, int] = {}
    for (name, kind, server), said in answers.items():
        key = f"{name} {kind} {server}"
        if said.problem:
            problems[f"{server}: {said.problem}"] = problems.get(f"{server}: {said.problem}", 0) + 1
        else:
            answered.add(key)
        others = [
            other
            for (n, k, s), other in answers.items()
            if (n, k) == (name, kind) and s != server and not other.problem
        ]
        told.append(_observation(name, kind, server, said, key, _apart(said, others)))
    notes = [
        f"{problem} ({count} question{'s' if count > 1 else ''})"
        for problem, count in problems.items()
    ]
    return Collected(told, frozenset(answered), notes=notes, failed=not answered)


def _apart(said: Said, others: Sequence[Said]) -> dict[str, Json]:
    if said.problem or not others:
        return {}
    ours = set(said.values)
    theirs = set().union(*(other.values for other in others))
    all_have = set(others[0].values).intersection(*(other.values for other in others))
    differs = any(set(o.values) != ours or o.code != said.code for o in others)
    return {
        "dns.differs": differs,
        "dns.only_here": " ".join(sorted(ours - theirs)),
        "dns.missing_here": " ".join(sorted(all_have - ours)),
    }


def _observation(
    name: str, kind: str, server: Server, said: Said, key: str, apart: dict[str, Json]
) -> Observation:
    compared: dict[str, Json] = {
        "dns.question.name": name,
        "dns.question.type": kind,
        "dns.resolver": str(server),
        "dns.response_code": said.code,
        "dns.answers": " ".join(said.values),
        "dns.aliases": " ".join(said.aliases),
    }
    if said.authoritative:  # what a resolver says of it counts down
        compared["dns.ttl"] = said.ttl
    leads = kind in _NETWORKS or kind in _HOSTS
    places = _places(kind, said.values) if leads else []
    ttl = "" if said.ttl is None else said.ttl
    lines = [f"{name}. {ttl} IN {kind} {value}" for value in said.values]
    what = said.problem or (" ".join(said.values)[:500] if said.values else said.code)
    return Observation(
        dataset="dns.answer",
        key=key,
        group=key,
        told=bool(said.values or said.problem or apart.get("dns.differs")),
        compared={} if said.problem else compared,
        ever={"dns.places": places} if leads and not said.problem else {},
        ever_of=f"{name} {kind}",
        fields={
            **compared,
            "dns.places": " ".join(places),
            **apart,
            "message": f"{server} says of {name} {kind}: {what}",
            "event.original": "\n".join(lines),
            "event.outcome": "failure" if said.problem else "success",
            "error.message": said.problem,
            "dns.ttl": said.ttl,
            "dns.authoritative": said.authoritative,
            "dns.zone_server": server.zone_server,
            "destination.ip": str(server.address),
            "destination.port": server.port,
            "network.protocol": "dns",
        },
    )


_NETWORKS = {"A": 24, "AAAA": 48}
_HOSTS = ("NS", "MX", "CNAME")


def _places(kind: str, values: Sequence[str]) -> list[str]:
    """Where answers lead: the networks of addresses, the hosts that are named."""
    if width := _NETWORKS.get(kind):
        found = [str(ip_network(f"{value}/{width}", strict=False)) for value in values]
    else:
        found = [value.split()[-1].rstrip(".").lower() or "." for value in values]
    return list(dict.fromkeys(found))


COLLECTOR = Names()
