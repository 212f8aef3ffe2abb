"""Other networks, imitated while learning, so that what a site adds to its flows teaches nothing.

A site sets how fast its flows are, how large its pages and how its meter counts; a tool sets what
it sends. So times are stretched, answers made larger or smaller, whole groups of columns blanked,
each by one draw for all flows of a window, while the bytes sent forward are mostly left alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml_core.kinds.flows.columns import (
    CONTEXT_COLUMNS,
    FINE_COLUMNS,
    GAPS,
    HOST_COLUMNS,
    NUMBERS,
    OPTIONAL,
    SERVICE_COLUMNS,
    SITE_COLUMNS,
    WAY_GAPS,
)
from ml_core.kinds.flows.scaler import Scaler
from ml_core.network.options import Options
from ml_core.network.sequences import Batch, FlowSet

# How a number answers to flows that last e times as long, are answered by e times as many bytes,
# or send e times as many: by how many natural logarithms it grows.
TIME = {
    "Duration": 1.0, "Gap": 1.0, "Smallest Gap": 1.0, "Fwd Smallest Gap": 1.0,
    "Fwd Largest Gap": 1.0, "Bwd Largest Gap": 1.0, "Packets per Second": -1.0,
    "Bytes per Second": -1.0,
}  # fmt: skip
ANSWER = {
    "Bwd Bytes": 1.0, "Bwd Bytes per Packet": 1.0, "Bwd Largest": 1.0, "Bwd Smallest": 0.3,
    "Byte Balance": 0.3,
}  # fmt: skip
REQUEST = {
    "Fwd Bytes": 1.0, "Fwd Bytes per Packet": 1.0, "Fwd Largest": 1.0, "Byte Balance": -0.3,
}  # fmt: skip


@dataclass(frozen=True)
class Strength:
    """How far sites differ: deviations in natural logarithms, and shares of windows."""

    time: float = 1.5
    answer: float = 1.0
    request: float = 0.3
    shape: float = 0.5  # of gap columns, in deviations of the training data
    noise: float = 0.1  # of every number, likewise
    hide: float = 0.1  # of all numbers, each alone
    blind_group: float = 0.3  # of windows: lengths, gaps or flags not told
    blind_service: float = 0.4
    blind_fine: float = 0.4
    blind_site: float = 0.4
    blind_hosts: float = 0.4
    alone: float = 0.4  # of windows: the judged flow without those before it


USUAL = Strength()


@dataclass(frozen=True)
class SiteSet(FlowSet):
    """Windows of flows whose rows are INPUT_COLUMNS."""

    scale: Tensor  # [K] deviation of each number's logarithm
    strength: Strength

    @classmethod
    def made(
        cls,
        rows: npt.NDArray[np.float32],
        index: npt.NDArray[np.int64],
        y: npt.NDArray[np.int64],
        scaler: Scaler,
        strength: Strength = USUAL,
    ) -> SiteSet:
        plain = FlowSet.of(rows, index, y)
        scale = torch.from_numpy(scaler.scale.astype(np.float32))
        return cls(plain.rows, plain.index, plain.y, scale, strength)

    def to(self, device: torch.device) -> SiteSet:
        plain = super().to(device)
        return replace(
            self, rows=plain.rows, index=plain.index, y=plain.y, scale=self.scale.to(device)
        )

    def disturb(self, batch: Batch, options: Options) -> Batch:
        """`options.forget`: the share of windows whose older flows are dropped."""
        short = super().disturb(batch, options)
        s = self.strength
        x, lengths = self._alone(short.x, short.lengths)
        draw = _Draws(x)
        z = x[..., : len(NUMBERS)]
        for deviation, share, columns in (
            (s.time, 0.8, TIME), (s.answer, 0.7, ANSWER), (s.request, 0.3, REQUEST),
        ):  # fmt: skip
            z = z + deviation * draw.normal() * draw.kept(1 - share) * self._direction(columns)
        z = z + s.shape * draw.normal_each(z) * _places(x, *GAPS, *WAY_GAPS)
        z = z + s.noise * draw.normal_each(z)
        z = z * (torch.rand_like(z[:, :1]) >= s.hide)
        context = x[..., len(NUMBERS) :]
        for told, members in OPTIONAL.items():
            kept = draw.kept(s.blind_group)
            z = z * _blanked(kept, _places(x, *members))
            context = context * _blanked(kept, _context(x, told))
        for share, names in (
            (s.blind_service, SERVICE_COLUMNS),
            (s.blind_fine, FINE_COLUMNS),
            (s.blind_site, SITE_COLUMNS),
            (s.blind_hosts, HOST_COLUMNS),
        ):  # fmt: skip
            context = context * _blanked(draw.kept(share), _context(x, *names))
        return Batch(torch.cat([z, context], dim=2), lengths, short.y)

    def _alone(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Some windows cut down to the judged flow: many formats do not tell hosts."""
        alone = torch.rand(len(x), device=x.device) < self.strength.alone
        last = x[torch.arange(len(x), device=x.device), lengths - 1]  # [B, F]
        first = torch.where(alone.unsqueeze(1), last, x[:, 0])
        return torch.cat([first.unsqueeze(1), x[:, 1:]], dim=1), torch.where(alone, 1, lengths)

    def _direction(self, columns: dict[str, float]) -> Tensor:
        growth = [columns.get(name, 0.0) for name in NUMBERS]
        return torch.tensor(growth, device=self.scale.device) / self.scale


class _Draws:
    """Random numbers [B, 1, 1], one for each window."""

    def __init__(self, x: Tensor) -> None:
        self._like = x[:, :1, :1]

    def normal(self) -> Tensor:
        return torch.randn_like(self._like)

    def normal_each(self, z: Tensor) -> Tensor:
        """[B, 1, K]: one for each window and number."""
        return torch.randn_like(z[:, :1])

    def kept(self, blinded: float) -> Tensor:
        return (torch.rand_like(self._like) >= blinded).to(self._like.dtype)


def _places(x: Tensor, *names: str) -> Tensor:
    return torch.tensor([float(name in names) for name in NUMBERS], device=x.device)


def _context(x: Tensor, *names: str) -> Tensor:
    return torch.tensor([float(name in names) for name in CONTEXT_COLUMNS], device=x.device)


def _blanked(kept: Tensor, places: Tensor) -> Tensor:
    """What to multiply by: nothing at the places of windows that are not kept."""
    return 1.0 - places * (1.0 - kept)
