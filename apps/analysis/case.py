"""One incident whole: campaign, clue tree, attacker, facts, and what knowledge says. Pure.

The stored pipeline and `tocsin analyse` build their incidents here, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from apps.analysis import attacker, clue_tree, matching, remedy
from apps.analysis.campaign import Campaign
from apps.analysis.correlate import WATCHED, names
from apps.analysis.evidence import Evidence
from apps.analysis.remedy import FoundFile, TakenAccount
from apps.contracts import (
    Assessment,
    Attacker,
    Clue,
    ExpertRecord,
    Finding,
    Json,
    Kind,
    Match,
    Remedy,
)

MOST_NAMES = 1000

_WEB = (Kind.WEB_INJECTION, Kind.WEB_SHELL)


@dataclass(frozen=True, slots=True)
class Case:
    """An incident with everything derived from its records."""

    campaign: Campaign
    findings: tuple[Finding, ...]
    assessments: tuple[Assessment | None, ...]
    clue: Clue  # its `findings` are positions in `findings`
    attacker: Attacker
    files: tuple[FoundFile, ...]
    accounts: tuple[TakenAccount, ...]
    names: tuple[str, ...]  # of files that its requests asked for or carried in
    facts: Mapping[str, Json]


def build(
    frame: pl.DataFrame,
    findings: Sequence[Finding],
    assessments: Sequence[Assessment | None],
    campaign: Campaign,
) -> Case:
    """The case of one campaign. `findings` and `assessments` are those that were correlated;
    `frame` holds the records behind them."""
    chosen = tuple(findings[i] for i in campaign.findings)
    verdicts = tuple(assessments[i] for i in campaign.findings)
    web = [finding for finding in chosen if finding.kind in _WEB]
    evidence = Evidence(frame)
    records = evidence.of(chosen)
    who = attacker.profile(frame, chosen)
    # what a watch saw change is mostly the host's own: nobody is to move that out of reach
    files = found_files(evidence.of([f for f in chosen if f.kind not in WATCHED]))
    facts = matching.facts_of(
        campaign,
        who,
        record_count=len({record for finding in chosen for record in finding.records}),
        files=[file.path for file in files],
        http_status_ok=answered_well(evidence.of(web)),
        signs=signs(chosen),
    )
    return Case(
        campaign=campaign,
        findings=chosen,
        assessments=verdicts,
        clue=clue_tree.grow(frame, chosen, verdicts),
        attacker=who,
        files=files,
        accounts=taken_accounts(records, who),
        names=tuple(sorted(set().union(*(names(f.parameters) for f in web)))[:MOST_NAMES]),
        facts=facts,
    )


def decide(case: Case, records: Sequence[ExpertRecord]) -> tuple[list[Match], Remedy | None]:
    """The matching records, the best first, and the plan they make; None where none matches."""
    matches = matching.match(case.facts, records)
    if not matches:
        return [], None
    made = remedy.plan_of(
        matches,
        case.attacker,
        case.campaign.hosts,
        case.files,
        accounts=case.accounts,
        facts=case.facts,
    )
    return matches, made


def signs(findings: Sequence[Finding]) -> list[str]:
    """The finer names of what the tools saw, in order of first appearance."""
    told = (sign for finding in findings for sign in finding.parameters.get("signs") or ())
    return list(dict.fromkeys(str(sign) for sign in told))


def found_files(records: pl.DataFrame) -> tuple[FoundFile, ...]:
    """The files among an incident's records, each path of each host once, in order."""
    table = (
        records.filter(pl.col("file.path").is_not_null())
        .unique(["host.name", "file.path"], keep="last", maintain_order=True)
        .select("file.path", pl.col("host.name", "file.hash.sha256").fill_null(""))
    )
    return tuple(FoundFile(*row) for row in table.iter_rows())


def taken_accounts(records: pl.DataFrame, who: Attacker) -> tuple[TakenAccount, ...]:
    """The accounts taken, on each host whose records show the log-in."""
    table = (
        records.filter(
            pl.col("user.name").is_in(list(who.accounts_taken))
            & (pl.col("event.outcome") == "success")
        )
        .select("user.name", pl.col("host.name").fill_null(""))
        .unique()
        .sort("user.name", "host.name")
    )
    placed = [TakenAccount(*row) for row in table.iter_rows()]
    known = {account.name for account in placed}
    return (*placed, *(TakenAccount(name) for name in who.accounts_taken if name not in known))


def answered_well(records: pl.DataFrame) -> bool:
    """Whether the server answered one of these requests with success (2xx)."""
    return bool(records["http.response.status_code"].is_between(200, 299).any())
