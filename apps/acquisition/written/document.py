"""A YAML document held against its JSON Schema, whose errors name the line and the key."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

LARGEST = 64 * 1024
"""Characters of a document."""


class Broken(Exception):
    """A document is not usable: `name: line 3, key: what is wrong`, one line."""


@dataclass(frozen=True, slots=True)
class Document:
    """Attributes:
    name: what people call it: the name of its file.
    content: what it says; it fits `parser.schema.json`.
    """

    name: str
    content: dict[str, Any]
    root: yaml.Node

    def wrong(self, problem: str, *path: str | int) -> Broken:
        """The error that names the place of `path`."""
        return _broken(self.name, self.root, path, problem)


def read(text: str, name: str) -> Document:
    """Raises `Broken` where `text` is no YAML or does not fit the schema."""
    if len(text) > LARGEST:
        raise Broken(f"{name}: longer than {LARGEST} characters")
    try:
        root = yaml.compose(text, UniqueKeys)
        content = yaml.load(text, UniqueKeys)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f"line {mark.line + 1}, " if mark else ""
        problem = getattr(error, "problem", None) or "not readable as YAML"
        raise Broken(f"{name}: {at}{problem}") from error
    except RecursionError as error:
        raise Broken(f"{name}: nested too deep") from error
    except ValueError as error:  # such as a date that no calendar has
        raise Broken(f"{name}: {error}") from error
    if root is None:
        raise Broken(f"{name}: it is empty")
    wrong = best_match(_validator().iter_errors(content))
    if wrong is not None:
        path = tuple(wrong.absolute_path)
        raise _broken(name, root, path, _said(wrong))
    return Document(name, content, root)


def _broken(name: str, root: yaml.Node, path: Sequence[str | int], problem: str) -> Broken:
    node = root
    for part in path:
        node = _below(node, part) or node
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    key = f", {place.lstrip('.')}" if place else ""
    return Broken(f"{name}: line {node.start_mark.line + 1}{key}: {problem}")


def _below(node: yaml.Node, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        found: yaml.Node = node.value[part]
        return found
    return None


def _said(wrong: ValidationError) -> str:
    """The error in words that say what to do."""
    if wrong.validator == "oneOf" and not wrong.absolute_path:
        return "give exactly one of pattern, grok and json"
    if wrong.validator == "oneOf" and isinstance(wrong.instance, dict):
        return "give either fields or unread"
    if wrong.validator == "oneOf":
        return "give a text, or a list of texts"
    if wrong.validator == "anyOf":
        return "give when, has or both: which documents are its own?"
    return wrong.message if len(wrong.message) < 300 else f"does not fit: {wrong.validator}"


@cache
def _validator() -> Draft202012Validator:
    schema = files("apps.acquisition.written").joinpath("parser.schema.json")
    return Draft202012Validator(json.loads(schema.read_text("utf-8")))


class UniqueKeys(yaml.SafeLoader):
    """YAML whose scalars are all text (`NO` is no boolean here), without aliases, and which refuses
    a key given twice: the first would be lost without a word."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not taken", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} stands twice", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


UniqueKeys.yaml_implicit_resolvers = {}
