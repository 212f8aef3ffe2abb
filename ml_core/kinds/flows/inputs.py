"""What the flow network reads: numbers that mean the same on every network, and their context.

Numbers are relative (shares, balances, per packet) or on a logarithmic scale, and may be not told:
every format fills what it knows. No address, port or protocol number, clock time, initial window
or header size is among them; a port counts as the kind of service that it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_core.kinds.flows.columns import (
    CONTEXT_COLUMNS,
    FINE,
    FINE_COLUMNS,
    FLAGS,
    FLOW_COLUMNS,
    GAPS,
    HOST_COLUMNS,
    LENGTHS,
    NUMBERS,
    OPTIONAL,
    SERVICE_COLUMNS,
    SERVICES,
    SITE_COLUMNS,
    SIZES,
    WAVES,
    WAY_GAPS,
)
from ml_core.kinds.flows.site import Site
from ml_core.kinds.flows.windows import WINDOW, context

WAYS = ("Fwd", "Bwd")
LOW_PORTS = 1024
SHORTEST = 1e3  # microseconds; what is shorter has no rate worth the name

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


def numbers(X: npt.ArrayLike, names: Sequence[str] = NUMBERS) -> F64:
    """The numbers `names` of flows X [N, F] in FLOW_COLUMNS' order, NaN where not told: [N, K].

    Milliseconds, bytes, packets, and shares; not yet scaled. Names of FLOW_COLUMNS stay as given.
    """
    raw = np.asarray(X, dtype=np.float64)
    return _chosen(_numbers(np.where(np.isinf(raw), np.nan, raw)), raw, names)


def network_inputs(
    X: npt.ArrayLike,
    columns: Sequence[str],
    group: npt.ArrayLike,
    time: npt.ArrayLike,
    destination: npt.ArrayLike | None = None,
    port: npt.ArrayLike | None = None,
    site: Site | None = None,
    steps: int = WINDOW,
    hosts: npt.ArrayLike | None = None,
) -> tuple[F64, F32]:
    """What a model of `columns` reads of flows X [N, F]: numbers [N, K] and context [N, C].

    The rest stands for hosts and ports by numbers [N], -1 (or None) where not told; context that
    is not told is zero. `columns` are numbers, then CONTEXT_COLUMNS. `hosts` [N, 4] are HOST_COLUMNS
    made before, of all flows where X are some of them.
    """
    raw = np.asarray(X, dtype=np.float64)
    made = _numbers(np.where(np.isinf(raw), np.nan, raw))
    found: dict[str, npt.NDArray[Any]] = {
        name: np.mean([~np.isnan(made[member]) for member in members], axis=0)
        for name, members in OPTIONAL.items()
    }
    found |= dict(zip(FINE_COLUMNS, _fine(made[FINE]).T, strict=True))
    if port is not None:
        found |= _services(np.asarray(port))
    if site is not None:
        found |= dict(zip(SITE_COLUMNS, site.columns(X).T, strict=True))
    if hosts is None:
        hosts = host_columns(group, time, destination, port, steps)
    found |= dict(zip(HOST_COLUMNS, np.asarray(hosts).T, strict=True))
    around = np.zeros((len(raw), len(CONTEXT_COLUMNS)), dtype=np.float32)
    for i, name in enumerate(CONTEXT_COLUMNS):
        if name in found:
            around[:, i] = found[name]
    return _chosen(made, raw, [name for name in columns if name not in CONTEXT_COLUMNS]), around


def _chosen(made: dict[str, F64], raw: F64, names: Sequence[str]) -> F64:
    return np.column_stack([made[n] if n in made else raw[:, FLOW_COLUMNS.index(n)] for n in names])


def _numbers(X: F64) -> dict[str, F64]:
    with np.errstate(all="ignore"):
        return {**_sizes(X), **_lengths(X), **_gaps(X), **_flags(X)}


def _column(X: F64, name: str) -> F64:
    return X[:, FLOW_COLUMNS.index(name)]


def _sizes(X: F64) -> dict[str, F64]:
    duration = np.maximum(_column(X, "Flow Duration"), 0.0)
    fwd, bwd = _column(X, "Total Fwd Packet"), _column(X, "Total Bwd packets")
    sent = np.maximum(_column(X, "Total Length of Fwd Packet"), 0.0)
    got = np.maximum(_column(X, "Total Length of Bwd Packet"), 0.0)
    packets, size = fwd + bwd, sent + got
    seconds = np.maximum(duration, SHORTEST) / 1e6
    values = (
        duration / 1e3, fwd, bwd, sent, got, sent / np.maximum(fwd, 1), got / np.maximum(bwd, 1),
        packets / seconds, size / seconds, duration / 1e3 / np.maximum(packets - 1, 1),
        (bwd - fwd) / (packets + 1), (got - sent) / (size + 10),
        *(_told(is_so, packets + size) for is_so in (
            bwd == 0, size == 0, (sent > 0) & (got == 0), (got > 0) & (sent == 0),
            packets <= 1, packets <= 3,
        )),
    )  # fmt: skip
    return dict(zip(SIZES, values, strict=True))


def _lengths(X: F64) -> dict[str, F64]:
    def spread(way: str) -> F64:
        return _column(X, f"{way}Packet Length Std") / (_column(X, f"{way}Packet Length Mean") + 1)

    active = _column(X, "Fwd Act Data Pkts") / np.maximum(_column(X, "Total Fwd Packet"), 1)
    ends = [_column(X, f"{way} Packet Length {end}") for end in ("Max", "Min") for way in WAYS]
    values = (*ends, spread("Fwd "), spread("Bwd "), spread(""), active)
    return dict(zip(LENGTHS, values, strict=True))


def _gaps(X: F64) -> dict[str, F64]:
    duration = np.maximum(_column(X, "Flow Duration"), 1.0)

    def gap(way: str, what: str) -> F64:
        return _column(X, f"{way} IAT {what}")

    def share(way: str, what: str) -> F64:
        part: F64 = np.clip(gap(way, what) / duration, 0.0, 1.0)
        return part

    def spread(way: str) -> F64:
        ratio: F64 = np.clip(gap(way, "Std") / (np.abs(gap(way, "Mean")) + 1), 0.0, 100.0)
        return ratio

    values = (
        share("Flow", "Max"), spread("Flow"), np.maximum(gap("Flow", "Min"), 0) / 1e3,
        share("Fwd", "Mean"), share("Bwd", "Mean"), spread("Fwd"), spread("Bwd"),
        np.maximum(gap("Fwd", "Min"), 0) / 1e3,
    )  # fmt: skip
    of_ways = (
        *(np.maximum(gap(way, "Max"), 0) / 1e3 for way in WAYS),
        *(share(way, "Max") for way in WAYS),
    )
    return dict(zip((*GAPS, *WAY_GAPS), (*values, *of_ways), strict=True))


def _flags(X: F64) -> dict[str, F64]:
    """Whether a flow had the flag: how often depends on the meter."""
    counts = {flag: _column(X, f"{flag} Flag Count") for flag in FLAGS}
    return {flag: _told(count > 0, count) for flag, count in counts.items()}


def _told(is_so: npt.NDArray[np.bool_], known: F64) -> F64:
    return np.where(np.isnan(known), np.nan, is_so)


def _fine(size: F64) -> F64:
    """FINE_COLUMNS [N, 2 W] of sizes [N]: sin and cos of 2 π w log2(1 + size), zero where not told.

    Gorishniy, Rubachev, Babenko, "On embeddings for numerical features in tabular deep learning",
    NeurIPS 2022, eq. 4, with fixed frequencies.
    """
    angle = 2 * np.pi * np.log2(1.0 + np.rint(size))[:, None] * WAVES  # [N, W]
    waves: F64 = np.stack([np.sin(angle), np.cos(angle)], axis=2)
    return np.nan_to_num(waves.reshape(len(size), len(FINE_COLUMNS)))


def _services(port: npt.NDArray[np.integer]) -> dict[str, npt.NDArray[np.bool_]]:
    place = _SERVICE_OF[np.clip(port, -1, 65_535)]
    return {name: place == i for i, name in enumerate(SERVICE_COLUMNS)}


def _service_of() -> npt.NDArray[np.int8]:
    """The place in SERVICE_COLUMNS of each port; of the last, which is port -1, none."""
    places = np.full(65_537, len(SERVICE_COLUMNS) - 1, dtype=np.int8)
    places[:LOW_PORTS] = len(SERVICE_COLUMNS) - 2
    for i, ports in enumerate(SERVICES.values()):
        places[sorted(ports)] = i
    places[-1] = -1
    return places


_SERVICE_OF = _service_of()


def host_columns(
    group: npt.ArrayLike,
    time: npt.ArrayLike,
    destination: npt.ArrayLike | None,
    port: npt.ArrayLike | None,
    steps: int = WINDOW,
) -> F64:
    """HOST_COLUMNS [N, 4] of N flows, zero where destination or port is not told."""
    hosts, when = np.asarray(group), np.asarray(time)
    seen = np.zeros((len(hosts), len(HOST_COLUMNS)))
    if destination is None or port is None:
        return seen
    targets, ports = np.asarray(destination), np.asarray(port)
    told = (targets >= 0) & (ports >= 0)
    seen[told] = context(hosts[told], when[told], targets[told], ports[told], steps)
    return seen
