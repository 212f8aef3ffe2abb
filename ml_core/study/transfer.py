"""Flows of networks never learned from: leave one network out, and what helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ml_core.errors import DataError
from ml_core.study.report import Cell, Chapter, Table, Topic

if TYPE_CHECKING:
    from ml_core.kinds.flows.disturbance import Strength
    from ml_core.model_file import Model
    from ml_core.readers.flows import FlowTable
    from ml_core.verdict.openset import Openset
    from ml_core.verdict.seen import Seen

Ints = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Say = Callable[[str], None]

LABELS = "attack_type,Label,label"
NETWORKS: dict[str, tuple[str, ...]] = {
    "CIC-IDS2017": (
        "cicids2017_improved_56k", "cicids2017_orig_webattacks_7k",
        "cicids2017_mlcve_western_8k", "cicids2017_mlcve_rdube_heads_8k",
    ),
    "CSE-CIC-IDS2018": (
        "cse_cic_ids2018_orig_adrin_4k", "cse_cic_ids2018_dhoogla_0214_bruteforce_6k",
        "cse_cic_ids2018_dhoogla_0220_ddos1_6k",
    ),
    "CSE-CIC-IDS2018, NetFlow": ("nf_cicids2018_v3_kunw4r_17k",),
    "CTU, Zeek": ("ctu_zeek_conn_labelled",),
}  # fmt: skip
SAME_NETWORK = ("CSE-CIC-IDS2018", "CSE-CIC-IDS2018, NetFlow")
YEAR = "CSE-CIC-IDS2018"  # what the ablations are measured on
EPOCHS, MIXTURES, FLOWS = 5, 3, 1_500
UNTOLD_NETWORKS = ("CTU, Zeek",)  # whose attacks are of kinds not told
FEW = (5, 20, 100)  # labelled flows of each class of the new network
ALARMS, DRAWS = 20, 3  # labelled false alarms alone; draws of what is labelled
HEADER = ("left out", "system", "accuracy", "macro-F1", "AUC", "false alarms", "attacks found",
          "unsure")  # fmt: skip
KEYS = ("accuracy", "macro_f1", "auc", "false_alarms", "attack_recall", "unsure")  # of its columns


@dataclass(frozen=True)
class Network:
    """The files of one network, each a source."""

    table: FlowTable
    y: Ints
    names: list[str]


def run(data: Path, say: Say) -> Chapter:
    networks = {name: _read(data / "flows", files) for name, files in NETWORKS.items()}
    rows: list[tuple[Cell, ...]] = []
    recalls: list[tuple[Cell, ...]] = []
    models = {}
    for name, left_out in networks.items():
        learned = [n for n in networks if n != name and not {n, name} <= set(SAME_NETWORK)]
        rivals, model = _together([networks[n] for n in learned]), None
        model = models[name] = _network(rivals)
        for system, (p, unsure) in {
            "network": _judged(model, left_out),
            **{rival: (p, None) for rival, p in _rivals(rivals, left_out)},
        }.items():
            figures = _measured(p, left_out.y, unsure)
            rows.append((name, system, *_cells(figures)))
            of = figures.get("classes", {})
            recalls += [(name, system, c, int(of[c]["rows"]), float(of[c]["recall"])) for c in of]
            say(f"{name}: {system}")
    about = (
        "Every system learns from the same labelled flows of the other networks (the two data sets"
        " of one network count as one) and judges the whole file. Random forest, gradient boosting"
        " and the tree of sizes: scikit-learn as it comes, on the columns of `FLOW_COLUMNS` that"
        " the tested file tells; once also from the flows that are made for the network to learn"
        " from, and once judging what the original CICFlowMeter cut off as its connections, as the"
        " network does. CTU's attacks are of kinds not told, AUC alone says something there."
    )
    tables = (
        Table("One network left out", HEADER, tuple(rows), about),
        Table("Recall by class", ("left out", "system", "class", "rows", "recall"), tuple(recalls)),
        _ablations(networks, say),
        _adapted(models, networks, say),
    )
    return Chapter("Flows of other networks", "", tables)


def _read(folder: Path, files: tuple[str, ...]) -> Network:
    from ml_core.kinds.flows import KIND
    from ml_core.readers import read_labelled_flows

    paths = [folder / f"{name}.parquet" for name in files]
    if missing := [path.name for path in paths if not path.exists()]:
        raise DataError(f"{folder}: no {missing[0]}")
    table, labels = read_labelled_flows(paths, LABELS)
    told = labels.codes >= 0
    y = KIND.class_index(labels.names)[labels.codes[told]]
    return Network(table.take(told), y, labels.of_rows[told].tolist())


def _together(networks: list[Network]) -> Network:
    """Several networks as one table; hosts and sources stay apart."""
    from ml_core.readers.flows import FlowTable

    tables, hosts, sources = [], 0, 0
    for network in networks:
        t = network.table
        at = np.where(t.destination >= 0, t.destination + hosts, -1)
        tables.append(replace(t, group=t.group + hosts, destination=at, source=t.source + sources))
        hosts = int(max(tables[-1].group.max(), tables[-1].destination.max())) + 1
        sources += int(t.source.max()) + 1
    parts = {f.name: [getattr(t, f.name) for t in tables] for f in fields(FlowTable)}
    return Network(
        FlowTable(**{name: np.concatenate(arrays) for name, arrays in parts.items()}),
        np.concatenate([network.y for network in networks]),
        [name for network in networks for name in network.names],
    )


def _network(learned: Network, epochs: int = EPOCHS, strength: Strength | None = None) -> Model:
    from ml_core.kinds.flows import building
    from ml_core.kinds.flows.disturbance import USUAL

    table = learned.table
    sources = int(table.source.max()) + 1
    source = table.source.astype(np.int64)
    part = building.split_in_time(learned.names, table.time, source, sources)
    options = replace(building.OPTIONS, epochs=epochs)
    return building.build_flows(
        table, learned.y, part, options, views=(MIXTURES, FLOWS), strength=strength or USUAL
    )


def _judged(
    model: Model, network: Network, site: bool = True, appendices: bool = True
) -> tuple[F64, npt.NDArray[np.bool_]]:
    """Probabilities [N, C] and which are unsure, each source a site of its own."""
    from ml_core.commands.judging import judge_flows
    from ml_core.scorer import Scorer

    scorer, of = Scorer(model), network.table.source
    p = np.empty((len(of), len(model.labels)))
    unsure = np.empty(len(of), dtype=np.bool_)
    for source in np.unique(of):
        rows = np.flatnonzero(of == source)
        table = network.table.take(rows)
        if site:
            said: Any = judge_flows(scorer, table, lambda _: None, appendices=appendices)
        else:
            said = scorer.score_flows(
                table.features, scorer.columns, table.group, table.time, table.destination,
                table.port,
            )  # fmt: skip
        p[rows], unsure[rows] = said.probabilities, said.unsure
    return p, unsure


def _rivals(learned: Network, tested: Network) -> Iterator[tuple[str, F64]]:
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    from ml_core.evaluation import finite
    from ml_core.kinds.flows.building import made_flows

    told = ~np.isnan(tested.table.features).all(axis=0)
    told &= ~np.isnan(learned.table.features).all(axis=0)
    known = learned.y >= 0
    X, y = learned.table.features[known][:, told], learned.y[known]
    made, labels = made_flows(np.random.default_rng(1))
    more = np.concatenate([X, made.features[:, told]]), np.concatenate([y, labels])
    sizes = [3, 4]  # bytes both ways: all formats tell the first columns
    boosting = HistGradientBoostingClassifier(random_state=1)
    own = _connections(tested.table)
    for name, system, columns, (seen, classes) in (
        ("random forest", RandomForestClassifier(random_state=1), slice(None), (X, y)),
        ("gradient boosting", boosting, slice(None), (X, y)),
        ("gradient boosting, made flows too", boosting, slice(None), more),
        ("sizes only", DecisionTreeClassifier(min_samples_leaf=20, random_state=1), sizes, (X, y)),
    ):
        system.fit(finite(seen[:, columns]), classes)
        p = np.zeros((len(tested.y), 8))
        p[:, system.classes_] = system.predict_proba(
            finite(tested.table.features[:, told][:, columns])
        )
        yield name, p
        if system is boosting and seen is X and (own != np.arange(len(own))).any():
            attack = p[own].argmax(axis=1) > 0
            yield f"{name}, appendices too", np.where(attack[:, None], p[own], p)


def _connections(table: FlowTable) -> Ints:
    """The row that each flow [N] is judged as, each source a site of its own."""
    from ml_core.kinds.flows.appendices import connections

    own = np.empty(len(table), dtype=np.int64)
    for source in np.unique(table.source):
        rows = np.flatnonzero(table.source == source)
        own[rows] = rows[connections(table.take(rows))]
    return own


def _ablations(networks: dict[str, Network], say: Say) -> Table:
    """What the network is worth without one of the things that help."""
    from ml_core.kinds.flows.disturbance import USUAL, Strength

    learned = _together([networks[n] for n in networks if n not in SAME_NETWORK])
    tested = networks[YEAR]
    still = Strength(**{f.name: 0.0 for f in fields(Strength)})
    cases = {
        "all": USUAL,
        "no imitated networks": still,
        "no other speeds": replace(USUAL, time=0.0, shape=0.0),
        "no blanked columns": replace(USUAL, blind_group=0.0, blind_service=0.0),
        "no flows alone": replace(USUAL, alone=0.0),
        "noise of 0.5 on all numbers": replace(USUAL, noise=0.5),
    }
    rows: list[tuple[Cell, ...]] = []
    for name, strength in cases.items():
        model = _network(learned, EPOCHS - 2, strength)
        rows.append((name, *_cells(_measured(*_with_y(model, tested)))))
        if name == "all":
            for without, site in (("no profile of the site", False), ("appendices alone", True)):
                said = _with_y(model, tested, site, appendices=False)
                rows.append((without, *_cells(_measured(*said))))
        say(f"ablation: {name}")
    about = f"Tested on {YEAR}, three epochs; one thing changed at a time."
    return Table("What helps", ("variant", *HEADER[2:]), tuple(rows), about)


def _with_y(
    model: Model, tested: Network, site: bool = True, appendices: bool = True
) -> tuple[F64, Ints, npt.NDArray[np.bool_]]:
    p, unsure = _judged(model, tested, site, appendices)
    return p, tested.y, unsure


def _adapted(models: dict[str, Model], networks: dict[str, Network], say: Say) -> Table:
    """What `adapt` makes of a few labelled flows of the network left out."""
    rows: list[tuple[Cell, ...]] = []
    for name in (n for n in networks if n not in UNTOLD_NETWORKS):
        here = _Adaptation.of(models[name], networks[name])
        cases: dict[str, Callable[[np.random.Generator], Ints]] = {
            **{f"{few} of each class": partial(here.of_each, few) for few in FEW},
            f"{ALARMS} false alarms": here.wrongly_called,
        }
        for case, chosen in cases.items():
            found: dict[str, list[dict[str, Any]]] = {}
            for seed in range(1, DRAWS + 1):
                for system, figures in here.compared(chosen(np.random.default_rng(seed))):
                    found.setdefault(system, []).append(figures)
            for system, drawn in found.items():
                told = np.array([_cells(figures) for figures in drawn], dtype=np.float64)
                cells = [None if np.isnan(v) else float(v) for v in told.mean(axis=0)]
                most = float(told[:, KEYS.index("false_alarms")].max())
                rows.append((name, case, system, *cells, most))
        say(f"adapted: {name}")
    about = (
        "So many flows of the network left out are labelled, or so many of its harmless flows that"
        f" the network calls an attack; the rest is judged. Mean of {DRAWS} draws, in the last column"
        " the worst. `adapt` looks at 5,000 of the rest, too, without their labels."
    )
    header = ("left out", "labelled", "system", *HEADER[2:], "most false alarms")
    return Table("A few labelled flows of the new network", header, tuple(rows), about)


@dataclass(frozen=True)
class _Adaptation:
    """A network left out, as the model that does not know it sees it."""

    model: Model
    tested: Network
    seen: Seen  # [N]
    own: Ints  # [N] the row that each flow is judged as

    @classmethod
    def of(cls, model: Model, tested: Network) -> _Adaptation:
        from ml_core.commands.judging import some_flows
        from ml_core.scorer import Scorer
        from ml_core.verdict.seen import Seen, look_at_inputs

        looks, table = [], tested.table
        for source in np.unique(table.source):  # in the order of rows
            flows = table.take(table.source == source)
            verdicts = some_flows(Scorer(model), flows, np.arange(len(flows)))
            looks.append(look_at_inputs(model.network, verdicts.inputs))
        seen = Seen(*map(np.concatenate, zip(*looks, strict=True)))
        return cls(model, tested, seen, _connections(table))

    def of_each(self, few: int, rng: np.random.Generator) -> Ints:
        y = self.tested.y
        drawn = [rng.permutation(np.flatnonzero(y == c))[:few] for c in np.unique(y)]
        return np.concatenate(drawn)

    def wrongly_called(self, rng: np.random.Generator) -> Ints:
        called = (self.tested.y == 0) & (self.seen.logits.argmax(axis=1) > 0)
        return rng.permutation(np.flatnonzero(called))[:ALARMS]

    def compared(self, chosen: Ints) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each system's figures on all flows but the chosen ones."""
        from sklearn.ensemble import RandomForestClassifier

        from ml_core.adaptation import corrected, correction, spread
        from ml_core.commands.adapt import MOST
        from ml_core.evaluation import finite
        from ml_core.kinds.flows.building import scans_as_scans

        X, model, truth = self.tested.table, self.model, self.tested.y
        rest = np.setdiff1d(np.arange(len(truth)), chosen)
        others = spread(rest, MOST)
        y = scans_as_scans(X.take(chosen), truth[chosen])
        told, site = self.seen.take(chosen), self.seen.take(others)
        fitted = correction(told, y, site, model.temperature)
        unmeasured = np.zeros((len(others), len(model.columns)), np.float32)  # no drift is told
        adapted = corrected(model, fitted, told, y, site, unmeasured)
        for name, logits, openset in (
            ("as it is", self.seen.logits.astype(np.float64), model.openset),
            ("adapted", fitted.logits(self.seen), adapted.openset),
        ):
            p, unsure = self._judged(logits, openset)
            yield name, _measured(p[rest], truth[rest], unsure[rest])
        if len(np.unique(truth[chosen])) > 1:
            forest = RandomForestClassifier(random_state=1)
            forest.fit(finite(X.features[chosen]), truth[chosen])
            p = np.zeros((len(rest), len(model.labels)))
            p[:, forest.classes_] = forest.predict_proba(finite(X.features[rest]))
            yield "random forest of them alone", _measured(p, truth[rest], None)

    def _judged(self, logits: F64, openset: Openset) -> tuple[F64, npt.NDArray[np.bool_]]:
        """Probabilities [N, C] and which are unsure, as `judge_flows` has them."""
        from ml_core.commands.judging import from_inside
        from ml_core.verdict.calibration import softmax

        p, seen = softmax(logits, self.model.temperature), self.seen
        unsure = openset.unsure(openset.distance(p, seen), p)
        p = from_inside(p, self.model.labels, self.tested.table.same_network)
        of = np.where(p[self.own].argmax(axis=1) > 0, self.own, np.arange(len(p)))
        return p[of], unsure[of]


def _measured(p: F64, y: Ints, unsure: npt.NDArray[np.bool_] | None) -> dict[str, Any]:
    from ml_core.evaluation import measure
    from ml_core.kinds.flows import KIND

    return measure(p, y, KIND.classes, unsure)


def _cells(figures: dict[str, Any]) -> tuple[Cell, ...]:
    return tuple(figures.get(key) for key in KEYS)


TOPIC = Topic("transfer", "Flows of other networks", run, minutes=12.5)
