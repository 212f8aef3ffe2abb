"""The form of a watch: what every watch has, and the options its collector declares."""

from __future__ import annotations

from typing import Any

import msgspec
from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.acquisition.collecting import Collector
from apps.acquisition.models import Source, Watch
from apps.assistance.models import Host
from apps.center.forms import NameField
from apps.center.words import pace

_PACES = (60, 300, 900, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600)


class WatchForm(forms.Form):
    """Of a new watch of one kind, or of one that is there (`watch`)."""

    name = NameField(label=gettext_lazy("Name"), max_length=100)
    target = forms.CharField(max_length=2000)
    every = forms.TypedChoiceField(label=gettext_lazy("How often"), coerce=int, initial=3600)
    networks = forms.CharField(
        label=gettext_lazy("Private networks it may enter"),
        required=False,
        help_text=gettext_lazy(
            "Networks as 10.1.0.0/16, by spaces. Without one, only public addresses are reached."
        ),
    )
    source = forms.ModelChoiceField(
        label=gettext_lazy("Source it feeds"),
        queryset=Source.objects.none(),
        required=False,
        empty_label=gettext_lazy("A source of its own"),
    )

    def __init__(self, *args: Any, collector: Collector, watch: Watch | None = None, **more: Any):
        super().__init__(*args, **more)
        self.collector, self.watch = collector, watch
        self.fields["target"].label = collector.target
        self._paces(watch.every if watch else 3600)
        sources = Source.objects.filter(is_demonstration=False, archived_at=None).order_by("name")
        self.fields["source"].queryset = sources  # type: ignore[attr-defined]
        if watch:
            self.fields["source"].required = True
            self.fields["source"].empty_label = None  # type: ignore[attr-defined]
        if collector.name == "host":
            hosts = Host.objects.exclude(host_key="").order_by("name")
            self.fields["target"] = forms.ChoiceField(
                label=collector.target,
                choices=list(hosts.values_list("name", "name")),
                help_text=_("Registered under Hosts, with its key.")
                if hosts
                else _("No host is registered yet: do that first, under Hosts."),
            )
            del self.fields["networks"]
        if collector.continuous:
            names = [(name, name) for name in settings.TOCSIN["capture"]]
            self.fields["target"] = forms.ChoiceField(
                label=collector.target,
                choices=names,
                help_text=_("Interfaces that TOCSIN_CAPTURE names, on the machine of Tocsin.")
                if names
                else _("The operator of this machine has named none yet, in TOCSIN_CAPTURE."),
            )
            del self.fields["networks"], self.fields["every"]
        if collector.secret:
            self._secret()
        known = watch.options if watch else {}
        self.options = [field.name for field in msgspec.structs.fields(collector.options)]
        for field in msgspec.structs.fields(collector.options):
            self.fields[f"option_{field.name}"] = _option(field, known.get(field.name))
        if watch:
            self.initial = {
                **self.initial,
                "name": watch.name,
                "target": watch.target,
                "every": watch.every,
                "networks": " ".join(watch.networks),
                "source": watch.source_id,
            }

    def _paces(self, own: int) -> None:
        paces = sorted({*_PACES, own})
        choices = [(seconds, _("every %(pace)s") % {"pace": pace(seconds)}) for seconds in paces]
        self.fields["every"].choices = choices  # type: ignore[attr-defined]

    def _secret(self) -> None:
        kept = bool(self.watch and self.watch.secret)
        self.fields["secret"] = forms.CharField(
            label=self.collector.secret,
            required=False,
            max_length=2000,
            widget=forms.PasswordInput(
                attrs={
                    "autocomplete": "new-password",
                    "placeholder": "•••••••• " + _("kept") if kept else "",
                }
            ),
            help_text=_("Sent to the target alone, and never shown again.")
            + (" " + _("Left empty, the one in use stays.") if kept else ""),
        )
        if kept:
            self.fields["forget"] = forms.BooleanField(
                label=_("Take the secret away"), required=False
            )

    def told(self) -> dict[str, Any]:
        """What the services take, out of a valid form."""
        said = self.cleaned_data
        told = {name: said[name] for name in ("name", "target")}
        told["every"] = said.get("every", 0)  # its own where it has one
        told["networks"] = said.get("networks", "").replace(",", " ").split()
        told["source"] = said.get("source")
        told["options"] = {
            name: said[f"option_{name}"]
            for name in self.options
            if said.get(f"option_{name}") is not None
        }
        secret = said.get("secret") or ""
        if self.watch is None:
            told["secret"] = secret
        else:
            told["secret"] = secret or ("" if said.get("forget") else None)
        return told

    def common(self) -> list[forms.BoundField]:
        return [field for field in self if not field.name.startswith("option_")]

    def special(self) -> list[forms.BoundField]:
        """The collector's own options: below the others, as they seldom need a hand."""
        return [field for field in self if field.name.startswith("option_")]


class _Words(forms.CharField):
    """Words by spaces, commas or lines, as a list."""

    def to_python(self, value: Any) -> Any:
        return str(value or "").replace(",", " ").split()


def _option(field: Any, known: Any) -> forms.Field:
    """The form field of one option, from its type and its `Meta`."""
    kind, title, description = field.type, field.name, ""
    info = msgspec.inspect.type_info(kind)
    if isinstance(info, msgspec.inspect.Metadata):
        told = info.extra_json_schema or {}
        title, description = told.get("title", title), told.get("description", "")
        info = info.type
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    value = default if known is None else known
    words: dict[str, Any] = {
        "label": _(title),
        "help_text": _(description) if description else "",
        "required": False,
        "initial": value,
    }
    match info:
        case msgspec.inspect.BoolType():
            return forms.BooleanField(**words)
        case msgspec.inspect.IntType():
            return forms.IntegerField(min_value=info.ge, max_value=info.le, **words)
        case msgspec.inspect.ListType() | msgspec.inspect.VarTupleType():
            words["initial"] = " ".join(value)
            return _Words(**words)
        case msgspec.inspect.StrType() if (info.max_length or 0) > 2000:
            area = forms.Textarea(attrs={"rows": 4, "class": "mono"})
            return forms.CharField(widget=area, max_length=info.max_length, **words)
        case _:
            return forms.CharField(max_length=2000, **words)
