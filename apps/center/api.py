"""The REST API for programs; bulk ingest (`/api/v1/ingest/`) stands before Django."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.core.exceptions import ValidationError as ValidationFailed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import (
    APIException,
    NotFound,
    ParseError,
    PermissionDenied,
    ValidationError,
)
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import BaseParser, FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from apps.acquisition import leaving, watches
from apps.acquisition.models import Batch, Record, Source, Watch
from apps.acquisition.questions import Question
from apps.acquisition.search import TooWide, find
from apps.analysis.models import Handover, Incident, Remedy
from apps.analysis.selectors import evidence_of
from apps.center import pipeline, selectors, watching
from apps.center import serializers as s
from apps.center.views.doors import page
from apps.contracts import Refused
from apps.detection.models import Finding
from apps.protection.permissions import Capability, may

T = TypeVar("T")
FILTERS = ("state", "kind", "level", "text")


class Conflict(APIException):
    """The world has moved on, or an action was refused; `detail` says why."""

    status_code = 409
    default_code = "refused"


class TookTooLong(APIException):
    """The database could not answer in time."""

    status_code = 503
    default_code = "too_wide"
    default_detail = _("The database could not answer in time. Narrow the search.")


class HasCapability(BasePermission):
    """Each view names the capability it needs; each of its deeds may name a greater one."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        deeds: dict[str, Capability] = getattr(view, "deeds", {})
        needed = deeds.get(getattr(view, "action", "") or "", view.capability)  # type: ignore[attr-defined]  # every view of ours has one
        return may(request.user, needed)


class Json(JSONParser):
    """JSON that is nested too deep to be read is a bad request, not a fault."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs)
        except RecursionError as error:
            raise ParseError(_("This is nested too deep.")) from error


class Newest(CursorPagination):
    ordering = "-id"

    def paginate_queryset(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().paginate_queryset(*args, **kwargs)
        except (ValidationFailed, ValueError) as error:  # a cursor of no position of ours
            raise NotFound(self.invalid_cursor_message) from error


class Arrived(Newest):
    ordering = "-received_at"


class Door(viewsets.ReadOnlyModelViewSet[Any]):
    """A list and its items, behind a capability."""

    permission_classes: ClassVar[list[type[BasePermission]]] = [HasCapability]  # type: ignore[misc]  # the base declares it as an instance variable
    parser_classes: ClassVar[list[type[BaseParser]]] = [Json, FormParser, MultiPartParser]  # type: ignore[misc]  # as above
    pagination_class: type[CursorPagination] = Newest
    # A deed called like a method would answer that method on every route, past `deeds`.
    http_method_names: ClassVar[list[str]] = ["get", "head", "options", "post"]  # type: ignore[misc]  # as above
    capability = Capability.VIEW_INCIDENTS

    def act(self, deed: Callable[[], T]) -> T:
        try:
            return deed()
        except Refused as refusal:
            raise Conflict(str(refusal)) from refusal
        except ObjectDoesNotExist as gone:  # another deleted it since it was looked up
            raise NotFound from gone


def _valid(
    kind: type[BaseSerializer[Any]], request: Request, *, partial: bool = False
) -> dict[str, Any]:
    asked = kind(data=request.data, partial=partial)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


class Incidents(Door):
    """Incidents, newest first. `state`, `kind`, `level` and `text` filter as on the page."""

    queryset = Incident.objects.prefetch_related("matches")
    serializer_class = s.IncidentSerializer
    deeds: ClassVar = {"hand_over": Capability.WORK_INCIDENTS}

    @extend_schema(parameters=[OpenApiParameter(name, OpenApiTypes.STR) for name in FILTERS])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        asked = {name: self.request.query_params.get(name, "") for name in FILTERS}
        found = selectors.incidents(**asked).defer(None).defer("clue_tree", "attacker")
        return found if self.action == "list" else found.prefetch_related("matches")

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        return s.IncidentRowSerializer if self.action == "list" else s.IncidentSerializer

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True)
    def clue_tree(self, request: Request, pk: str) -> Response:
        """How it unfolded; every node lists the ids of the records behind it."""
        return Response(self.get_object().clue_tree)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True)
    def attacker(self, request: Request, pk: str) -> Response:
        """Who is behind it, as far as the evidence says."""
        return Response(self.get_object().attacker)

    @extend_schema(responses=s.FindingSerializer(many=True))
    @action(detail=True, pagination_class=None)
    def findings(self, request: Request, pk: str) -> Response:
        """Its findings in time order, each with the network's verdict."""
        found = selectors.findings_of(self.get_object())
        return Response(s.FindingSerializer(found, many=True).data)

    @extend_schema(responses=s.RemedySerializer(many=True))
    @action(detail=True, pagination_class=None)
    def remedies(self, request: Request, pk: str) -> Response:
        """Its plans, newest first, command by command."""
        found = selectors.remedies_of(self.get_object())
        return Response(s.RemedySerializer(found, many=True).data)

    @extend_schema(request=s.ReasonSerializer, responses={202: None})
    @action(detail=True, methods=["post"])
    def hand_over(self, request: Request, pk: str) -> Response:
        """Makes the sealed package and sends it to the responders."""
        incident, asked = self.get_object(), _valid(s.ReasonSerializer, request)
        who = request.user.get_username()
        self.act(lambda: pipeline.hand_over(incident.pk, who, asked["reason"]))
        return Response(status=202)


class Remedies(Door):
    """Plans. Approving names the digest of the commands that were read."""

    queryset = Remedy.objects.prefetch_related("steps__outcomes", "tasks")
    serializer_class = s.RemedySerializer
    deeds: ClassVar = dict.fromkeys(("approve", "refuse", "undo"), Capability.APPROVE_REMEDIES)

    @extend_schema(request=s.ApprovalSerializer, responses={202: None})
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        remedy, asked = self.get_object(), _valid(s.ApprovalSerializer, request)
        who = request.user.get_username()
        self.act(lambda: pipeline.approve(remedy.pk, who, asked["digest"]))
        return Response(status=202)

    @extend_schema(request=s.ReasonSerializer, responses={202: None})
    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, pk: str) -> Response:
        remedy, asked = self.get_object(), _valid(s.ReasonSerializer, request)
        who = request.user.get_username()
        self.act(lambda: pipeline.refuse(remedy.pk, who, asked["reason"]))
        return Response(status=202)

    @extend_schema(request=None, responses={202: None})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        remedy = self.get_object()
        self.act(lambda: pipeline.undo(remedy.pk, request.user.get_username()))
        return Response(status=202)


class Findings(Door):
    """What the tools found, each with the network's verdict."""

    queryset = Finding.objects.select_related("assessment")
    serializer_class = s.FindingSerializer


class Batches(Door):
    """What came in, how far it has got, and how its items add up."""

    queryset = Batch.objects.all()
    serializer_class = s.BatchSerializer
    pagination_class = Arrived


class Records(Door):
    """Records, newest first by the time of the event, as the page of records finds them; `limit`
    at once, 200 at most. Their fields are those of the Elastic Common Schema with `_` for `.`.

    The answer has `records`, and `after`: the parameter that asks for what comes next, empty at
    the end. Where `stopped` is true the search took long: everything newer than `reached` was
    looked through, and `after` goes on from there.
    """

    queryset = Record.objects.select_related("batch").defer("tocsin_features")
    serializer_class = s.RecordSerializer
    pagination_class = None  # type: ignore[assignment]  # pages are the search's own

    @extend_schema(parameters=[s.RecordQuestionSerializer], responses=s.RecordPageSerializer)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        question = s.RecordQuestionSerializer(data=request.query_params)
        question.is_valid(raise_exception=True)
        asked = dict(question.validated_data)
        after, limit = asked.pop("after"), asked.pop("limit")
        try:
            found = find(Question(**asked), after=after, limit=limit)
        except TooWide:
            raise TookTooLong from None
        except ValueError as error:
            raise ValidationError(str(error)) from error
        return Response(s.RecordPageSerializer(found).data)


class Sources(Door):
    """Where data comes from, with its counters; never a token. Those of the archive too."""

    queryset = Source.objects.all()
    serializer_class = s.SourceSerializer
    deeds: ClassVar = dict.fromkeys(("archive", "restore", "remove"), Capability.MANAGE_SOURCES)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        """Out of the lists and away from its senders: its token is void at once."""
        source, who = self.get_object(), request.user.get_username()
        self.act(lambda: leaving.archive_source(source_id=source.pk, actor=who))
        return Response(status=204)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Back from the archive, disabled and without a token."""
        source, who = self.get_object(), request.user.get_username()
        self.act(lambda: leaving.restore_source(source_id=source.pk, actor=who))
        return Response(status=204)

    @extend_schema(request=s.NameSerializer, responses={204: None})
    @action(detail=True, methods=["post"], url_path="delete")
    def remove(self, request: Request, pk: str) -> Response:
        """A source of the archive, with all it brought, where no incident stands on that."""
        source, asked = self.get_object(), _valid(s.NameSerializer, request)
        who = request.user.get_username()
        self.act(
            lambda: leaving.delete_source(
                source_id=source.pk, name=asked["name"], actor=who, evidence=evidence_of
            )
        )
        return Response(status=204)


class Watches(Door):
    """What the platform fetches itself, and how it went last."""

    queryset = Watch.objects.all()
    serializer_class = s.WatchSerializer
    http_method_names: ClassVar[list[str]] = [*Door.http_method_names, "patch", "delete"]  # type: ignore[misc]  # as above
    deeds: ClassVar = dict.fromkeys(
        ("create", "partial_update", "destroy", "enable", "disable", "run"),
        Capability.MANAGE_SOURCES,
    )

    @extend_schema(request=s.NewWatchSerializer, responses={201: s.WatchSerializer})
    def create(self, request: Request) -> Response:
        """A new watch, due at once. Without a source it gets one of its own, of the same name."""
        asked, who = _valid(s.NewWatchSerializer, request), request.user.get_username()
        made = self.act(lambda: watches.create_watch(actor=who, **asked))
        watching.start_due_soon()
        return Response(s.WatchSerializer(made).data, status=201)

    @extend_schema(request=s.WatchChangeSerializer, responses=s.WatchSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Changes what is named, and runs it at once; its kind stays. Another target begins with a
        new baseline, and needs the secret again."""
        watch, who = self.get_object(), request.user.get_username()
        asked = _valid(s.WatchChangeSerializer, request, partial=True)
        changed = self.act(lambda: watches.change_watch(watch_id=watch.pk, actor=who, **asked))
        watching.start_due_soon()
        return Response(s.WatchSerializer(changed).data)

    def destroy(self, request: Request, pk: str) -> Response:
        """Ends a watch. Its source and what it brought stay."""
        watch, who = self.get_object(), request.user.get_username()
        self.act(lambda: watches.delete_watch(watch_id=watch.pk, actor=who))
        return Response(status=204)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        """Lets it run; it is due at once."""
        return self._rest(enabled=True)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        """Rests it until it is enabled."""
        return self._rest(enabled=False)

    def _rest(self, *, enabled: bool) -> Response:
        watch, who = self.get_object(), self.request.user.get_username()
        self.act(lambda: watches.enable_watch(watch_id=watch.pk, enabled=enabled, actor=who))
        return Response(status=204)

    @extend_schema(request=None, responses={202: None})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, pk: str) -> Response:
        """Makes it due now."""
        watch, who = self.get_object(), request.user.get_username()
        self.act(lambda: watches.run_now(watch_id=watch.pk, actor=who))
        watching.start_due_soon()
        return Response(status=202)


class Handovers(Door):
    """What was handed over; for responders too."""

    queryset = Handover.objects.defer("package")
    serializer_class = s.HandoverSerializer
    capability = Capability.READ_HANDOVERS

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True)
    def package(self, request: Request, pk: str) -> HttpResponse:
        """The sealed bytes themselves: their SHA-256 is the handover's digest."""
        content = bytes(self.get_object().package)
        return HttpResponse(content, content_type="application/json")


@extend_schema(exclude=True)
class Schema(SpectacularAPIView):
    """The OpenAPI description of this interface."""

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if not request.user.is_authenticated:
            raise PermissionDenied
        answer: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return answer


@page(Capability.VIEW_INCIDENTS)
def reference(request: HttpRequest) -> HttpResponse:
    """The interface as a page of our own: nothing is fetched from elsewhere."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    schema = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    operations = [
        {"path": address, "method": method.upper(), **operation}
        for address, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    return render(request, "center/api.html", {"operations": operations})


router = SimpleRouter()
for name, view in (
    ("incidents", Incidents),
    ("remedies", Remedies),
    ("findings", Findings),
    ("batches", Batches),
    ("records", Records),
    ("sources", Sources),
    ("watches", Watches),
    ("handovers", Handovers),
):
    router.register(name, view, basename=f"api-{name}")

urlpatterns = [
    *router.urls,
    path("schema/", Schema.as_view(), name="api-schema"),
    path("docs/", reference, name="api-docs"),
]
