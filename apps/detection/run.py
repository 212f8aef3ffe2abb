"""Runs every detection tool over one frame."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import polars as pl

from apps import plugins
from apps.contracts import Finding
from apps.detection import evidence
from apps.detection.tool import Tool

log = logging.getLogger(__name__)

_CONTENT = "file.content"


@dataclass(frozen=True, slots=True)
class Search:
    """What the tools found, and which of them failed: tool name → why."""

    findings: tuple[Finding, ...]
    failures: Mapping[str, str]


@cache
def tools() -> Mapping[str, Tool]:
    """Every tool by name: ours and the installed. Raises `PluginClash`."""
    return plugins.gather("apps.detection.tools", "TOOL")


def lookers(frame: pl.DataFrame) -> Mapping[str, pl.Series]:
    """Tool → bool[N], which records of a frame it looks at; those that look at none are left out."""
    frame = evidence.ready(frame)
    looks = {name: frame.select(tool.reads).to_series() for name, tool in tools().items()}
    told = {name: looks_.fill_null(False) for name, looks_ in looks.items()}
    return {name: mask for name, mask in told.items() if mask.any()}


def search(frame: pl.DataFrame, received: datetime | None = None) -> Search:
    """Let every tool look at `frame`; one that fails costs its own findings and no others.

    `received` is the time given to records that carry none.
    """
    frame = evidence.ready(frame, received)
    none = pl.lit(None, pl.Binary).alias(_CONTENT)
    light = frame.with_columns(none)  # to filter and sort a frame may copy whole files
    findings: list[Finding] = []
    failures: dict[str, str] = {}
    for name, tool in tools().items():
        try:
            wants = _CONTENT in tool.reads.meta.root_names()
            findings += tool.detect(frame if wants else light)
        except Exception as error:
            log.exception("detection tool %s failed", name)
            failures[name] = f"{type(error).__name__}: {error}"
    findings.sort(key=lambda each: (each.first, each.tool, each.subject, each.target, each.title))
    return Search(tuple(findings), failures)
