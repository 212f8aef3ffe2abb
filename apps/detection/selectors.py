"""What is asked about findings."""

from __future__ import annotations

from collections.abc import Iterable

from apps import contracts
from apps.detection import run
from apps.detection.models import Finding


def as_contracts(findings: Iterable[Finding]) -> list[contracts.Finding]:
    """Stored findings in the words the pure code speaks; `records` are record ids."""
    return [
        contracts.Finding(
            tool=row.tool,
            kind=contracts.Kind(row.kind),
            risk=contracts.Risk(row.risk),
            title=row.title,
            subject=row.subject,
            target=row.target,
            severity=row.severity,
            first=row.first,
            last=row.last,
            records=tuple(row.records),
            host=row.host,
            network=row.network,
            techniques=tuple(row.techniques),
            parameters=row.parameters,
        )
        for row in findings
    ]


def tools() -> list[tuple[str, str, str]]:
    """(name, title, description) of every tool, in name order."""
    return [(tool.name, tool.title, tool.description) for tool in run.tools().values()]
