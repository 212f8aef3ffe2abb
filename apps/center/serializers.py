"""What programs read and write: the words of the design as JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.acquisition.models import Batch, Record, Source, Watch
from apps.acquisition.search import MOST
from apps.acquisition.watches import LEAST_EVERY, MOST_EVERY
from apps.analysis.models import Assessment, Handover, Incident, Match, Remedy, Step, Task
from apps.assistance.models import Outcome
from apps.detection.models import Finding


class SourceSerializer(serializers.ModelSerializer[Source]):
    class Meta:
        model = Source
        exclude = ("token_digest",)


class NameSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, help_text="The name of what is to be deleted.")


class WatchSerializer(serializers.ModelSerializer[Watch]):
    """A watch and how it went last; of its secret, whether it has one."""

    has_secret = serializers.SerializerMethodField()

    class Meta:
        model = Watch
        fields = (
            "id", "name", "kind", "target", "options", "networks", "has_secret", "every", "source",
            "enabled", "created_at", "next_at", "last_at", "last_error", "last_notes",
            "last_records", "last_changes", "last_baselines", "last_batch", "changed_at", "failures",
        )  # fmt: skip

    def get_has_secret(self, watch: Watch) -> bool:
        return bool(watch.secret)


class WatchChangeSerializer(serializers.Serializer[Any]):
    """What a watch does. In a change, what is left out stays."""

    name = serializers.CharField(max_length=100)
    target = serializers.CharField(max_length=2000)
    every = serializers.IntegerField(
        default=3600, min_value=LEAST_EVERY, max_value=MOST_EVERY, help_text="Seconds."
    )
    options = serializers.DictField(
        default=dict, help_text="Those of its kind; what is left out of them is as by default."
    )
    networks = serializers.ListField(
        child=serializers.CharField(max_length=64),
        default=list,
        max_length=100,
        help_text="Private networks it may enter.",
    )
    secret = serializers.CharField(
        default="", allow_blank=True, max_length=2000, help_text="Empty: none. It is never shown."
    )
    source = serializers.PrimaryKeyRelatedField(  # type: ignore[assignment]  # no field of the base
        queryset=Source.objects.all(), default=None, help_text="Left out: one of its own."
    )

    def validate_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """Texts as the database can keep them; their meaning is the collector's to judge."""
        text = serializers.CharField(allow_blank=True, trim_whitespace=False)
        for value in options.values():
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, str):
                    text.run_validation(each)
        return options

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Refuses what is no field here: `enabled`, say, is changed by a deed of its own."""
        if unknown := sorted(set(self.initial_data) - set(self.fields) - {"csrfmiddlewaretoken"}):
            raise serializers.ValidationError(f"Nothing here is called {unknown[0]!r}.")
        if not asked:
            raise serializers.ValidationError("Nothing is named that is to change.")
        return asked


class NewWatchSerializer(WatchChangeSerializer):
    """A watch that is to be."""

    kind = serializers.CharField(
        max_length=32, help_text="`page`, `dns`, `certificate`, `host` or `capture`."
    )


class BatchSerializer(serializers.ModelSerializer[Batch]):
    class Meta:
        model = Batch
        exclude = ("claimed_at", "attempts", "restarted_at")


class RecordSerializer(serializers.ModelSerializer[Record]):
    """A record; its fields are those of the Elastic Common Schema with `_` for `.`."""

    class Meta:
        model = Record
        exclude = ("tocsin_features",)


class RecordQuestionSerializer(serializers.Serializer[Any]):
    """What is looked for: all of it must hold, what is left out asks nothing."""

    text = serializers.CharField(
        default="",
        max_length=200,
        help_text='Words of the line: `word`, `beginn*`, `"words in this order"`.',
    )
    address = serializers.IPAddressField(default="", help_text="One end of the connection.")
    host = serializers.CharField(default="", max_length=255)
    user = serializers.CharField(default="", max_length=255)
    url = serializers.CharField(default="", max_length=200, help_text="Words of the URL.")
    dataset = serializers.CharField(default="", max_length=64)
    since = serializers.DateTimeField(default=None)
    until = serializers.DateTimeField(default=None)
    after = serializers.CharField(default="", max_length=6000)
    limit = serializers.IntegerField(default=50, min_value=1, max_value=MOST)


class RecordPageSerializer(serializers.Serializer[Any]):
    records = RecordSerializer(many=True)
    after = serializers.CharField()
    stopped = serializers.BooleanField()
    reached = serializers.DateTimeField(allow_null=True)


class AssessmentSerializer(serializers.ModelSerializer[Assessment]):
    class Meta:
        model = Assessment
        exclude = ("finding",)


class FindingSerializer(serializers.ModelSerializer[Finding]):
    """A finding with the network's verdict; null where no network reads its kind of data."""

    assessment = AssessmentSerializer(read_only=True, allow_null=True, default=None)

    class Meta:
        model = Finding
        exclude = ("fingerprint",)


class IncidentRowSerializer(serializers.ModelSerializer[Incident]):
    class Meta:
        model = Incident
        exclude = ("clue_tree", "attacker")


class MatchSerializer(serializers.ModelSerializer[Match]):
    class Meta:
        model = Match
        exclude = ("incident",)


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    matches = MatchSerializer(many=True, read_only=True)

    class Meta:
        model = Incident
        exclude = ("clue_tree", "attacker")


class OutcomeSerializer(serializers.ModelSerializer[Outcome]):
    class Meta:
        model = Outcome
        exclude = ("step",)


class StepSerializer(serializers.ModelSerializer[Step]):
    outcomes = OutcomeSerializer(many=True, read_only=True)

    class Meta:
        model = Step
        exclude = ("remedy",)


class TaskSerializer(serializers.ModelSerializer[Task]):
    class Meta:
        model = Task
        exclude = ("remedy",)


class RemedySerializer(serializers.ModelSerializer[Remedy]):
    """A plan with every command of every step, and what each has done so far."""

    steps = StepSerializer(many=True, read_only=True)
    tasks = TaskSerializer(many=True, read_only=True)

    class Meta:
        model = Remedy
        fields = "__all__"


class HandoverSerializer(serializers.ModelSerializer[Handover]):
    class Meta:
        model = Handover
        exclude = ("package",)


class ApprovalSerializer(serializers.Serializer[Any]):
    """`digest` is the plan's, as it was read: other commands cannot be approved by it."""

    digest = serializers.CharField(max_length=64)


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2000)
