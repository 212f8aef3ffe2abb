"""Brings the findings of one campaign together. Pure: findings in, campaigns out.

Findings are sorted and joined with a union-find over their positions, so thousands of them cost
little more than sorting them. What is joined does not depend on the order they come in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from apps.analysis.campaign import Campaign, describe, is_denied, is_dismissed, kind_of
from apps.analysis.words import KIND_WORDS, is_address, span
from apps.contracts import Assessment, Finding, Kind

SAME_SUBJECT = timedelta(hours=24)  # an address that pauses longer starts a new campaign
SAME_TARGET = timedelta(minutes=10)  # several sources guess or flood at once: acting together
CROWD = 100  # sources that do the same to one target, from which on they are one campaign
SAME_HOST = timedelta(minutes=10)  # a file found on a host whose web server was just attacked

TOGETHER = frozenset({Kind.BRUTE_FORCE, Kind.FLOOD})
"""Kinds that are shared out among many sources, and therefore joined by their target alone. An odd
request must not make a visitor part of the attack that happens to go on. Scans are joined when
their sources do nothing else: one incident of the background noise, not hundreds."""

WATCHED = frozenset({Kind.HIJACK, Kind.PERSISTENCE, Kind.TAMPERING, Kind.WEAKNESS})
"""Kinds that a watch sees at what is ours, where nobody is known to act: what happens to one target
within a day is one incident."""

_WEB = frozenset({Kind.WEB_INJECTION, Kind.WEB_SHELL})
_SURE = 1  # ranks up to this one make one campaign of all that they touch
_MAX_NAMES = 500  # names taken from one finding's parameters
_EVERYWHERE = frozenset(
    f"{name}.{suffix}"
    for name in ("index", "default", "home", "login", "admin", "wp-login", "xmlrpc", "search")
    for suffix in ("php", "html", "htm", "jsp", "asp", "aspx", "cgi")
)  # a file of such a name is not known by it


@dataclass(frozen=True, slots=True)
class OpenCampaign:
    """An incident that new findings may join."""

    id: int
    kind: Kind
    subjects: tuple[str, ...]
    targets: tuple[str, ...]
    hosts: tuple[str, ...]
    first: datetime
    last: datetime
    names: tuple[str, ...] = ()  # of files that its requests asked for or carried in


def correlate(
    findings: Sequence[Finding],
    assessments: Sequence[Assessment | None],
    open_campaigns: Sequence[OpenCampaign] = (),
) -> list[Campaign]:
    """Campaigns in time order; every finding is in exactly one of them.

    Left out are findings that only screening made and that the network, being sure, calls
    normal (`campaign.is_dismissed`). Findings join when the same source acts within 24 hours,
    when several sources do the same to one target within 10 minutes of each other, or when a
    file was found on a host and a request named it or came just before. Findings that belong to
    an open campaign join it and bring the rest of their group along; what is sure to be one
    campaign becomes one: the oldest, which then `absorbs` the others. So the order in which
    batches come in matters little.
    """
    groups = _Groups(findings, assessments)
    groups.join_subjects()
    groups.join_targets()
    groups.join_crowds()
    groups.join_files()
    homes = _Homes(open_campaigns)
    placed = [(members, homes.of(groups, members)) for members in groups.members()]
    made: list[Campaign] = []
    by_incident: dict[int, list[int]] = defaultdict(list)
    for members, home in placed:
        if home is None:
            made.append(groups.campaign(members, None))
        else:
            by_incident[homes.oldest(home)].extend(members)
    for home, members in by_incident.items():
        made.append(replace(groups.campaign(members, home), absorbs=homes.absorbed_by(home)))
    return sorted(made, key=lambda c: (c.first, c.last, c.title, c.incident or 0))


@dataclass(slots=True)
class _Groups:
    """A union-find over findings that remembers why each was joined."""

    findings: Sequence[Finding]
    assessments: Sequence[Assessment | None]
    order: list[int] = field(init=False)  # positions kept, in time order
    place: dict[int, int] = field(init=False)  # position → its place in that order
    parent: dict[int, int] = field(init=False)
    why: dict[int, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        kept = [
            i
            for i, (f, a) in enumerate(zip(self.findings, self.assessments, strict=True))
            if not is_dismissed(f, a)
        ]
        self.order = sorted(kept, key=lambda i: _content_key(self.findings[i]))
        self.place = {i: n for n, i in enumerate(self.order)}
        self.parent = {i: i for i in kept}

    def root(self, i: int) -> int:
        while self.parent[i] != i:
            self.parent[i] = self.parent[self.parent[i]]
            i = self.parent[i]
        return i

    def join(self, earlier: int, later: int, why: str) -> None:
        self.parent[self.root(later)] = self.root(earlier)
        self.why.setdefault(later, why)

    def members(self) -> list[list[int]]:
        """The groups, each in time order, and ordered by their first finding."""
        found: dict[int, list[int]] = {}
        for i in self.order:
            found.setdefault(self.root(i), []).append(i)
        return list(found.values())

    def kinds(self, members: Iterable[int]) -> set[Kind]:
        return {kind_of(self.findings[i], self.assessments[i]) for i in members}

    def campaign(self, members: Sequence[int], incident: int | None) -> Campaign:
        ordered = sorted(members, key=self.place.__getitem__)
        opening = "the first finding of this incident"
        because = [self.why.get(i, opening) for i in ordered]
        return describe(self.findings, self.assessments, ordered, because, incident)

    # ── what belongs together ────────────────────────────────────────────────────────────

    def join_subjects(self) -> None:
        chains: dict[tuple[str, str], list[int]] = defaultdict(list)
        for i in self.order:
            finding = self.findings[i]
            if finding.subject:
                chains[_subject_key(finding)].append(i)
        for (subject, _), chain in chains.items():
            for before, i in self._runs(chain, SAME_SUBJECT):
                same = "the same address" if is_address(subject) else "the same file"
                self.join(before, i, f"{same}, {subject}, as in “{self.findings[before].title}”")

    def join_targets(self) -> None:
        chains: dict[tuple[Kind, str], list[int]] = defaultdict(list)
        for members in self.members():
            kinds = self.kinds(members)
            for i in members:
                kind = kind_of(self.findings[i], self.assessments[i])
                if _acts_together(kind, kinds) and not is_denied(self.assessments[i]):
                    chains[kind, self.findings[i].target].append(i)
        for (kind, target), chain in chains.items():
            chain.sort(key=self.place.__getitem__)
            for before, i in self._runs(chain if target else (), _pause(kind)):
                gap = self.findings[i].first - self.findings[before].last
                when = f"{span(gap)} after" if gap > timedelta(0) else "at the same time as"
                words = KIND_WORDS[kind]
                by = "" if kind in WATCHED else " by another source"
                self.join(before, i, f"another {words} on {target}, {when} one{by}")

    def join_crowds(self) -> None:
        """A hundred sources that do the same to one target are one campaign, whatever it is:
        nobody works on a hundred incidents, and forged addresses must not make them."""
        chains: dict[tuple[Kind, str, str], list[int]] = defaultdict(list)
        for i in self.order:
            finding = self.findings[i]
            kind = kind_of(finding, self.assessments[i])
            if not is_denied(self.assessments[i]):
                chains[kind, finding.target, finding.host].append(i)
        for (kind, target, _), chain in chains.items():
            if len(chain) < CROWD or len({self.findings[i].subject for i in chain}) < CROWD:
                continue
            words = KIND_WORDS[kind]
            for before, i in self._runs(chain, SAME_TARGET):
                self.join(before, i, f"one {words} of a crowd{f' on {target}' if target else ''}")

    def join_files(self) -> None:
        files = [i for i in self.order if is_file(self.findings[i])]
        if not files:
            return
        by_name: dict[str, list[int]] = defaultdict(list)
        for i in files:
            by_name[_base(self.findings[i].subject)].append(i)
        by_host: dict[str, list[int]] = defaultdict(list)
        for i in self.order:
            finding = self.findings[i]
            if is_file(finding) or kind_of(finding, self.assessments[i]) not in _WEB:
                continue
            for name in sorted(names(finding.parameters) & by_name.keys()):
                for file in by_name[name]:
                    if _may_have_left(finding, self.findings[file]):
                        self.join(i, file, f"“{finding.title}” asked for a file named {name}")
            for place in {finding.host, finding.target} - {""}:
                by_host[place].append(i)
        for file in files:
            self._join_nearest(file, by_host)

    def _join_nearest(self, file: int, by_host: Mapping[str, list[int]]) -> None:
        found = self.findings[file]
        near = by_host.get(found.host or found.target, [])
        at = bisect_right(near, found.first, key=lambda i: self.findings[i].first)
        for web in near[max(0, at - 1) : at + 1]:
            if _apart(self.findings[web], found) <= SAME_HOST:
                place = found.host or found.target
                title = self.findings[web].title
                self.join(web, file, f"found on {place} when “{title}” happened there")
                return

    def _runs(self, chain: Iterable[int], gap: timedelta) -> Iterator[tuple[int, int]]:
        """(earlier, later) of one chain in time order, where the pause is no longer than `gap`.

        `earlier` is the one that reached furthest so far: a long finding bridges short ones."""
        reach = -1
        for i in chain:
            if reach >= 0 and self.findings[i].first - self.findings[reach].last <= gap:
                yield reach, i
            if reach < 0 or self.findings[i].last > self.findings[reach].last:
                reach = i


class _Homes:
    """Finds the open campaign that a group of findings belongs to."""

    def __init__(self, campaigns: Sequence[OpenCampaign]) -> None:
        self.by_subject: dict[str, list[OpenCampaign]] = defaultdict(list)
        self.by_target: dict[tuple[Kind, str], list[OpenCampaign]] = defaultdict(list)
        self.by_host: dict[str, list[OpenCampaign]] = defaultdict(list)
        self.by_name: dict[str, list[OpenCampaign]] = defaultdict(list)
        self.by_file: dict[str, list[OpenCampaign]] = defaultdict(list)
        self.part_of = {campaign.id: campaign.id for campaign in campaigns}
        self.age = {campaign.id: (campaign.first, campaign.id) for campaign in campaigns}
        for campaign in sorted(campaigns, key=lambda c: (c.first, c.id)):
            for subject in campaign.subjects:
                self.by_subject[subject].append(campaign)
            for target in campaign.targets:
                self.by_target[campaign.kind, target].append(campaign)
            for host in campaign.hosts:
                self.by_host[host].append(campaign)
            for name in campaign.names:
                self.by_name[name].append(campaign)
            for path in campaign.subjects:
                if not is_address(path):
                    self.by_file[_base(path)].append(campaign)

    def of(self, groups: _Groups, members: Sequence[int]) -> int | None:
        """The open campaign this group joins, None for none; remembers why in `groups`.

        What it touches by its sources or by a file's name is one campaign from now on."""
        best: tuple[int, datetime, int, int, str] | None = None
        touched: set[int] = set()
        kinds = groups.kinds(members)
        for i in members:
            finding, assessment = groups.findings[i], groups.assessments[i]
            for rank, campaign, why in self._candidates(finding, assessment, kinds):
                option = (rank, campaign.first, campaign.id, i, why)
                if best is None or option[:3] < best[:3]:
                    best = option
                if rank <= _SURE:
                    touched.add(campaign.id)
        if best is None:
            return None
        groups.why.setdefault(best[3], best[4])
        for each in touched:
            self._one(each, best[2])
        return best[2]

    def oldest(self, campaign: int) -> int:
        """The campaign that this one is part of from now on: itself, or an older one."""
        while self.part_of[campaign] != campaign:
            campaign = self.part_of[campaign]
        return campaign

    def absorbed_by(self, campaign: int) -> tuple[int, ...]:
        return tuple(
            other for other in sorted(self.part_of) if other != campaign == self.oldest(other)
        )

    def _one(self, one: int, other: int) -> None:
        one, other = self.oldest(one), self.oldest(other)
        old, young = sorted((one, other), key=self.age.__getitem__)
        self.part_of[young] = old

    def _candidates(
        self, finding: Finding, assessment: Assessment | None, kinds: set[Kind]
    ) -> Iterator[tuple[int, OpenCampaign, str]]:
        """(rank, campaign, why) of each campaign a finding may belong to; the lowest rank is the
        surest: 0 the same source, 1 a file's name, 2 the same target, 3 the same host."""
        kind = kind_of(finding, assessment)
        for campaign in self.by_subject.get(finding.subject, ()):
            placed = is_address(finding.subject) or finding.host in (*campaign.hosts, "")
            if (
                placed
                and not _leaves_the_crowd(campaign, kinds)
                and _between(finding, campaign) <= SAME_SUBJECT
            ):
                yield 0, campaign, f"{finding.subject} already acted in this incident"
        if _acts_together(kind, kinds) and not is_denied(assessment):
            for campaign in self.by_target.get((kind, finding.target), ()):
                if _between(finding, campaign) <= _pause(kind):
                    yield 2, campaign, f"the same attack on {finding.target} goes on"
        if is_file(finding):
            name = _base(finding.subject)
            for campaign in self.by_name.get(name, ()):
                if _on(campaign, finding) and campaign.first - finding.last <= SAME_HOST:
                    yield 1, campaign, f"a request of this incident named {name}"
        elif kind in _WEB:
            for name in sorted(names(finding.parameters) & self.by_file.keys()):
                for campaign in self.by_file[name]:
                    if _on(campaign, finding) and finding.first - campaign.last <= SAME_HOST:
                        yield 1, campaign, f"a request named {name}, which was found here"
        for campaign in self.by_host.get(finding.host, ()) if finding.host else ():
            one_is_file = is_file(finding) and campaign.kind in _WEB
            if one_is_file and _between(finding, campaign) <= SAME_HOST:
                yield 3, campaign, f"found on {finding.host} while its web server was attacked"


def _acts_together(kind: Kind, kinds: set[Kind]) -> bool:
    """Whether findings of a kind are joined by their target; `kinds` is all that their group shows."""
    alone = kind is Kind.PORT_SCAN and kinds == {Kind.PORT_SCAN}
    return kind in TOGETHER or kind in WATCHED or alone


def _pause(kind: Kind) -> timedelta:
    """How long what one target suffers may pause and still be one campaign."""
    return SAME_SUBJECT if kind in WATCHED else SAME_TARGET


def _leaves_the_crowd(campaign: OpenCampaign, kinds: set[Kind]) -> bool:
    """Whether a scanner among many goes on to something graver: that is an incident of its own,
    and the others stay what they are."""
    crowd = campaign.kind is Kind.PORT_SCAN and len(campaign.subjects) > 1
    return crowd and kinds != {Kind.PORT_SCAN}


def _content_key(finding: Finding) -> tuple[Any, ...]:
    """Orders findings by what they say, so that the order they come in does not matter."""
    f = finding
    return (f.first, f.last, f.kind, f.tool, f.subject, f.target, f.host, f.title, f.records)


def _subject_key(finding: Finding) -> tuple[str, str]:
    """An address is the same everywhere; a path is the same file on one host only."""
    return finding.subject, "" if is_address(finding.subject) else finding.host


def is_file(finding: Finding) -> bool:
    """Whether a finding is about a file that nobody is known to have left."""
    return not is_address(finding.subject) and any(c in finding.subject for c in "/\\")


def _base(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/")).name


def names(value: Any) -> set[str]:
    """Last parts of everything in a finding's parameters that looks like a path to a file, without
    names that stand on every server."""
    found: set[str] = set()
    waiting = [value]
    while waiting and len(found) < _MAX_NAMES:
        item = waiting.pop()
        if isinstance(item, str):
            for part in item.replace("?", " ").replace("&", " ").replace("=", " ").split():
                name = _base(part)
                if "." in name[1:-1] and name.lower() not in _EVERYWHERE:
                    found.add(name)
        elif isinstance(item, Mapping):
            waiting.extend(item.values())
        elif isinstance(item, list | tuple):
            waiting.extend(item)
    return found


def _may_have_left(web: Finding, file: Finding) -> bool:
    """Whether requests may be what left a file: on one host, and not after it was found. When it
    was found says nothing of when it came.

    A capture knows no host names: then the name of the file must do."""
    mine, theirs = {web.host, web.target} - {""}, {file.host, file.target} - {""}
    one_host = not web.host or not file.host or bool(mine & theirs)
    return one_host and web.first - file.last <= SAME_HOST


def _on(campaign: OpenCampaign, finding: Finding) -> bool:
    """Whether a finding may be of a host of the campaign: one of the two may not name any."""
    return not finding.host or not campaign.hosts or finding.host in campaign.hosts


def _apart(one: Finding, other: Finding) -> timedelta:
    """The time between two findings, zero where they overlap."""
    return max(one.first - other.last, other.first - one.last, timedelta(0))


def _between(finding: Finding, campaign: OpenCampaign) -> timedelta:
    return max(finding.first - campaign.last, campaign.first - finding.last, timedelta(0))
