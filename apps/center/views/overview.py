"""The first page: what needs a person now, and whether the house stands."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.acquisition.models import Batch
from apps.center import selectors, shippers
from apps.center.views.doors import insist, site
from apps.protection.permissions import Capability, may

TALL = 88
"""Height of the day's chart in its own units."""


@never_cache
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Responders have no incidents to watch: their first page is what was handed to them."""
    user = request.user
    if not may(user, Capability.VIEW_INCIDENTS) and may(user, Capability.READ_HANDOVERS):
        return redirect("handovers")
    insist(user, Capability.VIEW_INCIDENTS)
    decisions = list(selectors.decisions()[:6])
    hours = selectors.last_day()
    return render(
        request,
        "center/overview.html",
        {
            "decisions": decisions,
            "ready": selectors.approvable(),
            "levels": selectors.by_level(selectors.open_incidents()),
            "open_total": selectors.open_incidents().count(),
            "recent": selectors.open_incidents().order_by("-last")[:8],
            "sources": [(source, selectors.lag(source)) for source in selectors.sources()[:8]],
            "columns": _columns(hours),
            "day_records": sum(hour.records for hour in hours),
            "day_findings": sum(hour.total for hour in hours),
            "has_demonstration": selectors.has_demonstration(),
            "is_empty": not Batch.objects.exists(),
            "first_curl": shippers.first_curl(site(request)),
        },
    )


def _columns(hours: list[selectors.Hour]) -> list[dict[str, object]]:
    """The chart's columns: stacked findings, drawn from the bottom up."""
    most = max((hour.total for hour in hours), default=0) or 1
    busiest = max((hour.records for hour in hours), default=0) or 1
    columns = []
    for place, hour in enumerate(hours):
        floor, bars = TALL, []
        for name in ("critical", "high", "medium", "low", "info"):
            if count := hour.findings.get(name, 0):
                tall = max(round(count / most * (TALL - 8)), 3)
                floor -= tall
                bars.append({"level": name, "y": floor, "height": tall})
        columns.append(
            {
                "x": place * 30,
                "hour": hour,
                "bars": bars,
                "records_height": round(hour.records / busiest * 14, 1),
                "label": place % 6 == 5,
            }
        )
    return columns
