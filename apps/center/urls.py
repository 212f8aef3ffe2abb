"""Addresses of the pages and of the API."""

from __future__ import annotations

from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from apps.center.views import (
    evidence,
    handovers,
    hosts,
    house,
    incidents,
    overview,
    parsers,
    remedies,
    watches,
)
from apps.center.views import listening as listening_views
from apps.center.views import sources as source_views

ICON = RedirectView.as_view(url="/static/center/bell.svg")

urlpatterns: list[URLPattern | URLResolver] = [
    # Doors
    path(
        "login/",
        auth.LoginView.as_view(template_name="center/login.html", redirect_authenticated_user=True),
        name="login",
    ),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("profile/", house.profile, name="profile"),
    path("health", house.liveness, name="health"),
    path("favicon.ico", login_not_required(ICON), name="favicon"),
    # Incidents
    path("", overview.overview, name="overview"),
    path("incidents/", incidents.listing, name="incidents"),
    path("incidents/<int:pk>/", incidents.detail, name="incident"),
    path("incidents/<int:pk>/plan/", incidents.plan, name="incident-plan"),
    path("incidents/<int:pk>/assign/", incidents.assign, name="incident-assign"),
    path("incidents/<int:pk>/note/", incidents.note, name="incident-note"),
    path("incidents/<int:pk>/close/", incidents.close, name="incident-close"),
    path("incidents/<int:pk>/propose/", incidents.propose, name="incident-propose"),
    path("incidents/<int:pk>/reopen/", incidents.reopen, name="incident-reopen"),
    path("incidents/<int:pk>/hold/", incidents.hold, name="incident-hold"),
    path("incidents/<int:pk>/lift-hold/", incidents.lift_hold, name="incident-lift-hold"),
    path("incidents/<int:pk>/hand-over/", handovers.hand_over, name="incident-hand-over"),
    path("incidents/<int:pk>/clues/<str:place>/", evidence.clue, name="clue-records"),
    path("remedies/<int:pk>/approve/", remedies.approve, name="remedy-approve"),
    path("remedies/<int:pk>/refuse/", remedies.refuse, name="remedy-refuse"),
    path("remedies/<int:pk>/undo/", remedies.undo, name="remedy-undo"),
    path("tasks/<int:pk>/tick/", remedies.tick, name="task-tick"),
    # Evidence
    path("findings/<int:pk>/", evidence.finding, name="finding"),
    path("records/", evidence.search, name="records"),
    path("records/<int:pk>/", evidence.record, name="record"),
    path("batches/", evidence.batches, name="batches"),
    path("batches/<uuid:pk>/", evidence.batch, name="batch"),
    path("batches/<uuid:pk>/progress/", evidence.batch_progress, name="batch-progress"),
    path("batches/<uuid:pk>/content/", evidence.batch_content, name="batch-content"),
    # Sources
    path("sources/", source_views.listing, name="sources"),
    path("sources/new/", source_views.create, name="source-new"),
    path("sources/<int:pk>/", source_views.detail, name="source"),
    path("sources/<int:pk>/rotate/", source_views.rotate, name="source-rotate"),
    path("sources/<int:pk>/limits/", source_views.limit, name="source-limits"),
    path("sources/<int:pk>/logs/", source_views.logs, name="source-logs"),
    path("sources/<int:pk>/enable/", source_views.enable, name="source-enable"),
    path("sources/<int:pk>/archive/", source_views.archive, name="source-archive"),
    path("sources/<int:pk>/restore/", source_views.restore, name="source-restore"),
    path("sources/<int:pk>/delete/", source_views.delete, name="source-delete"),
    path("sources/<int:pk>/listening/", listening_views.change, name="source-listening"),
    path("upload/", source_views.upload, name="upload"),
    path("demonstration/remove/", source_views.remove_demonstration, name="demonstration-remove"),
    path("watches/", watches.listing, name="watches"),
    path("watches/new/", watches.create, name="watch-new"),
    path("watches/<int:pk>/", watches.detail, name="watch"),
    path("watches/<int:pk>/edit/", watches.edit, name="watch-edit"),
    path("watches/<int:pk>/run/", watches.run, name="watch-run"),
    path("watches/<int:pk>/enable/", watches.enable, name="watch-enable"),
    path("watches/<int:pk>/delete/", watches.delete, name="watch-delete"),
    # Parsers
    path("explain/", parsers.explain_lines, name="explain"),
    path("parsers/", parsers.listing, name="parsers"),
    path("parsers/new/", parsers.create, name="parser-new"),
    path("parsers/<slug:name>/", parsers.change, name="parser"),
    path("parsers/<slug:name>/remove/", parsers.remove, name="parser-remove"),
    # Hosts
    path("hosts/", hosts.listing, name="hosts"),
    path("hosts/new/", hosts.create, name="host-new"),
    path("hosts/confirm/", hosts.confirm, name="host-confirm"),
    path("hosts/<int:pk>/", hosts.detail, name="host"),
    path("hosts/<int:pk>/look/", hosts.look, name="host-look"),
    path("hosts/<int:pk>/enable/", hosts.enable, name="host-enable"),
    path("hosts/<int:pk>/forget/", hosts.forget, name="host-forget"),
    # Responders
    path("responders/", handovers.responders, name="responders"),
    path("responders/<int:pk>/enable/", handovers.enable_responder, name="responder-enable"),
    path("handovers/", handovers.listing, name="handovers"),
    path("handovers/<int:pk>/", handovers.detail, name="handover"),
    path("handovers/<int:pk>/package.json", handovers.download, name="handover-download"),
    path("handovers/<int:pk>/advise/", handovers.advise, name="handover-advise"),
    path("handovers/<int:pk>/deliver/", handovers.deliver, name="handover-deliver"),
    path("handovers/<int:pk>/share/", handovers.share, name="handover-share"),
    path("shares/<int:pk>/revoke/", handovers.revoke, name="share-revoke"),
    path("shared/<str:token>/", handovers.shared, name="shared"),
    path("shared/<str:token>/package.json", handovers.shared_download, name="shared-download"),
    # The platform itself
    path("knowledge/", house.records, name="knowledge"),
    path("knowledge/<slug:slug>/", house.record, name="knowledge-record"),
    path("audit/", house.trail, name="audit"),
    path("status/", house.status, name="status"),
    path("status/strip/", house.strip, name="status-strip"),
    path("status/verify/", house.verify, name="status-verify"),
    path("accounts/", house.people, name="accounts"),
    path("accounts/<int:pk>/role/", house.give_role, name="account-role"),
    path("accounts/<int:pk>/reset/", house.reset, name="account-reset"),
    path("accounts/<int:pk>/enable/", house.enable, name="account-enable"),
    # Programs
    path("api/v1/", include("apps.center.api")),
]
