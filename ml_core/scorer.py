"""Whole arrays in, verdicts out: what the platform calls.

Importing this module is cheap; PyTorch is loaded by `Scorer.load`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ml_core.errors import DataError
from ml_core.kinds import FLOWS, text_kind
from ml_core.kinds.flows.windows import (
    CONTEXT_COLUMNS,
    choose_columns,
    context,
    window_index,
    window_lengths,
)
from ml_core.kinds.text import Span
from ml_core.verdict.calibration import softmax

if TYPE_CHECKING:
    import torch

    from ml_core.model_file import Model

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
    steps: F32  # attention over the steps of the window or text, oldest first; sums to one


@dataclass(frozen=True)
class Verdicts:
    """Verdicts on N rows, in their order."""

    names: tuple[str, ...]  # [C] class names, the harmless one first
    label: Ints  # [N] index into names
    probability: F64  # [N] calibrated, of the chosen class
    probabilities: F64  # [N, C]
    p_attack: F64  # [N] = 1 - probabilities[:, 0]
    unsure: npt.NDArray[np.bool_]  # [N] unlike the training data, or undecided
    distance: F32  # [N] how unlike; the model's threshold is its measure
    _explain: Callable[[Ints, int], list[Explanation]] = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.label)

    @property
    def label_names(self) -> list[str]:
        return [self.names[i] for i in self.label.tolist()]

    def explain(self, indices: Sequence[int], top: int = 5) -> list[Explanation]:
        """The `top` strongest fields and the attention of the chosen rows, in one batch."""
        return self._explain(np.asarray(indices, dtype=np.int64), top)


class Scorer:
    """A loaded model. Holds no state between calls: safe to share among threads."""

    def __init__(self, model: Model) -> None:
        self.model = model

    @classmethod
    def load(cls, folder: Path | str, kind: str | None = None) -> Scorer:
        """ModelFileError if the folder holds no usable model (of `kind`, where given)."""
        from ml_core.model_file import load

        return cls(load(Path(folder), kind))

    @property
    def kind(self) -> str:
        return self.model.kind

    @property
    def labels(self) -> tuple[str, ...]:
        return self.model.labels

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns that `score_flows` must be given (in any order, among any others)."""
        return tuple(name for name in self.model.columns if name not in CONTEXT_COLUMNS)

    def score_flows(
        self,
        features: npt.ArrayLike,
        columns: Sequence[str],
        group: npt.ArrayLike,
        time: npt.ArrayLike,
        destination: npt.ArrayLike | None = None,
        port: npt.ArrayLike | None = None,
        judged: npt.ArrayLike | None = None,
    ) -> Verdicts:
        """Verdicts on N flows, each judged with the flows of its source before it.

        features [N, F] with the corrected CICFlowMeter's `columns` [F]; group [N] the source
        host's number, time [N] when the flow began, in any unit. destination [N] and port [N]
        (the destination host's number and port) are worth giving: they tell scans, sweeps and
        distributed floods apart; they serve as equal or not equal only. judged [M] are the rows
        to judge, in the order of the verdicts: the others are only looked at, which costs little.
        DataError if columns are missing or lengths differ.
        """
        self._expect(FLOWS)
        X = choose_columns(features, columns, self.columns)
        given = [a for a in (group, time, destination, port) if a is not None]
        if any(np.shape(a) != (len(X),) for a in given):
            raise DataError(f"group, time, destination and port must each hold {len(X)} values")
        steps = self.model.network.arch.steps
        index = window_index(group, time, steps)
        seen = context(group, time, destination, port, steps)
        assert self.model.scaler is not None  # a flow model always has one (model_file checks)
        rows = np.hstack([self.model.scaler.transform(X), seen.astype(np.float32)])
        raw = np.hstack([X, seen])
        of = np.arange(len(X)) if judged is None else np.asarray(judged, dtype=np.int64)
        source = _FlowInput(rows, index[of])
        return self._verdicts(len(of), source, lambda i: _flow_names(self, raw[of[i]]))

    def score_texts(self, texts: Sequence[str]) -> Verdicts:
        """Verdicts on N texts of the model's kind: requests as `METHOD path?query`, line break,
        body; domains; the others as tokens or words with spaces between."""
        if self.kind == FLOWS:
            raise DataError(f"a model of {self.kind!r} cannot score texts")
        kind = text_kind(self.kind)
        steps, lengths = kind.encode(texts)
        return self._verdicts(
            len(texts), _TextInput(steps, lengths), lambda i: kind.spans(texts[i])
        )

    def _expect(self, kind: str) -> None:
        if self.kind != kind:
            raise DataError(f"a model of {self.kind!r} cannot score {kind!r}")

    def _verdicts(
        self, count: int, source: _FlowInput | _TextInput, shown: Callable[[int], object]
    ) -> Verdicts:
        import torch

        C = len(self.labels)
        logits = np.zeros((count, C), dtype=np.float32)
        hidden = np.zeros((count, self.model.network.head.in_features), dtype=np.float32)
        order = source.order()
        with torch.inference_mode():
            for start in range(0, count, CHUNK):
                rows = order[start : start + CHUNK]
                output = self.model.network(*source.batch(rows))
                logits[rows] = output.logits.numpy()
                hidden[rows] = output.features.numpy()
        p = softmax(logits, self.model.temperature)
        label = p.argmax(axis=1).astype(np.int64)
        distance = self.model.novelty.distance(hidden)

        def explain(indices: Ints, top: int) -> list[Explanation]:
            return self._explain(source, shown, indices, label[indices], top)

        return Verdicts(
            names=self.labels,
            label=label,
            probability=p[np.arange(count), label],
            probabilities=p,
            p_attack=1.0 - p[:, 0],
            unsure=self.model.novelty.unsure(distance, p),
            distance=distance,
            _explain=explain,
        )

    def _explain(
        self,
        source: _FlowInput | _TextInput,
        shown: Callable[[int], object],
        indices: Ints,
        label: Ints,
        top: int,
    ) -> list[Explanation]:
        import torch

        from ml_core.verdict.explanation import integrated_gradients

        network, found = self.model.network, []
        for start in range(0, len(indices), CHUNK // 8):
            rows = indices[start : start + CHUNK // 8]
            x, lengths = source.batch(rows)
            with torch.no_grad():
                embedded = network.stage.embed(x)
                attention = network.from_embedded(embedded, lengths).attention.numpy()
            baseline = self.model.baseline if self.kind == FLOWS else torch.zeros(())
            classes = torch.from_numpy(label[start : start + CHUNK // 8])
            shares = integrated_gradients(network, embedded, lengths, classes, baseline).numpy()
            for i, row in enumerate(rows.tolist()):
                length = int(lengths[i])
                reasons = source.reasons(shares[i, :length], shown(row))
                reasons.sort(key=lambda reason: -abs(reason.weight))
                steps = length if self.kind == FLOWS else int(np.count_nonzero(attention[i]))
                found.append(Explanation(tuple(reasons[:top]), attention[i, :steps]))
        return found


@dataclass(frozen=True)
class _FlowInput:
    rows: F32  # [N, F] scaled
    index: Ints  # [N, T]

    def order(self) -> Ints:
        return np.arange(len(self.index))

    def batch(self, rows: Ints) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        index = self.index[rows]
        x = self.rows[np.maximum(index, 0)] * (index >= 0)[:, :, None].astype(np.float32)
        return torch.from_numpy(x), torch.from_numpy(window_lengths(index))

    def reasons(self, shares: F32, shown: object) -> list[Reason]:
        """A column's share is summed over the window; its value is the judged flow's."""
        assert isinstance(shown, list)
        total = shares.sum(axis=0)
        return [Reason(name, value, float(total[i])) for i, (name, value) in enumerate(shown)]


@dataclass(frozen=True)
class _TextInput:
    steps: npt.NDArray[Any]  # [N, T] or [N, T, P]
    lengths: Ints  # [N]

    def order(self) -> Ints:
        """By length, so that a chunk pads little."""
        return np.argsort(self.lengths, kind="stable")

    def batch(self, rows: Ints) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        lengths = self.lengths[rows]
        steps = self.steps[rows, : int(lengths.max())].astype(np.int64)
        return torch.from_numpy(steps), torch.from_numpy(lengths)

    def reasons(self, shares: F32, shown: object) -> list[Reason]:
        """A span's share is the sum of its steps'; spans of one name and value are added up."""
        assert isinstance(shown, list)
        by_step, total = shares.sum(axis=1), dict[tuple[str, str], float]()
        for span in shown:
            assert isinstance(span, Span)
            key = (span.name, span.value)
            total[key] = total.get(key, 0.0) + float(by_step[span.start : span.end].sum())
        return [Reason(name, value, share) for (name, value), share in total.items()]


def _flow_names(scorer: Scorer, values: F64) -> list[tuple[str, str]]:
    columns = (*scorer.columns, *CONTEXT_COLUMNS)
    return [(name, f"{value:.6g}") for name, value in zip(columns, values.tolist(), strict=True)]
