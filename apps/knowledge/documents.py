"""Reads a YAML document of the knowledge base and holds it against its JSON Schema."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources.abc import Traversable
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match


class KnowledgeError(Exception):
    """A document of the knowledge base is not usable: one line that names file and place."""


def checked(file: Traversable, schema: Traversable) -> dict[str, Any]:
    """The document in `file`. Raises `KnowledgeError` naming the line or the field that is wrong."""
    try:
        document = yaml.load(file.read_bytes(), _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f"line {mark.line + 1}, " if mark else ""
        problem = getattr(error, "problem", None) or "not readable as YAML"
        raise KnowledgeError(f"{file.name}: {at}{problem}") from error
    except UnicodeDecodeError as error:
        raise KnowledgeError(f"{file.name}: not UTF-8 text") from error
    wrong = best_match(_validator(schema.read_text("utf-8")).iter_errors(document))
    if wrong is not None:
        raise KnowledgeError(f"{file.name}: {_place(wrong)}: {wrong.message}")
    return dict(document)


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema))


def _place(wrong: ValidationError) -> str:
    """`when[0].because`, or `the document` for its top."""
    text = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in wrong.absolute_path
    )
    return text.lstrip(".") or "the document"


class _Loader(yaml.SafeLoader):
    """Plain YAML that refuses a key given twice: the first would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)
