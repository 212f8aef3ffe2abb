"""Blocks one address with nftables, for a time, in a table of our own.

Our chains come before those of the host (priority `filter - 10`) and look at no connection state:
what is already established is cut as well, in, out and through. The script that acts is one
transaction and says the same whether the table is there or not, so what was approved stays what
runs when another block came first, and a repair killed in the middle has done all of it or nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from apps.assistance import addresses
from apps.assistance.action import (
    Facts,
    Judgement,
    Outputs,
    Parameters,
    Phase,
    Probe,
    answer,
    only,
    shown,
)
from apps.contracts import Command, CommandPlan, Refused

TABLE = "inet tocsin"
SETS = {4: ("blocked4", "ipv4_addr"), 6: ("blocked6", "ipv6_addr")}
CHAINS = {"input": "saddr", "forward": "saddr", "output": "daddr"}
HOURS = 24
MOST_HOURS = 24 * 365
NFT = "/usr/sbin/nft"

_RULESET = Probe(
    "ruleset",
    Command((NFT, "--stateless", "list", "ruleset"), why="the rule set, without counters"),
    shown=True,
)


@dataclass(frozen=True, slots=True)
class BlockAddress:
    """Parameters: `address`, one IPv4 or IPv6 address; `hours` the block lasts (default 24)."""

    name: str = "block_address"
    title: str = "Block an address"

    def probes(self, parameters: Parameters) -> tuple[Probe, ...]:
        return (*addresses.PROBES, _RULESET)

    def read(self, parameters: Parameters, outputs: Outputs) -> Facts:
        """Adds `ruleset` (text, None where it cannot be read), `table` ("absent", "ours" or
        "foreign") and `blocked` (addresses in our sets) to the facts every repair needs."""
        ruleset = answer(outputs, "ruleset")
        facts = dict(addresses.read(outputs))
        if ruleset.status:
            return {**facts, "ruleset": None, "table": "absent", "blocked": []}
        table = _our_table(ruleset.stdout)
        return {
            **facts,
            "ruleset": ruleset.stdout,
            "table": _kind(table),
            "blocked": sorted(_elements(table or "")),
        }

    def plan(self, parameters: Parameters, facts: Facts) -> CommandPlan:
        only(parameters, "address", "hours")
        address, hours = addresses.parse(parameters.get("address")), _hours(parameters)
        addresses.refuse_protected(address, facts)
        if facts["ruleset"] is None:
            raise Refused("The host's nftables rules cannot be read, so nothing is blocked there.")
        if facts["table"] == "foreign":
            raise Refused(f"The table {TABLE} on this host holds rules that are not Tocsin's.")
        if str(address) in facts["blocked"]:
            raise Refused(f"{address} is already blocked on this host.")
        act = Command((NFT, "--file", "-"), stdin=_script(address, hours), why=f"block {address}")
        after = {**facts, "table": "ours", "blocked": [*facts["blocked"], str(address)]}
        return CommandPlan(
            snapshot=shown([_RULESET]),
            act=(act,),
            verify=shown([_RULESET]),
            undo=self.undo(parameters, after, facts),
            effect=(
                f"Every packet from and to {address} is dropped, open connections included, "
                f"for {hours} hours."
            ),
        )

    def undo(self, parameters: Parameters, facts: Facts, before: Facts) -> tuple[Command, ...]:
        """Takes the address out; the whole table where nothing else of ours is left in it."""
        address = addresses.parse(parameters.get("address"))
        if facts["ruleset"] is None:
            raise Refused("The host's nftables rules cannot be read, so nothing can be undone.")
        if facts["table"] != "ours":
            return ()
        others = set(facts["blocked"]) - {str(address)}
        was_empty = before["table"] == "ours" and not before["blocked"]
        if not others and not was_empty:
            return (Command((NFT, "delete", "table", *TABLE.split()), why="remove our table"),)
        if str(address) not in facts["blocked"]:
            return ()
        element = ("element", *TABLE.split(), SETS[address.version][0], f"{{ {address} }}")
        return (Command((NFT, "delete", *element), why=f"let {address} through again"),)

    def judge(self, phase: Phase, parameters: Parameters, facts: Facts, before: Facts) -> Judgement:
        address = addresses.parse(parameters.get("address"))
        if facts["ruleset"] is None:
            return Judgement(False, "The host's nftables rules cannot be read.")
        blocked = str(address) in facts["blocked"]
        if phase == "verify":
            rules = _our_table(facts["ruleset"]) or ""
            if blocked and all(rule in rules for rule in _rules(address.version)):
                return Judgement(True, f"{address} is blocked.")
            return Judgement(False, f"{address} is not blocked.")
        if blocked:
            return Judgement(False, f"{address} is still blocked.")
        if facts["ruleset"] == before["ruleset"]:
            return Judgement(
                True, f"{address} is let through; the rule set is as it was, to the byte."
            )
        return Judgement(
            True, f"{address} is let through; other rules have changed since, and were left alone."
        )


def _hours(parameters: Parameters) -> int:
    hours = parameters.get("hours", HOURS)
    if not isinstance(hours, int) or isinstance(hours, bool) or not 1 <= hours <= MOST_HOURS:
        raise Refused(f"The block must last from 1 to {MOST_HOURS} whole hours.")
    return hours


def _rules(version: int) -> list[str]:
    family, name = ("ip" if version == 4 else "ip6"), SETS[version][0]
    return [f"{family} {side} @{name} drop" for side in CHAINS.values()]


def _script(address: addresses.Address, hours: int) -> str:
    """One nft transaction. `add` leaves what is there; a flushed chain gets the same rules again."""
    lines = [f"add table {TABLE}"]
    lines += [
        f"add set {TABLE} {name} {{ type {kind}; flags timeout; }}" for name, kind in SETS.values()
    ]
    for chain, side in CHAINS.items():
        hook = f"type filter hook {chain} priority filter - 10; policy accept;"
        lines += [f"add chain {TABLE} {chain} {{ {hook} }}", f"flush chain {TABLE} {chain}"]
        lines += [
            f"add rule {TABLE} {chain} {'ip' if version == 4 else 'ip6'} {side} @{name} drop"
            for version, (name, _) in SETS.items()
        ]
    name = SETS[address.version][0]
    lines.append(f"add element {TABLE} {name} {{ {address} timeout {hours}h }}")
    return "\n".join(lines) + "\n"


def _our_table(ruleset: str) -> str | None:
    found = re.search(rf"^table {TABLE} \{{\n(.*?)^\}}", ruleset, re.M | re.S)
    return found[1] if found else None


def _kind(table: str | None) -> str:
    if table is None:
        return "absent"
    ours = {f"set {name}" for name, _ in SETS.values()} | {f"chain {name}" for name in CHAINS}
    return "ours" if set(re.findall(r"^\t(\w+ \S+) \{", table, re.M)) <= ours else "foreign"


def _elements(table: str) -> list[str]:
    """The addresses in our sets: `203.0.113.5 timeout 1d, …`, over any number of lines."""
    lists = re.findall(r"^\t\telements = \{(.*?)\}", table, re.M | re.S)
    return [item.split()[0] for text in lists for item in text.split(",") if item.strip()]


ACTION = BlockAddress()
