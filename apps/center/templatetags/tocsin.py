"""What templates draw: icons, severities, states, times, bars. All of it escaped, no inline style."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django import template
from django.http import QueryDict
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from apps.acquisition.models import Record
from apps.analysis.models import Incident, Step
from apps.center import words
from apps.protection.permissions import Capability
from apps.protection.permissions import may as is_allowed

register = template.Library()

_SIGNS = {
    **{code: chr(0x2400 + code) for code in range(32) if code not in (9, 10)},
    127: "\u2421",
    **{code: f"<U+{code:04X}>" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
}
"""Control characters and their pictures."""

TONES: Mapping[str, str] = {
    **dict.fromkeys(("awaiting_approval", "proposed", "by_hand", "waiting"), "tone-wait"),
    **dict.fromkeys(
        ("repairing", "applying", "approved", "undoing", "open", "planned"), "tone-act"
    ),
    **dict.fromkeys(("repaired", "applied", "done", "delivered", "good"), "tone-good"),
    **dict.fromkeys(("failed", "bad"), "tone-bad"),
}

exact = register.filter("exact", words.exact)
register.filter("kind_word", words.kind)
register.filter("pace", words.pace)
register.filter("label_word", words.label)
register.filter("risk_word", words.risk)
register.filter("tactic_word", words.tactic)
register.filter("technique_word", words.technique)
register.filter("technique_url", words.technique_url)


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        classes,
        static("center/vendor/icons.svg"),
        name,
    )


@register.simple_tag
def kind_icon(name: str, classes: str = "") -> SafeString:
    return icon(words.KIND_ICONS.get(name, "flag"), classes)


@register.simple_tag
def severity(value: int, number: bool = True) -> SafeString:
    """A level one can count without seeing colours, its word, and the number behind it."""
    name, word, notches = words.level(value)
    bars = format_html_join(
        "",
        '<rect x="{}" y="{}" width="3" height="{}" rx="1" class="{}"></rect>',
        (
            (place * 4, 9 - place * 3, 3 + place * 3, "" if place < notches else "off")
            for place in range(4)
        ),
    )
    shown = format_html('<span class="number">{}</span>', value) if number else ""
    return format_html(
        '<span class="sev {}"><svg viewBox="0 0 15 12" aria-hidden="true">{}</svg>{}{}</span>',
        name,
        bars,
        word,
        shown,
    )


@register.filter
def level_class(value: int) -> str:
    return words.level(value)[0]


@register.simple_tag
def state(value: str, label: str = "") -> SafeString:
    """The state of anything, as a pill in the tone of what it asks of people."""
    return format_html(
        '<span class="pill {}">{}</span>', TONES.get(value, "tone-calm"), label or value
    )


@register.simple_tag
def demonstration(shown: bool = True) -> SafeString | str:
    if not shown:
        return ""
    return format_html('<span class="pill outline">{}</span>', _("demonstration"))


@register.simple_tag
def ago(when: datetime | None, none: str = "") -> SafeString | str:
    """ "3 minutes ago", the exact time in its title; the script keeps it current."""
    if when is None:
        return none or _("never")
    local = timezone.localtime(when)
    passed = (timezone.now() - when).total_seconds()
    if passed < 60:
        text = _("just now") if passed > -60 else exact(when)
    else:
        text = _("%(length)s ago") % {"length": timesince(when, depth=1)}
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>', local.isoformat(), exact(when), text
    )


@register.filter
def clock(when: datetime | None) -> str:
    return f"{timezone.localtime(when):%H:%M:%S}" if when else ""


@register.filter
def isoday(when: datetime | None) -> str:
    return f"{timezone.localtime(when):%Y-%m-%d}" if when else ""


@register.filter
def lasted(last: datetime | None, first: datetime | None) -> str:
    return words.duration(last - first) if first and last else ""


@register.filter
def percent(value: float | None) -> str:
    """A probability for people: never 0 % or 100 % unless it is exactly that."""
    if value is None:
        return "–"
    shown = value * 100
    if 0 < shown < 1:
        return "<1 %"
    if 99 < shown < 100:
        return ">99 %"
    return f"{shown:.0f} %"


@register.simple_tag
def meter(value: float, tone: str = "", label: str = "") -> SafeString:
    """A bar from 0 to 1."""
    return format_html(
        '<svg class="meter {}" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" '
        'aria-label="{}"><rect width="{}" height="8"></rect></svg>',
        tone,
        label or percent(value),
        round(max(0.0, min(1.0, value)) * 100, 1),
    )


@register.simple_tag
def signed(weight: float, largest: float) -> SafeString:
    """A bar that leaves the middle to the right (for the verdict) or to the left (against it)."""
    width = round(abs(weight) / (largest or 1) * 50, 1)
    return format_html(
        '<svg class="signed" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<line x1="50" y1="0" x2="50" y2="10"></line>'
        '<rect class="{}" x="{}" y="1.5" width="{}" height="7"></rect></svg>',
        "toward" if weight >= 0 else "away",
        50 if weight >= 0 else 50 - width,
        width,
    )


@register.filter
def are_attention(steps: Sequence[float]) -> bool:
    """Whether steps are what versions up to 2026.11.29 stored: weights that sum to one."""
    return min(steps, default=-1.0) >= 0 and abs(sum(steps) - 1) < 1e-3


@register.simple_tag
def by_step(steps: Sequence[float]) -> SafeString:
    """A column for each step, the oldest first: up where it speaks for the verdict, down where
    against it; or weights, see `are_attention`."""
    top, low, width = max([0.0, *steps]), min([0.0, *steps]), max(len(steps), 1) * 10
    scale = 38 / ((top - low) or 1)
    zero = 1 + top * scale
    return format_html(
        '<svg class="by-step" viewBox="0 0 {} 40" preserveAspectRatio="none" role="img" '
        'aria-label="{}"><line x1="0" y1="{}" x2="{}" y2="{}"></line>{}</svg>',
        width,
        _("Shares of %(n)d steps in the verdict") % {"n": len(steps)},
        round(zero, 1),
        width,
        round(zero, 1),
        format_html_join(
            "",
            '<rect class="{}" x="{}" y="{}" width="8" height="{}"></rect>',
            (
                (
                    "toward" if share >= 0 else "away",
                    place * 10 + 1,
                    round(zero - max(share, 0.0) * scale, 1),
                    round(abs(share) * scale, 1),
                )
                for place, share in enumerate(steps)
            ),
        ),
    )


@register.filter
def spaced(value: object) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u2009") if isinstance(value, int) else str(value)


@register.filter
def magnitude(weight: float) -> str:
    return f"{abs(weight):.2f}"


@register.filter
def deed_word(action: str) -> str:
    """An audited action in words: "remedy.approved" → "approved the plan"."""
    return words.deed(action)


@register.filter
def detail_words(detail: Mapping[str, Any]) -> str:
    """What an audit entry says besides, on one line."""
    shown = (
        f"{name.replace('_', ' ')}: {_listed(value)}"
        for name, value in detail.items()
        if value not in (None, "", [], {})
    )
    return " · ".join(shown)


def _listed(value: object) -> str:
    if isinstance(value, Mapping):
        value = [f"{name} {said}" for name, said in value.items() if said not in (None, "", [])]
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@register.filter
def step_words(step: Step) -> str:
    """What a step does, in a sentence: its own effect, or what can be told without commands."""
    if not step.effect:
        return words.step(step.action, step.parameters, step.host)
    return re.sub(r"(?<=\bfor )(\d+) hours\b", lambda n: words.pace(int(n[1]) * 3600), step.effect)


@register.simple_tag
def incident_state(incident: Incident, is_partial: bool = False) -> SafeString:
    """The state of an incident; one repaired in part is not called repaired."""
    if is_partial and incident.state == Incident.State.REPAIRED:
        return state("by_hand", _("repaired in part"))
    return state(incident.state, incident.get_state_display())


@register.filter
def coded(text: str) -> SafeString:
    """`text` escaped, with what stands between backticks as code."""
    return format_html_join(
        "",
        "{}",
        (
            (format_html("<code>{}</code>", part) if place % 2 else part,)
            for place, part in enumerate(re.split(r"`([^`]+)`", text))
        ),
    )


@register.filter
def template_words(text: str) -> SafeString:
    """The text of an expert record: {accounts_taken} is shown as the words it stands for."""
    shown = re.sub(r"\{([a-z_]+)\}", lambda slot: f"‹{words_of(slot[1])}›", text)
    return coded(shown)


@register.filter
def words_of(name: str) -> str:
    return name.replace("_", " ")


@register.filter
def shown(value: object) -> str:
    """Any value of a record or of a parameter, readable."""
    if isinstance(value, datetime):
        return exact(value)
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and not any(
        isinstance(each, (list, dict)) for each in value
    ):
        return ", ".join(map(str, value))
    return json.dumps(
        value, ensure_ascii=False, default=str, indent=1 if isinstance(value, dict) else None
    )


@register.filter
def record_words(record: Record) -> str:
    """A record that came without a line (a flow, a file), in a few words."""
    ends = [
        f"{address}:{port}" if port else address
        for address, port in (
            (record.source_ip, record.source_port),
            (record.destination_ip, record.destination_port),
        )
        if address
    ]
    said = (
        " → ".join(ends),
        record.network_transport,
        record.http_request_method,
        record.url_original,
        record.file_path,
        record.message,
        record.event_action,
    )
    parts = [part for part in said if part]
    if record.network_packets:
        parts.append(_("%(n)s packets") % {"n": spaced(record.network_packets)})
    if record.network_bytes:
        parts.append(_("%(n)s bytes") % {"n": spaced(record.network_bytes)})
    return " ".join(parts) or _("(no line)")


@register.filter
def of(mapping: Mapping[Any, Any], key: object) -> object:
    return mapping.get(key, "")


@register.filter
def short(digest: str) -> str:
    return digest[:12]


@register.filter
def highlighted(text: str, terms: Iterable[str]) -> SafeString:
    """`text` escaped, with every term marked. What an attacker wrote stays text: characters
    that would steer a terminal or turn the reading direction are shown as signs."""
    text = (text or "").translate(_SIGNS)
    wanted = sorted({term for term in terms if term and len(term) > 1}, key=len, reverse=True)
    hits = (
        [hit.span() for hit in re.finditer("|".join(map(re.escape, wanted)), text, re.IGNORECASE)]
        if wanted
        else []
    )
    parts: list[SafeString] = []
    at = 0
    for start, end in hits:
        parts += [
            conditional_escape(text[at:start]),
            format_html("<mark>{}</mark>", text[start:end]),
        ]
        at = end
    parts.append(conditional_escape(text[at:]))
    return mark_safe("".join(parts))  # noqa: S308 - every part was escaped above


@register.filter
def may(user: Any, capability: str) -> bool:
    return is_allowed(user, Capability(capability))


@register.simple_tag(takes_context=True)
def query(context: Mapping[str, Any], **changes: object) -> str:
    """This page's query string with some of its parameters changed."""
    parameters: QueryDict = context["request"].GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            parameters.pop(name, None)
        else:
            parameters[name] = str(value)
    return "?" + parameters.urlencode()
