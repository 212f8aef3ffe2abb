"""How to learn. No PyTorch here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Same options, data and machine: same weights."""

    epochs: int = 20
    patience: int = 4  # epochs without a better validation loss
    batch: int = 256
    rate: float = 1e-3  # Adam's
    seed: int = 1
    forget: float = 0.0  # share of windows whose older flows are dropped while learning
    hide: float = 0.0  # share of a text's steps that are blanked while learning
    device: str = ""  # empty: CUDA if there, else CPU
    precision: str = ""  # "full", "bf16", "fp16"; empty: full on a CPU, 16 bits on a GPU
