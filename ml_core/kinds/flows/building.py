"""Model building for flows: splits, sites, windows, SMOTE, and what the network reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ml_core.building import Ints, Report, about, finish, headline, need, test_figures
from ml_core.evaluation import measure, random_forest
from ml_core.kinds.flows import KIND, inputs
from ml_core.kinds.flows.columns import FLOW_COLUMNS, INPUT_COLUMNS, SERVICE_COLUMNS
from ml_core.kinds.flows.disturbance import USUAL, SiteSet, Strength
from ml_core.kinds.flows.made import chatter, scans
from ml_core.kinds.flows.scaler import Scaler
from ml_core.kinds.flows.site import mixed
from ml_core.kinds.flows.views import View, alone, drawn, joined, mixtures, view
from ml_core.kinds.flows.windows import WINDOW
from ml_core.kinds.kind import plain
from ml_core.kinds.text import TEST, TRAINING, VALIDATION
from ml_core.model_file import Model
from ml_core.network.architecture import Architecture
from ml_core.network.losses import class_weights
from ml_core.network.options import Options
from ml_core.network.training import train
from ml_core.readers.flows import FlowTable
from ml_core.sampling import floods_from_scans, smote_windows

UNUSED = 3  # a part of its own: rows that teach nothing and test nothing
VAGUE = 4  # likewise: floods of which it is not told whether they were distributed
VIEWS, VIEW = 4, 3_000  # mixtures of each source at least, flows of a mixture
MOST_VIEWS = 64  # of one source, however large
BLOCK = 500_000  # rows compared at a time
CLOCKS = 13 * 3_600_000_000  # microseconds by which meters' clocks differ: zones, halves of a day
FIRST_TIME = 10**14  # microseconds since 1970; what is less is a place in a file, not a time
LEAST = 60  # windows of a small class in a mixture, after SMOTE
FLOODS = 500  # made of scans, of each kind
MOST_BIAS = 2.0  # towards the harmless class: attacks of other networks show more faintly

OPTIONS = Options(epochs=5, patience=5, batch=256, rate=2e-3, forget=0.5)


def split_in_time(
    labels: Sequence[str] | Ints,
    time: Ints,
    source: Ints,
    untested: int = 0,
    names: Sequence[str] | None = None,
) -> Ints:
    """Part [N] of each row: of every label of every source, the first six tenths in time train,
    the next validates, the rest tests. Never at random: neighbours in time are near copies
    (paper 2 holds out weeks). The last `untested` sources, whose tests are recordings of their
    own, train with 85 % and validate with the rest. With `names`, labels are places in it. A source
    that says "DoS" and never "DDoS", which others do, may mean either: those rows are VAGUE.
    """
    part = np.full(len(labels), TEST)
    if names is None:
        found, label = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
        names = found.tolist()
    else:
        label = np.asarray(labels)
    sources = int(source.max(initial=-1)) + 1
    said = [plain(name) for name in names]
    distributed = {place for place in np.unique(label) if said[place].startswith("ddos")}
    for origin in range(sources):
        there = source == origin
        present = np.unique(label[there])
        vague = bool(distributed) and distributed.isdisjoint(present)
        shares = (0.6, 0.7) if origin < sources - untested else (0.85, 1.0)
        for name in present:
            rows = np.flatnonzero(there & (label == name))
            rows = rows[np.argsort(time[rows], kind="stable")]
            first, second = (round(share * len(rows)) for share in shares)
            part[rows[:first]], part[rows[first:second]] = TRAINING, VALIDATION
            if vague and said[name] == "dos":
                part[rows] = VAGUE
    return part


def without_copies(table: FlowTable, y: Ints, part: Ints) -> Ints:
    """`part` [N], with what an earlier source already holds (flow and class) UNUSED."""
    key = np.empty(len(y), dtype=np.uint64)
    for start in range(0, len(y), BLOCK):
        block = slice(start, start + BLOCK)
        core = np.nan_to_num(table.features[block], nan=-1.0, posinf=-1.0, neginf=-1.0)
        size = np.rint(np.log1p(np.maximum(core, 0.0, dtype=np.float64)) * 1e3)
        key[block] = mixed(np.column_stack([size, y[block] + 1]).astype(np.uint64))
    _, number = np.unique(key, return_inverse=True)
    first = np.full(int(number.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, number, table.source)
    return np.where(table.source > first[number], UNUSED, part)


def without_twins(table: FlowTable, y: Ints, part: Ints) -> Ints:
    """`part` [N], with what sources without a test part hold of an earlier source's held-out
    flows UNUSED, though another meter measured it: same ports, protocol and class, and start
    times that only CLOCKS tell apart. Hosts are numbered by source and cannot be compared; what
    names no times is compared by the rest, what names no source port not at all.
    """
    names = (table.source_port, table.port, table.protocol, y)
    told = (table.source_port > 0) & (table.port >= 0)
    untested = ~np.isin(table.source, np.unique(table.source[part == TEST]))
    learned = np.flatnonzero(told & untested & (part == TRAINING))
    held = np.flatnonzero(told & ((part == VALIDATION) | (part == TEST)))
    theirs, ours = (
        mixed(np.column_stack([column[rows] for column in names]).astype(np.uint64))
        for rows in (held, learned)
    )
    held, theirs = held[np.argsort(theirs, kind="stable")], np.sort(theirs)
    first, last = (np.searchsorted(theirs, ours, side=side) for side in ("left", "right"))
    part = part.copy()
    for i in np.flatnonzero(first < last):
        row, like = learned[i], held[first[i] : last[i]]
        near = np.abs(table.time[like] - table.time[row]) <= CLOCKS
        timeless = np.minimum(table.time[like], table.time[row]) < FIRST_TIME
        if ((table.source[like] < table.source[row]) & (near | timeless)).any():
            part[row] = UNUSED
    return part


def told_apart(table: FlowTable, y: Ints, part: Ints) -> tuple[Ints, Ints]:
    """Classes and parts [N], where VAGUE floods learn as what sends requests of their size.

    A tool's request is the same to the byte on every network: the class that training flows of
    that many bytes forward have most often, of DoS and DDoS; without such flows they are UNUSED.
    """
    dos, ddos = (KIND.classes.index(name) for name in ("DoS", "DDoS"))
    size = np.nan_to_num(table.features[:, FLOW_COLUMNS.index("Total Length of Fwd Packet")])
    floods = (part == TRAINING) & np.isin(y, (dos, ddos)) & (size > 0)
    vague = part == VAGUE
    known, place = np.unique(size[floods], return_inverse=True)
    y, part = y.copy(), np.where(vague, UNUSED, part)
    if not len(known) or not vague.any():
        return y, part
    distributed = np.bincount(place, weights=y[floods] == ddos) * 2 > np.bincount(place)
    rows = np.flatnonzero(vague)
    at = np.minimum(np.searchsorted(known, size[rows]), len(known) - 1)
    same = known[at] == size[rows]
    y[rows[same]] = np.where(distributed[at[same]], ddos, dos)
    part[rows[same]] = TRAINING
    return y, part


def scans_as_scans(table: FlowTable, y: Ints) -> Ints:
    """Classes [N], where a scan from inside, labelled as Infiltration, is a Portscan.

    Its flows are a scan's; where it came from, the addresses say (`commands.judging.from_inside`).
    Such are, of those whose addresses are told, the flows within one network, and the empty ones.
    """
    sent, got = (FLOW_COLUMNS.index(f"Total Length of {way} Packet") for way in ("Fwd", "Bwd"))
    empty = table.features[:, sent] + table.features[:, got] == 0
    scans = (table.same_network == 1) | (empty & (table.same_network == 0))
    inside = (y == KIND.classes.index("Infiltration")) & scans
    return np.where(inside, KIND.classes.index("Portscan"), y)


def made_flows(rng: np.random.Generator, scanned: bool = True) -> tuple[FlowTable, Ints]:
    """One source more, to learn from alone, and its classes: see `made`; scans if `scanned`."""
    tables = [chatter(rng), *([scans(rng)] if scanned else [])]
    whole = FlowTable(
        *(np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(FlowTable))
    )
    classes = np.array([0, KIND.classes.index("Portscan")][: len(tables)])
    return whole, np.repeat(classes, [len(t) for t in tables])


def build_flows(
    table: FlowTable,
    y: Ints,
    part: Ints,
    options: Options = OPTIONS,
    report: Report | None = None,
    checkpoint: Path | None = None,
    rivals: bool = False,
    views: tuple[int, int] = (VIEWS, VIEW),
    strength: Strength = USUAL,
    scanned: bool = True,
) -> Model:
    """A flow model from N flows, their classes y [N] and parts [N] (see `split_in_time`).

    Attacks of a kind not told (UNTOLD) teach what is harmless. Windows are made within each part,
    so no flow of one part is seen in another's windows. `views`: mixtures of each source at least,
    and flows of a mixture; `strength`: how far other networks are imitated; `scanned`: whether to
    learn from made scans, too.
    """
    labels = KIND.classes
    part = without_twins(table, y, without_copies(table, y, part))
    y, part = told_apart(table, scans_as_scans(table, y), part)
    need(y[(part == TRAINING) & (y >= 0)], y[(part == VALIDATION) & (y >= 0)])
    rng = np.random.default_rng(options.seed)
    used = np.flatnonzero(part == TRAINING)
    # sources weigh alike in the scale, whatever their size
    counts = np.bincount(table.source[used])
    even = rng.choice(used, min(len(used), 20_000), p=_even(counts[table.source[used]]))
    scaler = Scaler.fit(inputs.numbers(table.features[even]))

    mixed, told = learning(table, y, part, scaler, views, rng, scanned)
    validation = joined(natural(table, y, part == VALIDATION, scaler))
    learned, checked = (SiteSet.made(*v, scaler, strength) for v in (mixed, validation))
    arch = Architecture("numbers", len(INPUT_COLUMNS), len(labels), WINDOW)
    weights = class_weights(mixed.y[mixed.y >= 0], len(labels))
    network = train(arch, learned, checked, weights, options, report, checkpoint)

    harmless = mixed.windows[mixed.y == 0]
    judged = harmless[np.arange(len(harmless)), (harmless >= 0).sum(axis=1) - 1]
    normal = mixed.rows[judged]
    model = finish(
        network,
        SiteSet.made(*told, scaler),
        SiteSet.made(*_known(validation), scaler),
        kind=KIND.name,
        columns=INPUT_COLUMNS,
        scaler=scaler,
        baseline=torch.from_numpy((normal if len(normal) else mixed.rows).mean(axis=0)),
        training=about(options, table.features, y),
        most_bias=MOST_BIAS,
    )
    del mixed, told, learned, validation, checked  # judging the test needs the room
    testing = (part == TEST) & (y >= 0)
    if not testing.any():
        return model
    held = joined(natural(table, y, testing, scaler))
    metrics = test_figures(model, SiteSet.made(*held, scaler))
    if rivals:
        fit = (part == TRAINING) & (y >= 0)
        p = random_forest(table.features[fit], y[fit], table.features[testing], len(labels), 1)
        metrics["random_forest"] = headline(measure(p, y[testing], labels))
    return replace(model, metrics=metrics)


def learning(
    table: FlowTable,
    y: Ints,
    part: Ints,
    scaler: Scaler,
    views: tuple[int, int],
    rng: np.random.Generator,
    scanned: bool = True,
) -> tuple[View, View]:
    """What to learn from: mixtures of every source and of what is made, with SMOTE's windows and
    made floods; and the mixtures by themselves, of told classes. Both read the same rows."""
    scan, *floods = (KIND.classes.index(name) for name in ("Portscan", "DoS", "DDoS"))
    mixed: list[View] = []
    recorded: list[npt.NDArray[np.bool_]] = []
    made_up = made_flows(rng, scanned)
    for source, classes in chain(_learned(table, y, part), [made_up]):
        count = min(max(views[0], len(classes) // views[1]), MOST_VIEWS)
        for mixture in mixtures(source, classes, scaler, count, views[1], rng):
            mixed.append(View(*smote_windows(*mixture, LEAST, int(rng.integers(1 << 31)))))
            recorded.append(np.arange(len(mixed[-1].y)) < len(mixture.y))
    shown = np.unique(np.concatenate([v.y for v in mixed]))
    if scan in shown:
        probes = drawn(mixed, scan, 10 * FLOODS, rng)
        seed = int(rng.integers(1 << 31))
        made = View(*floods_from_scans(*probes, (scan, floods[0], floods[1]), FLOODS, seed))
        _at_any_service(made, len(probes.y), rng)
        # a class that nothing of the data shows is not learned from what was made either
        new = (np.arange(len(made.y)) >= len(probes.y)) & np.isin(made.y, shown)
        if new.any():
            mixed.append(alone(made, np.flatnonzero(new)))
            recorded.append(np.zeros(len(mixed[-1].y), dtype=bool))
    whole = joined(mixed)
    told = np.concatenate(recorded) & (whole.y >= 0)
    return whole, View(whole.rows, whole.windows[told], whole.y[told])


def _learned(table: FlowTable, y: Ints, part: Ints) -> Iterator[tuple[FlowTable, Ints]]:
    """The training flows of each source, and their classes."""
    for source in np.unique(table.source[part == TRAINING]):
        rows = np.flatnonzero((part == TRAINING) & (table.source == source))
        yield table.take(rows), y[rows]


def _at_any_service(floods: View, first: int, rng: np.random.Generator) -> None:
    """Windows from `first` on go to a service drawn at random: a flood may hit any."""
    places = [INPUT_COLUMNS.index(name) for name in SERVICE_COLUMNS]
    for window in floods.windows[first:]:
        rows = window[window >= 0]
        floods.rows[np.ix_(rows, places)] = 0.0
        floods.rows[rows, rng.choice(places)] = 1.0


def natural(table: FlowTable, y: Ints, chosen: Ints, scaler: Scaler) -> list[View]:
    """The chosen rows [N booleans] of each source, as they came."""
    views = []
    for source in np.unique(table.source[chosen]):
        rows = np.flatnonzero(chosen & (table.source == source))
        views.append(view(table.take(rows), y[rows], scaler, np.arange(len(rows))))
    return views


def _known(v: View) -> View:
    told = v.y >= 0
    return View(v.rows, v.windows[told], v.y[told])


def _even(counts: Ints) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    share = 1.0 / counts
    return np.asarray(share / share.sum(), dtype=np.float64)
