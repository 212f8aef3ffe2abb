"""The documentation of the ingest API names what there is."""

from __future__ import annotations

from pathlib import Path

from apps.acquisition import protocols
from apps.acquisition.parsers.sshd import ACTIONS
from apps.acquisition.parsing import parsers
from apps.acquisition.protocols.ingest import KINDS

TEXT = (Path(__file__).parents[2] / "docs" / "api-ingest.md").read_text()


def test_every_parser_protocol_route_and_action_is_documented() -> None:
    names = [*parsers(), *(protocol.name for protocol in protocols.spoken()), *ACTIONS]
    missing = [name for name in names if f"`{name}`" not in TEXT]
    missing += [kind for kind in KINDS if f"/api/v1/ingest/{kind}" not in TEXT]
    assert not missing
