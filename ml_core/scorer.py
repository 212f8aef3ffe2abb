"""Whole arrays in, verdicts out: what the platform calls.

Importing this module is cheap; PyTorch is loaded by `Scorer.load`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ml_core.errors import DataError
from ml_core.kinds import FLOWS, text_kind
from ml_core.kinds.flows.columns import FLOW_COLUMNS
from ml_core.kinds.flows.inputs import network_inputs
from ml_core.kinds.flows.site import Site
from ml_core.kinds.flows.windows import choose_columns, window_index
from ml_core.verdict.calibration import softmax
from ml_core.verdict.inputs import FlowInputs, Inputs, TextInputs

if TYPE_CHECKING:
    import torch

    from ml_core.model_file import Model
    from ml_core.network.bilstm_dnn import BiLSTMDNN
    from ml_core.verdict.drift import Drift
    from ml_core.verdict.faithfulness import Faithfulness

CHUNK = 2048  # windows a forward pass: what the caches of a small machine like

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reason:
    """A field that made a verdict: its name, its value as seen, its signed share of the score.

    The share is in log-odds: positive for the verdict, negative against it.
    """

    field: str
    value: str
    weight: float


@dataclass(frozen=True)
class Explanation:
    """Why one row got its verdict."""

    reasons: tuple[Reason, ...]  # the strongest first
    steps: F32  # signed share of each step of the window or text, in log-odds, oldest first


@dataclass(frozen=True)
class Verdicts:
    """Verdicts on N rows, in their order."""

    names: tuple[str, ...]  # [C] class names, the harmless one first
    label: Ints  # [N] index into names
    probability: F64  # [N] calibrated, of the chosen class
    probabilities: F64  # [N, C]
    p_attack: F64  # [N] = 1 - probabilities[:, 0]
    unsure: npt.NDArray[np.bool_]  # [N] unlike the training data, or undecided
    distance: F32  # [N] how unlike; beyond one it is unsure
    model: Model = field(repr=False, compare=False)
    inputs: Inputs = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.label)

    @property
    def label_names(self) -> list[str]:
        return [self.names[i] for i in self.label.tolist()]

    def explain(
        self, indices: Sequence[int], top: int = 5, classes: Sequence[int] | None = None
    ) -> list[Explanation]:
        """The `top` strongest fields and all steps of the chosen rows, in one batch: what speaks
        for their verdicts, or for `classes` [len(indices)]."""
        from ml_core.verdict import explanation

        of = self.label[np.asarray(indices, dtype=np.int64)] if classes is None else classes
        found = list[Explanation]()
        for rows, called in zip(_chunks(indices), _chunks(of), strict=True):
            given = self._given(rows, called)
            network, _, lengths, *_ = given
            fields, shares = self.inputs.fields(rows), explanation.integrated_gradients(*given)
            by_field = explanation.field_shares(shares, fields.of, fields.most).tolist()
            by_step = explanation.step_shares(network, shares).numpy()
            counts = explanation.step_counts(network, lengths).tolist()
            for names, weights, steps, n in zip(
                fields.names, by_field, by_step, counts, strict=True
            ):
                reasons = [Reason(*name, w) for name, w in zip(names, weights, strict=False)]
                reasons.sort(key=lambda reason: -abs(reason.weight))
                found.append(Explanation(tuple(reasons[:top]), steps[:n]))
        return found

    def faithfulness(
        self, indices: Sequence[int], top: int = 5, draws: int = 10, seed: int = 0
    ) -> Faithfulness:
        """Whether the chosen rows' explanations name what their verdicts rest on."""
        import torch

        from ml_core.verdict.faithfulness import Faithfulness, faithfulness

        found = []
        for rows in _chunks(indices):
            fields = self.inputs.fields(rows)
            counts = torch.tensor([len(names) for names in fields.names])
            found.append(faithfulness(*self._given(rows), fields.of, counts, top, draws, seed))
        return Faithfulness.joined(found)

    def step_faithfulness(
        self,
        indices: Sequence[int],
        top: int = 2,
        draws: int = 10,
        seed: int = 0,
        by: str = "shares",
        earlier: bool = False,
    ) -> Faithfulness:
        """Likewise of the `top` steps, or (`earlier`) of the `top` before the last; to compare,
        `by` another measure than is shown (`ml_core.verdict.faithfulness.step_weights`)."""
        from ml_core.verdict.faithfulness import Faithfulness, step_faithfulness, step_weights

        found = []
        for rows in _chunks(indices):
            given = self._given(rows)
            weight = step_weights(*given, by)
            found.append(step_faithfulness(*given, weight, top, draws, seed, earlier))
        return Faithfulness.joined(found)

    def drift(self) -> Drift | None:
        """How far these rows are from what the model was tuned on; None for too few to tell."""
        values, rows = self.inputs.measures()
        return self.model.profile.drift(values, self.label[rows], self.distance[rows])

    def _given(
        self, rows: Ints, classes: Ints | None = None
    ) -> tuple[BiLSTMDNN, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """The network, embedded inputs, their lengths, their verdicts or `classes`, the baseline."""
        import torch

        network, baseline = self.model.network, self.model.baseline
        x, lengths = self.inputs.batch(rows)
        with torch.no_grad():
            x = network.stage.embed(x)
        of = torch.from_numpy(self.label[rows] if classes is None else classes)
        return network, x, lengths, of, baseline if len(baseline) else torch.zeros(())


def _chunks(indices: Sequence[int] | Ints) -> list[Ints]:
    rows = np.asarray(indices, dtype=np.int64)
    return np.split(rows, range(CHUNK // 8, len(rows), CHUNK // 8)) if len(rows) else []


class Scorer:
    """A loaded model. Holds no state between calls: safe to share among threads.

    `workers` chunks are judged side by side, each by as many threads as PyTorch is set to: with
    one, which two short sums keep busier than two, several workers use several cores.
    """

    def __init__(self, model: Model, workers: int = 1) -> None:
        self.model, self.workers = model, workers

    @classmethod
    def load(cls, folder: Path | str, kind: str | None = None, workers: int = 1) -> Scorer:
        """ModelFileError if the folder holds no usable model (of `kind`, where given)."""
        from ml_core.model_file import load

        return cls(load(Path(folder), kind), workers)

    @property
    def kind(self) -> str:
        return self.model.kind

    @property
    def labels(self) -> tuple[str, ...]:
        return self.model.labels

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns that `score_flows` must be given (in any order, among any others)."""
        return FLOW_COLUMNS if self.kind == FLOWS else ()

    def score_flows(
        self,
        features: npt.ArrayLike,
        columns: Sequence[str],
        group: npt.ArrayLike,
        time: npt.ArrayLike,
        destination: npt.ArrayLike | None = None,
        port: npt.ArrayLike | None = None,
        judged: npt.ArrayLike | None = None,
        site: Site | None = None,
        say: Callable[[int], None] | None = None,
    ) -> Verdicts:
        """Verdicts on N flows, each judged with the flows of its source before it.

        features [N, F] with the corrected CICFlowMeter's `columns` [F], NaN where not told; group
        [N] the source host's number, time [N] when the flow began, in any unit. Worth giving, -1
        where not told: destination [N] and port [N] (the destination host's number and port; they
        tell scans, sweeps and distributed floods apart), and `site`, what the site's own traffic says.
        judged [M] are the rows to judge, in the order of the verdicts: the others are only looked
        at, which costs little; `say` hears how many are judged so far. DataError if columns are missing or lengths differ.
        """
        self._expect(FLOWS)
        X = choose_columns(features, columns, FLOW_COLUMNS)
        told = (group, time, destination, port)
        if any(np.shape(a) != (len(X),) for a in told if a is not None):
            raise DataError(f"group, time, destination and port must each hold {len(X)} values")
        steps, reads = self.model.network.arch.steps, self.model.columns
        numbers, around = network_inputs(X, reads, group, time, destination, port, site, steps)
        assert self.model.scaler is not None  # a flow model always has one (model_file checks)
        rows = np.hstack([self.model.scaler.transform(numbers), around])
        index = window_index(group, time, steps)
        of = np.arange(len(X)) if judged is None else np.asarray(judged, dtype=np.int64)
        inputs = FlowInputs(rows, np.hstack([numbers, around]), index[of], reads)
        return self._verdicts(len(of), inputs, say)

    def score_texts(
        self, texts: Sequence[str], say: Callable[[int], None] | None = None
    ) -> Verdicts:
        """Verdicts on N texts of the model's kind: requests as `METHOD path?query`, line break,
        body; domains; the others as tokens or words with spaces between. `say` hears how many
        are judged so far."""
        if self.kind == FLOWS:
            raise DataError(f"a model of {self.kind!r} cannot score texts")
        kind = text_kind(self.kind)
        steps, lengths = kind.encode(texts)
        return self._verdicts(len(texts), TextInputs(kind, texts, steps, lengths), say)

    def _expect(self, kind: str) -> None:
        if self.kind != kind:
            raise DataError(f"a model of {self.kind!r} cannot score {kind!r}")

    def _verdicts(self, count: int, inputs: Inputs, say: Callable[[int], None] | None) -> Verdicts:
        p = np.zeros((count, len(self.labels)))
        label = np.zeros(count, dtype=np.int64)
        distance = np.zeros(count, dtype=np.float32)
        order, openset = inputs.order(), self.model.openset

        def judge(rows: Ints) -> int:
            seen = inputs.look(self.model.network, rows)
            p[rows] = softmax(seen.logits, self.model.temperature)
            label[rows] = seen.logits.argmax(axis=1)
            distance[rows] = openset.distance(p[rows], seen)
            return len(rows)

        def hear(counts: Iterable[int]) -> None:
            for done in accumulate(counts):
                if say is not None:
                    say(done)

        chunks = [order[start : start + CHUNK] for start in range(0, count, CHUNK)]
        if self.workers > 1 and len(chunks) > 1:
            with ThreadPoolExecutor(self.workers) as pool:
                hear(pool.map(judge, chunks))
        else:
            hear(map(judge, chunks))
        return Verdicts(
            names=self.labels,
            label=label,
            probability=p[np.arange(count), label],
            probabilities=p,
            p_attack=1.0 - p[:, 0],
            unsure=openset.unsure(distance, p),
            distance=distance,
            model=self.model,
            inputs=inputs,
        )
