"""The BiLSTM-DNN: shapes, and that padding and company never change a verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ml_core.errors import DataError
from ml_core.network.architecture import Architecture
from ml_core.network.bilstm_dnn import BiLSTMDNN

FLOWS = Architecture("numbers", inputs=6, classes=3, steps=10, hidden=8)
TEXTS = Architecture("bytes", inputs=256, classes=4, steps=64, hidden=8, focus="ends")
TOKENS = Architecture("tokens", inputs=512, classes=2, steps=32, hidden=8, kernel=3, pool=2)
GRAMS = replace(TEXTS, grams=512, pool=3)
SURPRISE = replace(GRAMS, surprise=True)
SECOND = replace(SURPRISE, second=512)
TOKENS_SECOND = replace(TOKENS, second=512, second_of="tokens")
ALL = pytest.mark.parametrize(
    "arch",
    [FLOWS, TEXTS, TOKENS, GRAMS, SURPRISE, SECOND, TOKENS_SECOND],
    ids=["numbers", "bytes", "tokens", "grams", "surprise", "second", "second of tokens"],
)


def network(arch: Architecture) -> BiLSTMDNN:
    torch.manual_seed(0)
    net = BiLSTMDNN(arch)
    for module in net.modules():  # as if trained: statistics that are not the identity
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    if arch.grams:
        net.stage.grams.votes.weight.data[1:].normal_()
    if arch.second:
        net.stage.second.table[1:].normal_()
    if arch.surprise:
        net.stage.surprise.fit(sequences(arch, 50)[0])
    return net.eval()


def sequences(arch: Architecture, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    lengths = torch.randint(1, arch.steps + 1, (count,))
    real = torch.arange(arch.steps) < lengths.unsqueeze(1)
    if arch.stage == "numbers":
        return torch.randn(count, arch.steps, arch.inputs) * real.unsqueeze(2), lengths
    if arch.stage == "bytes":
        return torch.randint(1, 256, (count, arch.steps)) * real, lengths
    parts = torch.randint(1, arch.inputs, (count, arch.steps, 3)) * real.unsqueeze(2)
    parts[:, ::2, 2] = 0  # tokens of two parts among those of three
    return parts, lengths


@ALL
def test_shapes_and_attention_that_sums_to_one_over_the_real_steps(arch: Architecture) -> None:
    x, lengths = sequences(arch, 7)
    logits, attention, features = network(arch)(x, lengths)
    pool = 1 if arch.stage == "numbers" else arch.pool
    steps = -(-arch.steps // pool)
    assert logits.shape == (7, arch.classes)
    assert attention.shape == (7, steps)
    # "hidden nodes about (m + n) / 2" of inputs and outputs, twice
    first = (4 * arch.hidden + arch.classes) // 2
    assert features.shape == (7, (first + arch.classes) // 2)
    assert torch.allclose(attention.sum(dim=1), torch.ones(7), atol=1e-6)
    real = (lengths + pool - 1) // pool
    padding = torch.arange(steps) >= real.unsqueeze(1)
    assert (attention[padding] == 0).all()
    assert (attention[~padding] > 0).all()


@ALL
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


@pytest.mark.parametrize(
    "switch", ["bidirectional", "batch_norm", "attention", "recurrent", "dense"]
)
def test_each_part_can_be_left_out(switch: str) -> None:
    arch = Architecture("numbers", 6, 3, 10, hidden=8, **{switch: False})
    x, lengths = sequences(arch, 4)
    assert network(arch)(x, lengths).logits.shape == (4, 3)


def test_an_input_stage_that_does_not_exist_is_refused() -> None:
    with pytest.raises(DataError, match="unknown input stage 'tweets'"):
        Architecture("tweets", 6, 3, 10)


def test_a_group_of_bytes_votes_wherever_it_stands_and_begins_without_a_vote() -> None:
    fresh = BiLSTMDNN(GRAMS).eval()
    assert not fresh.stage.grams.votes.weight.any()
    grams = network(GRAMS).stage.grams
    x = torch.tensor([[7, 1, 2, 3, 4, 9, 1, 2, 3, 4, 5, 0, 0]])
    votes = grams(x)
    assert torch.equal(votes[0, 1], votes[0, 6])  # 1, 12, 123, 1234
    assert not torch.equal(votes[0, 1], votes[0, 2])
    assert votes[0, 10].any()
    assert not votes[0, 11:].any()
    reversed_group = grams(torch.tensor([[4, 3, 2, 1]]))
    assert not torch.equal(reversed_group.sum(dim=1), votes[:, 1:5].sum(dim=1))


@pytest.mark.parametrize(("stage", "grams"), [("numbers", 8), ("tokens", 8), ("bytes", 1 << 17)])
def test_groups_are_of_bytes_and_not_beyond_counting(stage: str, grams: int) -> None:
    with pytest.raises(DataError, match="groups of bytes"):
        Architecture(stage, inputs=8, classes=2, steps=4, grams=grams)


@ALL
def test_padding_and_company_change_no_gradient_either(arch: Architecture) -> None:
    x, lengths = sequences(arch, 5)
    net = network(arch)

    def gradients(x: torch.Tensor, lengths: torch.Tensor) -> list[torch.Tensor]:
        logits = net(x, lengths).logits
        return list(torch.autograd.grad(logits[:, 0].sum(), net.parameters(), allow_unused=True))

    alone = [gradients(x[i : i + 1, : lengths[i]], lengths[i : i + 1]) for i in range(len(x))]
    for whole, *parts in zip(gradients(x, lengths), *alone, strict=True):
        if whole is not None:
            torch.testing.assert_close(whole, sum(parts), rtol=1e-4, atol=1e-5)
