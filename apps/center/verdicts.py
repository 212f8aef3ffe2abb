"""The networks' verdicts made ready to be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.analysis.models import Assessment
from apps.center.words import joined
from apps.detection.models import Finding


@dataclass(frozen=True, slots=True)
class Verdict:
    """One finding and what the network made of it; `assessment` is None where none reads it."""

    finding: Finding
    assessment: Assessment | None
    because: str

    @property
    def is_attack(self) -> bool:
        return self.assessment is not None and self.assessment.p_attack >= 0.5

    @property
    def reasons(self) -> list[dict[str, Any]]:
        return self.assessment.reasons if self.assessment else []

    @property
    def largest(self) -> float:
        return max((abs(reason["weight"]) for reason in self.reasons), default=1.0) or 1.0

    @property
    def others(self) -> list[tuple[str, float]]:
        """The other labels worth naming, the most probable first."""
        if not self.assessment:
            return []
        rest = self.assessment.probabilities.items()
        label = self.assessment.label
        likely = [(name, p) for name, p in rest if name != label and p >= 0.005]
        return sorted(likely, key=lambda pair: -pair[1])[:3]


def counts(weighed: Sequence[Verdict]) -> dict[str, int]:
    """How many the network calls an attack, normal, and of how many it is not sure."""
    sure = [view for view in weighed if view.assessment and not view.assessment.unsure]
    attacks = sum(view.is_attack for view in sure)
    return {
        "attacks": attacks,
        "normal": len(sure) - attacks,
        "unsure": len(weighed) - len(sure),
    }


def told(weighed: Sequence[Verdict]) -> str:
    """What the network says of all findings, in a sentence."""
    said = counts(weighed)
    n = len(weighed)
    weighing = ngettext("It weighed %(n)d finding", "It weighed %(n)d findings", n) % {"n": n}
    parts = [
        text % {"n": said[name]}
        for name, text in (
            ("attacks", _("calls %(n)d an attack")),
            ("normal", _("calls %(n)d normal")),
            ("unsure", _("is unsure about %(n)d")),
        )
        if said[name]
    ]
    if len(parts) == 1:
        name = next(name for name, count in said.items() if count)
        parts = [
            {
                "attacks": ngettext("calls it an attack", "calls all of them an attack", n),
                "normal": ngettext("calls it normal", "calls all of them normal", n),
                "unsure": ngettext("is unsure about it", "is unsure about all of them", n),
            }[name]
        ]
    return joined([weighing, *parts]) + "."


def verdicts(findings: Sequence[Finding]) -> list[Verdict]:
    """Those the network weighed first, the surest first."""
    views = [
        Verdict(
            finding,
            getattr(finding, "assessment", None),
            finding.membership.because if hasattr(finding, "membership") else "",
        )
        for finding in findings
    ]
    return sorted(views, key=lambda view: -view.assessment.p_attack if view.assessment else 1.0)
