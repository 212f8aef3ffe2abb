"""What every page may name."""

from __future__ import annotations

from importlib.metadata import version

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from apps.center import accounts, selectors
from apps.protection.permissions import Capability, may, roles_of

SHEETS = ("tokens", "base", "parts", "incident")
_C = Capability
_t = gettext_lazy

Item = tuple[str, Promise, str, Capability]
MENU: tuple[tuple[Promise | str, tuple[Item, ...]], ...] = (
    (
        "",
        (
            ("overview", _t("Overview"), "layout-dashboard", _C.VIEW_INCIDENTS),
            ("incidents", _t("Incidents"), "target", _C.VIEW_INCIDENTS),
            ("handovers", _t("Handovers"), "send", _C.READ_HANDOVERS),
        ),
    ),
    (
        pgettext_lazy("menu", "Data"),
        (
            ("records", _t("Records"), "list-search", _C.VIEW_INCIDENTS),
            ("batches", _t("Batches"), "stack-2", _C.VIEW_INCIDENTS),
            ("sources", _t("Sources"), "plug", _C.VIEW_INCIDENTS),
            ("watches", _t("Watches"), "eye", _C.VIEW_INCIDENTS),
            ("parsers", _t("Parsers"), "filter", _C.VIEW_INCIDENTS),
            ("explain", _t("Explain"), "file-search", _C.VIEW_INCIDENTS),
            ("upload", _t("Upload"), "upload", _C.WORK_INCIDENTS),
        ),
    ),
    (
        pgettext_lazy("menu", "Response"),
        (
            ("knowledge", _t("Knowledge"), "book", _C.VIEW_INCIDENTS),
            ("hosts", _t("Hosts"), "server-2", _C.VIEW_INCIDENTS),
            ("responders", _t("Responders"), "users", _C.MANAGE_RESPONDERS),
        ),
    ),
    (
        pgettext_lazy("menu", "Platform"),
        (
            ("status", _t("Module health"), "activity-heartbeat", _C.VIEW_INCIDENTS),
            ("audit", _t("Audit trail"), "history", _C.VIEW_AUDIT),
            ("accounts", _t("Accounts"), "user-shield", _C.MANAGE_ACCOUNTS),
        ),
    ),
)


def platform(request: HttpRequest) -> dict[str, object]:
    known: dict[str, object] = {
        "tocsin_version": version("tocsin"),
        "tocsin_sheets": [static(f"center/{name}.css") for name in SHEETS],
    }
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return known
    awaiting = selectors.approvable() if may(user, _C.APPROVE_REMEDIES) else 0
    roles = [accounts.role_word(role) for role in sorted(roles_of(user))]
    return {
        **known,
        "awaiting": awaiting,
        "tocsin_roles": ", ".join(roles) or _("no role"),
        "tocsin_menu": _menu(request, awaiting),
    }


def _menu(request: HttpRequest, awaiting: int) -> list[dict[str, object]]:
    groups: list[dict[str, object]] = []
    for title, items in MENU:
        shown = []
        for name, word, icon, capability in items:
            if not may(request.user, capability):
                continue
            address = reverse(name)
            here = request.path == address or (
                name != "overview" and request.path.startswith(address)
            )
            count = awaiting if name == "overview" else 0
            shown.append(
                {"address": address, "title": word, "icon": icon, "current": here, "count": count}
            )
        if shown:
            groups.append({"title": title, "items": shown})
    return groups
