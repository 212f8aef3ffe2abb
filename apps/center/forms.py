"""What people type in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from apps.acquisition.models import Source
from apps.acquisition.questions import MOST_TERMS, terms
from apps.acquisition.written.document import LARGEST
from apps.assistance.ssh import private_key
from apps.center.accounts import role_word
from apps.center.explain import LONGEST_TEXT
from apps.contracts import Refused
from apps.protection.names import checked_name
from apps.protection.permissions import Role


def _area(rows: int, placeholder: str | Any = "") -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "placeholder": placeholder})


class NameField(forms.CharField):
    """A name as `checked_name` wants it: what is wrong with it is said beside the field."""

    def clean(self, value: Any) -> str:
        name: str = super().clean(value)
        try:
            return name and checked_name(name, self.max_length or len(name))
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


class NoteForm(forms.Form):
    text = forms.CharField(
        label=_("Note"),
        max_length=4000,
        widget=_area(2, _("What you found, for whoever comes next")),
    )


class CloseForm(forms.Form):
    reason = forms.CharField(
        label=_("Why is it closed?"),
        max_length=2000,
        widget=_area(2, _("Repaired, harmless, expected, …")),
    )


class HoldForm(forms.Form):
    reason = forms.CharField(
        label=_("Why are its records to be kept?"),
        max_length=2000,
        widget=_area(2, _("The case, who asked for it")),
    )


class LiftHoldForm(forms.Form):
    reason = forms.CharField(
        label=_("Why need they be kept no longer?"), max_length=2000, widget=_area(2)
    )


class HandOverForm(forms.Form):
    reason = forms.CharField(
        label=_("What do you need from the responder?"), max_length=2000, widget=_area(2)
    )


class RefuseForm(forms.Form):
    reason = forms.CharField(label=_("Why not?"), max_length=2000, widget=_area(2))


class AdviceForm(forms.Form):
    author = NameField(label=_("Your name"), max_length=150)
    text = forms.CharField(label=_("Your advice"), max_length=20_000, widget=_area(5))


class RecordSearchForm(forms.Form):
    """What analysts look for in raw records. Everything may stay empty."""

    text = forms.CharField(label=_("Words in the line"), required=False, max_length=200)
    address = forms.GenericIPAddressField(label=_("Address"), required=False)
    host = forms.CharField(label=_("Host"), required=False, max_length=255)
    user = forms.CharField(label=_("User"), required=False, max_length=255)
    url = forms.CharField(label=_("Words in the URL"), required=False, max_length=200)
    dataset = forms.CharField(label=_("Kind of record"), required=False, max_length=64)
    since = forms.DateTimeField(
        label=_("From"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    until = forms.DateTimeField(
        label=_("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )

    def clean_text(self) -> str:
        return self._words("text")

    def clean_url(self) -> str:
        return self._words("url")

    def _words(self, name: str) -> str:
        asked: str = self.cleaned_data[name]
        try:
            terms(asked)
        except ValueError:
            raise forms.ValidationError(
                _("At most %(n)d words at once.") % {"n": MOST_TERMS}
            ) from None
        if asked.count('"') % 2:
            raise forms.ValidationError(_("A quotation mark is left open."))
        return asked

    def clean(self) -> dict[str, Any]:
        asked: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = asked.get("since"), asked.get("until")
        if since and until and since >= until:
            self.add_error("until", _("It must be later than From."))
        return asked


class LimitsForm(forms.Form):
    """What a source may send; empty is without limit. People count in kB and MB."""

    events_per_s = forms.IntegerField(
        label=_("Events a second"),
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text=_("Beyond a limit the source is told to wait. Empty: no limit."),
    )
    kilobytes_per_s = forms.IntegerField(
        label=_("Kilobytes a second"), required=False, min_value=1, max_value=2**40
    )
    megabytes_per_day = forms.IntegerField(
        label=_("Megabytes a day"), required=False, min_value=1, max_value=2**40
    )

    @staticmethod
    def initial_of(source: Source) -> dict[str, int | None]:
        return {
            "events_per_s": source.events_per_s,
            "kilobytes_per_s": source.bytes_per_s and source.bytes_per_s // 1000,
            "megabytes_per_day": source.bytes_per_day and source.bytes_per_day // 1_000_000,
        }

    def limits(self) -> dict[str, int | None]:
        """As `services.limit_source` takes them."""
        asked = self.cleaned_data
        return {
            "events_per_s": asked["events_per_s"],
            "bytes_per_s": asked["kilobytes_per_s"] and asked["kilobytes_per_s"] * 1000,
            "bytes_per_day": asked["megabytes_per_day"] and asked["megabytes_per_day"] * 1_000_000,
        }


class SourceForm(LimitsForm):
    field_order = ("name", "kind", "host_name")

    name = NameField(
        label=_("Name"), max_length=100, help_text=_("The machine or the log, as you call it.")
    )
    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[choice for choice in Source.Kind.choices if choice[0] != Source.Kind.UPLOAD],
    )
    host_name = NameField(
        label=_("Host"),
        max_length=255,
        required=False,
        help_text=_("The host its lines speak of, where they do not say so themselves."),
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Source.objects.filter(name=name).exists():
            raise forms.ValidationError(
                _("There is a source of this name already, or in the archive.")
            )
        return name


class SourceLogsForm(forms.Form):
    """What the lines of a source do not say themselves."""

    time_zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "Europe/Berlin"}),
        help_text=_("Of times that carry none, as in syslog and error logs. Left empty: UTC."),
    )
    trusted_proxies = forms.CharField(
        label=_("Trusted proxies"),
        max_length=8000,
        required=False,
        widget=_area(3, "192.0.2.10 198.51.100.0/24"),
        help_text=_(
            "Addresses and networks in front of its web servers. Of a request that comes through "
            "them, the client is the one that X-Forwarded-For names; nobody else is believed."
        ),
    )

    def clean_trusted_proxies(self) -> list[str]:
        text: str = self.cleaned_data["trusted_proxies"]
        return text.replace(",", " ").split()


class ExplainForm(forms.Form):
    lines = forms.CharField(
        label=_("Lines"),
        strip=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
        help_text=_("As the program wrote them; a header comes above what it describes."),
    )
    file_name = forms.CharField(
        label=_("File they are from"),
        max_length=255,
        required=False,
        help_text=_("Some formats are told by it: apache2/access.log, conn.log."),
    )
    source = forms.ModelChoiceField(
        label=_("Source"),
        queryset=Source.objects.all(),
        required=False,
        help_text=_("Its time zone and its trusted proxies then count."),
    )


class ParserForm(forms.Form):
    """A parser that is being written, and lines to try it on."""

    text = forms.CharField(
        label=_("Parser"),
        strip=False,
        max_length=LARGEST,
        widget=forms.Textarea(attrs={"rows": 26, "class": "mono", "spellcheck": "false"}),
    )
    lines = forms.CharField(
        label=_("Try it on"),
        strip=False,
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 5, "class": "mono", "spellcheck": "false"}),
        help_text=_("Lines beside its own examples. Nothing is kept of them."),
    )


class ListeningForm(forms.Form):
    """Who may write for a source without a token, and which files are its own."""

    networks = forms.CharField(
        label=_("Addresses that send syslog or NetFlow"),
        required=False,
        widget=_area(3, "192.0.2.10 198.51.100.0/24"),
        help_text=_("Addresses and networks, by spaces or lines. Nobody else may write."),
    )
    certificates = forms.CharField(
        label=_("Names in client certificates"),
        required=False,
        widget=_area(2, "gateway.example"),
        help_text=_("Who shows a certificate with such a name over TLS writes for this source."),
    )
    paths = forms.CharField(
        label=_("Files to follow"),
        required=False,
        widget=_area(3, "/var/log/nginx/*.log"),
        help_text=_("Paths on this machine, one a line; * and ? stand for any characters."),
    )
    folder = forms.CharField(
        label=_("Watched folder"),
        required=False,
        max_length=100,
        help_text=_("Its name below TOCSIN_HOME/drop: what is put there is taken in."),
    )

    def clean_networks(self) -> list[str]:
        return str(self.cleaned_data["networks"]).replace(",", " ").split()

    def clean_certificates(self) -> list[str]:
        return str(self.cleaned_data["certificates"]).replace(",", " ").split()

    def clean_paths(self) -> list[str]:
        lines = str(self.cleaned_data["paths"]).splitlines()
        return [line.strip() for line in lines if line.strip()]


class UploadForm(forms.Form):
    file = forms.FileField(label=_("File"))
    protocol = forms.ChoiceField(
        label=_("What is it?"),
        initial="auto",
        choices=[
            ("auto", _("Find out by itself")),
            ("capture", _("Packets (pcap, pcapng)")),
            ("lines", _("A log, line by line")),
            ("flows", _("Flows (CICFlowMeter CSV)")),
            ("ndjson", _("JSON, one document a line")),
            ("file", _("A suspicious file")),
        ],
    )
    host_name = NameField(
        label=_("Host it is from"),
        max_length=255,
        required=False,
        help_text=_("So that a repair knows where to go."),
    )

    def clean_file(self) -> UploadedFile[bytes]:
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        most: int = settings.TOCSIN["max_body"]
        if (file.size or 0) > most:
            raise forms.ValidationError(
                _("A file may have at most %(most)d MB.") % {"most": most // 2**20}
            )
        return file


class HostForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=253, help_text=_("As its own logs call it (host.name).")
    )
    address = forms.CharField(label=_("Address"), max_length=253)
    port = forms.IntegerField(label=_("SSH port"), initial=22, min_value=1, max_value=65535)
    user = forms.CharField(label=_("Repair account"), initial="tocsin", max_length=32)
    private_key = forms.CharField(
        label=_("Private key"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "autocomplete": "off"}),
        help_text=_("Left empty, a new Ed25519 key is made and you get the line to install."),
    )
    protected = forms.CharField(
        label=_("Never touch"),
        required=False,
        widget=_area(2, "192.0.2.10 198.51.100.0/24"),
        help_text=_("Addresses and networks that no repair of this host may block."),
    )

    def clean_private_key(self) -> str:
        text: str = self.cleaned_data["private_key"].strip()
        if not text:
            return ""
        try:
            private_key(text + "\n")
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from wrong
        return text + "\n"


class HostConfirmForm(forms.Form):
    sealed = forms.CharField(widget=forms.HiddenInput)
    same = forms.BooleanField(
        label=_("I compared the fingerprint with the host's own: it is the same.")
    )


class ShareForm(forms.Form):
    hours = forms.ChoiceField(
        label=_("Open for"),
        choices=[("24", _("1 day")), ("168", _("7 days")), ("720", _("30 days"))],
    )


class ResponderForm(forms.Form):
    name = NameField(label=_("Name"), max_length=100)
    webhook_url = forms.URLField(
        label=_("Webhook"),
        required=False,
        assume_scheme="https",
        help_text=_("Where packages are posted, signed. Without one, use expiring links."),
    )


class AccountForm(forms.Form):
    name = NameField(
        label=_("Name"),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    role = forms.ChoiceField(
        label=_("Role"), choices=lambda: [(role.value, role_word(role)) for role in Role]
    )
