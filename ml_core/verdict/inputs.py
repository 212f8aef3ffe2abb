"""What is judged, in the forms that a verdict needs: batches, named fields, measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ml_core.kinds.flows.columns import FINE, FINE_COLUMNS
from ml_core.verdict.drift import chosen, text_measures

if TYPE_CHECKING:
    import torch

    from ml_core.kinds.text import TextKind
    from ml_core.network.bilstm_dnn import BiLSTMDNN
    from ml_core.verdict.seen import Seen

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEW = 64  # windows that are judged faster one by one than for what they share


class Fields(NamedTuple):
    """Which named field each number of a batch of embedded inputs belongs to.

    B inputs, T steps, E numbers a step, K fields at most.
    """

    of: torch.Tensor  # [B, T, E] or [B, T, 1] in 0..K; K for what is no field's
    names: list[list[tuple[str, str]]]  # [B] of each field its name and its value as seen

    @property
    def most(self) -> int:
        """K."""
        return max((len(names) for names in self.names), default=0)


class Inputs(Protocol):
    """N inputs of one kind."""

    def order(self) -> Ints: ...
    def batch(self, rows: Ints) -> tuple[torch.Tensor, torch.Tensor]: ...
    def look(self, network: BiLSTMDNN, rows: Ints) -> Seen: ...
    def fields(self, rows: Ints) -> Fields: ...
    def measures(self) -> tuple[F32, Ints]: ...
    def take(self, rows: Ints) -> Inputs: ...


@dataclass(frozen=True)
class FlowInputs:
    """Windows of flows; a field is a column over the whole window, its value the judged flow's.
    What tells a number finely is of that number's field."""

    rows: F32  # [R, F] scaled
    raw: F64  # [R, F] as told
    index: Ints  # [N, T] rows of each window, -1 after the last
    columns: tuple[str, ...]  # [F]

    def order(self) -> Ints:
        """By length, so that a chunk pads little."""
        return np.argsort((self.index >= 0).sum(axis=1), kind="stable")

    def batch(self, rows: Ints) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        index = self._windows(rows)
        x = self.rows[np.maximum(index, 0)]
        if (index < 0).any():
            x *= (index >= 0)[:, :, None]
        return torch.from_numpy(x), torch.from_numpy((index >= 0).sum(axis=1))

    def look(self, network: BiLSTMDNN, rows: Ints) -> Seen:
        from ml_core.network.overlapping import OverlappingWindows
        from ml_core.verdict.seen import look, look_at_windows

        if len(rows) < FEW or not OverlappingWindows.able(network):
            return look(network, *self.batch(rows))
        return look_at_windows(network, self.rows, self._windows(rows))

    def fields(self, rows: Ints) -> Fields:
        import torch

        steps, columns = self._windows(rows).shape[1], len(self.columns)
        named = [i for i, name in enumerate(self.columns) if name not in FINE_COLUMNS]
        place = {self.columns[i]: k for k, i in enumerate(named)}
        field = torch.tensor([place[FINE if c in FINE_COLUMNS else c] for c in self.columns])
        of = field.expand(len(rows), steps, columns)
        values = self.raw[self._judged(rows)][:, named].tolist()
        return Fields(
            of,
            [
                [
                    (name, "not told" if v != v else f"{v:.6g}")
                    for name, v in zip(place, row, strict=True)
                ]
                for row in values
            ],
        )

    def measures(self) -> tuple[F32, Ints]:
        """The judged flows' scaled columns [M, F], and which rows [M] they are of."""
        rows = np.arange(len(self.index))
        return self.rows[self._judged(rows)], rows

    def take(self, rows: Ints) -> FlowInputs:
        return replace(self, index=self.index[rows])

    def _windows(self, rows: Ints) -> Ints:
        """[B, T] as long as the longest of them."""
        index = self.index[rows]
        return index[:, : max(int((index >= 0).sum(axis=1).max(initial=1)), 1)]

    def _judged(self, rows: Ints) -> Ints:
        index = self.index[rows]
        return np.asarray(index[np.arange(len(rows)), (index >= 0).sum(axis=1) - 1])


@dataclass(frozen=True)
class TextInputs:
    """Texts; a field is a named span, or all spans of the same name and value."""

    kind: TextKind
    texts: Sequence[str]  # [N]
    steps: npt.NDArray[Any]  # [N, T] or [N, T, P]
    lengths: Ints  # [N]

    def order(self) -> Ints:
        """By length, so that a chunk pads little."""
        return np.argsort(self.lengths, kind="stable")

    def batch(self, rows: Ints) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        lengths = self.lengths[rows]
        steps = self.steps[rows, : int(lengths.max(initial=1))].astype(np.int64)
        return torch.from_numpy(steps), torch.from_numpy(lengths)

    def look(self, network: BiLSTMDNN, rows: Ints) -> Seen:
        from ml_core.verdict.seen import look

        return look(network, *self.batch(rows))

    def fields(self, rows: Ints) -> Fields:
        import torch

        spans = [self.kind.spans(self.texts[row]) for row in rows.tolist()]
        names = [list(dict.fromkeys((span.name, span.value) for span in some)) for some in spans]
        most = max((len(some) for some in names), default=0)
        of = torch.full((len(rows), int(self.lengths[rows].max(initial=1)), 1), most)
        for b, (some, named) in enumerate(zip(spans, names, strict=True)):
            place = {key: k for k, key in enumerate(named)}
            for span in some:
                of[b, span.start : span.end] = place[span.name, span.value]
        return Fields(of, names)

    def measures(self) -> tuple[F32, Ints]:
        """TEXT_MEASURES of some texts [M, 8], and which [M] they are."""
        rows = chosen(len(self.texts))
        return text_measures([self.texts[row] for row in rows]), rows

    def take(self, rows: Ints) -> TextInputs:
        texts = [self.texts[row] for row in rows.tolist()]
        return replace(self, texts=texts, steps=self.steps[rows], lengths=self.lengths[rows])
