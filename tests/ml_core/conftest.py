"""One thread for PyTorch: on a busy two-core machine one was seen to beat two."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
