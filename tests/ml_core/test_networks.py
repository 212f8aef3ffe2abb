"""The BiLSTM-DNN: shapes, and that padding and company never change a verdict."""

from __future__ import annotations

import pytest
import torch

from ml_core.errors import DataError
from ml_core.networks import POOL, Architecture, BiLSTMDNN

FLOWS = Architecture("flows", inputs=6, classes=3, steps=10, hidden=8)
REQUESTS = Architecture("requests", inputs=256, classes=4, steps=64, hidden=8)


def network(arch: Architecture) -> BiLSTMDNN:
    torch.manual_seed(0)
    net = BiLSTMDNN(arch)
    for module in net.modules():  # as if trained: statistics that are not the identity
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    return net.eval()


def sequences(arch: Architecture, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    lengths = torch.randint(1, arch.steps + 1, (count,))
    real = torch.arange(arch.steps) < lengths.unsqueeze(1)
    if arch.kind == "flows":
        return torch.randn(count, arch.steps, arch.inputs) * real.unsqueeze(2), lengths
    return torch.randint(1, 256, (count, arch.steps)) * real, lengths


@pytest.mark.parametrize("arch", [FLOWS, REQUESTS], ids=["flows", "requests"])
def test_shapes_and_attention_that_sums_to_one_over_the_real_steps(arch: Architecture) -> None:
    x, lengths = sequences(arch, 7)
    logits, attention, features = network(arch)(x, lengths)
    steps = arch.steps if arch.kind == "flows" else arch.steps // POOL
    assert logits.shape == (7, arch.classes)
    assert attention.shape == (7, steps)
    # "hidden nodes about (m + n) / 2" of inputs and outputs, twice
    first = (4 * arch.hidden + arch.classes) // 2
    assert features.shape == (7, (first + arch.classes) // 2)
    assert torch.allclose(attention.sum(dim=1), torch.ones(7), atol=1e-6)
    real = lengths if arch.kind == "flows" else (lengths + POOL - 1) // POOL
    padding = torch.arange(steps) >= real.unsqueeze(1)
    assert (attention[padding] == 0).all()
    assert (attention[~padding] > 0).all()


@pytest.mark.parametrize("arch", [FLOWS, REQUESTS], ids=["flows", "requests"])
def test_padding_does_not_change_the_verdict(arch: Architecture) -> None:
    net = network(arch)
    x, lengths = sequences(arch, 5)
    padded = net(x, lengths).logits
    for i, length in enumerate(lengths.tolist()):
        alone = net(x[i : i + 1, :length], lengths[i : i + 1]).logits[0]
        assert torch.allclose(padded[i], alone, atol=1e-5)


def test_what_stands_in_the_padding_is_never_read() -> None:
    net = network(FLOWS)
    x, lengths = sequences(FLOWS, 5)
    noisy = x.clone()
    noisy[torch.arange(10) >= lengths.unsqueeze(1)] = 1e3
    assert torch.equal(net(x, lengths).logits, net(noisy, lengths).logits)


def test_an_earlier_flow_bears_on_the_verdict_in_both_directions() -> None:
    net = network(FLOWS)
    x, lengths = sequences(FLOWS, 1)
    lengths = torch.tensor([10])
    x = torch.randn(1, 10, 6)
    earlier = x.clone()
    earlier[0, 0] += 3
    assert not torch.allclose(net(x, lengths).logits, net(earlier, lengths).logits, atol=1e-4)


@pytest.mark.parametrize("switch", ["bidirectional", "batch_norm", "attention"])
def test_each_part_can_be_left_out(switch: str) -> None:
    arch = Architecture("flows", 6, 3, 10, hidden=8, **{switch: False})
    x, lengths = sequences(arch, 4)
    assert network(arch)(x, lengths).logits.shape == (4, 3)


def test_a_kind_without_an_input_stage_is_refused() -> None:
    with pytest.raises(DataError, match="unknown kind 'tweets'"):
        Architecture("tweets", 6, 3, 10)
