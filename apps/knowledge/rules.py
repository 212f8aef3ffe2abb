"""Detection rules kept as data: signatures of web requests, and YARA rules over files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from apps.contracts import Kind, Risk
from apps.knowledge.documents import KnowledgeError, checked


@dataclass(frozen=True, slots=True)
class WebSignature:
    """One pattern over a part of a request. `pattern` is a regular expression without look-around,
    laid out in verbose mode (white space in it means nothing), searched without regard to case in
    decoded text; `fields` are url, body, referrer, agent."""

    id: str
    title: str
    pattern: str
    fields: tuple[str, ...]
    severity: int
    matches: tuple[str, ...]
    passes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WebClass:
    """Signatures of one class of attack: what findings are grouped by and called."""

    name: str
    title: str
    kind: Kind
    risk: Risk
    technique: str
    references: tuple[str, ...]
    signatures: tuple[WebSignature, ...]


@cache
def web_classes() -> tuple[WebClass, ...]:
    """Every class of web signatures, in the order of their files.

    Raises `KnowledgeError`, naming file and field, if one does not fit its schema or an id
    stands twice.
    """
    folder = files("knowledge_base") / "rules"
    schema = folder / "web.schema.json"
    classes = [_web_class(checked(document, schema)) for document in _named(folder / "web", ".yml")]
    seen: set[str] = set()
    for each in classes:
        for signature in each.signatures:
            if signature.id in seen:
                raise KnowledgeError(f"two web signatures are called {signature.id!r}")
            seen.add(signature.id)
    return tuple(classes)


@cache
def yara_sources() -> tuple[tuple[str, str], ...]:
    """(file name, text) of every file of YARA rules."""
    folder = files("knowledge_base") / "rules" / "yara"
    return tuple((file.name, file.read_text("utf-8")) for file in _named(folder, ".yar"))


def _named(folder: Traversable, suffix: str) -> list[Traversable]:
    return sorted((f for f in folder.iterdir() if f.name.endswith(suffix)), key=lambda f: f.name)


def _web_class(document: dict) -> WebClass:  # type: ignore[type-arg]
    return WebClass(
        name=document["class"],
        title=document["title"],
        kind=Kind(document["kind"]),
        risk=Risk(document["risk"]),
        technique=document["technique"],
        references=tuple(document["references"]),
        signatures=tuple(
            WebSignature(
                id=each["id"],
                title=each["title"],
                pattern=each["pattern"],
                fields=tuple(each["fields"]),
                severity=each["severity"],
                matches=tuple(each["matches"]),
                passes=tuple(each["passes"]),
            )
            for each in document["signatures"]
        ),
    )
