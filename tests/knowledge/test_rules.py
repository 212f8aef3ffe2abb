"""Every signature meets its examples, and YARA rules say of themselves what findings need."""

from __future__ import annotations

import polars as pl
import pytest
import yara_x

from apps.contracts import Kind, Risk
from apps.detection.decoding import decoded
from apps.detection.tools.web_request_signatures import _pattern, _sieve
from apps.knowledge.rules import WebSignature, web_classes, yara_sources

SIGNATURES = [signature for group in web_classes() for signature in group.signatures]


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda each: each.id)
def test_a_signature_meets_its_examples_and_no_look_alike(signature: WebSignature) -> None:
    def met(texts: tuple[str, ...]) -> list[bool]:
        return decoded(pl.Series(list(texts))).str.contains(_pattern(signature)).to_list()

    assert dict(zip(signature.matches, met(signature.matches), strict=True)) == dict.fromkeys(
        signature.matches, True
    )
    assert dict(zip(signature.passes, met(signature.passes), strict=True)) == dict.fromkeys(
        signature.passes, False
    )


def test_what_meets_a_signature_is_never_sieved_out() -> None:
    every = [each for group in web_classes() for each in group.signatures]
    texts = decoded(pl.Series([text for each in every for text in (*each.matches, *each.passes)]))
    kept = texts.str.contains(_sieve()[0])
    for patterns in _sieve()[1:]:
        kept |= texts.str.contains(patterns)
    met = texts.str.contains(_pattern(every[0]))
    for signature in every[1:]:
        met |= texts.str.contains(_pattern(signature))
    assert kept.to_list() == met.to_list()
    assert 0 < kept.sum() < kept.len()


def test_no_look_alike_meets_any_other_signature_gravely() -> None:
    """A look-alike of one attack may be a small oddity, never a grave attack of another kind."""
    passes = sorted({text for signature in SIGNATURES for text in signature.passes})
    texts = decoded(pl.Series(passes))
    grave = [each for each in SIGNATURES if each.severity >= 60]
    met = {each.id: texts.filter(texts.str.contains(_pattern(each))).to_list() for each in grave}
    assert {name: found for name, found in met.items() if found} == {}


def test_classes_carry_what_a_finding_needs() -> None:
    assert {group.name for group in web_classes()} == {
        *("sql_injection", "cross_site_scripting", "path_traversal", "command_injection"),
        *("log4shell", "web_shell_access", "vulnerability_scan"),
    }
    assert len({signature.id for signature in SIGNATURES}) == len(SIGNATURES)


def test_yara_rules_compile_without_warnings_and_tell_what_they_mean() -> None:
    names: set[str] = set()
    for file, text in yara_sources():
        compiler = yara_x.Compiler()
        compiler.add_source(text, origin=file)
        assert compiler.warnings() == [], file
        for rule in compiler.build():
            meta = dict(rule.metadata)
            assert rule.identifier not in names
            names.add(rule.identifier)
            assert Kind(meta["kind"]) in (Kind.WEB_SHELL, Kind.MALWARE)
            Risk(meta["risk"])
            assert 1 <= meta["severity"] <= 100
            assert meta["technique"].startswith("T")
            assert meta["sign"].isidentifier()
            assert meta["reference"].startswith("https://")
            assert meta["description"]
    assert len(names) >= 20
