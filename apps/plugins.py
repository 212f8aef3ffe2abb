"""Finds plugins: the modules of one of our trade folders, and the installed ones."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from typing import Any


class PluginClash(Exception):
    """Two plugins carry the same name."""


def gather(package: str, attribute: str, group: str = "") -> dict[str, Any]:
    """Name → plugin object, in name order.

    Ours are the public modules of `package` that define `attribute`; installed ones are the
    entry points of `group` (default: `package`), each loading to the same kind of object.
    A plugin has a `name`. Raises `PluginClash` where two share one: silently letting one win
    would let an installed package replace a check nobody knows is gone.
    """
    found: dict[str, Any] = {}
    for plugin in _all(package, attribute, group or package):
        if plugin.name in found:
            raise PluginClash(f"two plugins of {package} are called {plugin.name!r}")
        found[plugin.name] = plugin
    return dict(sorted(found.items()))


def _all(package: str, attribute: str, group: str) -> Iterator[Any]:
    for module in iter_modules(import_module(package).__path__):
        if not module.name.startswith("_"):
            plugin = getattr(import_module(f"{package}.{module.name}"), attribute, None)
            if plugin is not None:
                yield plugin
    for entry in entry_points(group=group):
        yield entry.load()
