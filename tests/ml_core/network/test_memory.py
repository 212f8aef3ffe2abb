"""Memory that is freed is used again."""

from __future__ import annotations

import resource
import sys

import pytest
import torch

from ml_core.network.memory import keep_memory

LARGE = 2**24  # numbers, 64 MB: more than a threshold of glibc may be


def mapped() -> int:
    """Pages that a large tensor is given anew."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(LARGE)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc")
def test_large_tensors_are_not_mapped_anew_again_and_again() -> None:
    if not keep_memory():
        pytest.skip("another C library than glibc")
    # the first ones may each find no gap that is large enough
    assert min(mapped() for _ in range(10)) < 1_000
