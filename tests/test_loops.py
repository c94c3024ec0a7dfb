"""The loops compute what the library's layers do, forward and backward, to bfloat16's precision."""

import pytest
import torch

from seqgen.cells._products import available
from seqgen.cells.gru import GRU
from seqgen.cells.lstm import LSTM
from seqgen.cells.mingru import MinGRU
from seqgen.cells.rnn import RNN
from seqgen.models import ModelSettings
from seqgen.models.dropout import NOTHING, Rates
from seqgen.models.network import RecurrentLM
from seqgen.training import device

pytestmark = pytest.mark.skipif(not available(), reason="this build of torch has no such product")
VOCAB, BATCH, STEPS = 23, 8, 12
CELLS = [LSTM(), GRU(), RNN(), RNN(nonlinearity="relu")]


def distance(found, expected):
    return float((found - expected).detach().norm() / expected.detach().norm())


def make_network(cell=CELLS[0], **shape):
    torch.manual_seed(1)
    return RecurrentLM(cell, ModelSettings(**{"hidden": 64, "layers": 2} | shape), VOCAB).train()


def losses_and_gradients(network, ids, by_loop, rates=NOTHING):
    network.zero_grad()
    network.by_loop, network.rates = by_loop, rates
    torch.manual_seed(5)
    parts = range(len(network.cell.state(64)))
    start = tuple(tuple(torch.randn(BATCH, 64) * (0.7 * part + 0.3) for part in parts) for _ in network.layers)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=by_loop):
        logits, state = network(ids, start)
    target = torch.roll(ids, -1, 1)
    loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), target.flatten())
    (loss + sum(0.01 * part.square().mean() for parts in state for part in parts)).backward()
    gradients = {name: weight.grad.clone() for name, weight in network.named_parameters()}
    return loss.detach(), state, gradients


@pytest.mark.parametrize("cell", CELLS, ids=repr)
@pytest.mark.parametrize("shape", [{}, {"layers": 1}, {"embedding": 32}, {"tied": False}])
@pytest.mark.parametrize("steps", [STEPS, 2])  # more and fewer tokens than the vocabulary has
def test_it_agrees_with_the_librarys_layers(cell, shape, steps):
    network = make_network(cell, **shape)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    ids = torch.randint(VOCAB, (BATCH, steps), generator=torch.Generator().manual_seed(2))
    loss, state, gradients = losses_and_gradients(network, ids, by_loop=False)
    mine, my_state, my_gradients = losses_and_gradients(network, ids, by_loop=True)
    assert float(mine) == pytest.approx(float(loss), rel=3e-3)
    for parts, my_parts in zip(state, my_state):
        assert all(part.dtype == torch.float32 for part in my_parts)
        assert all(distance(a, b) < 0.01 for a, b in zip(my_parts, parts))
    # Where units are cut at zero, rounding moves whole gradients; the library's own bfloat16 is as far off.
    tolerance = 0.25 if cell == RNN(nonlinearity="relu") else 0.03
    for name, gradient in gradients.items():
        assert distance(my_gradients[name], gradient) < tolerance, name


@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_dropout_reaches_the_loop(cell):
    network = make_network(cell)
    ids = torch.randint(VOCAB, (BATCH, STEPS), generator=torch.Generator().manual_seed(2))
    plain, _, _ = losses_and_gradients(network, ids, by_loop=True)
    for rates in (Rates(embedding=0.5), Rates(input=0.5), Rates(hidden=0.5), Rates(output=0.5), Rates(recurrent=0.5)):
        dropped, _, gradients = losses_and_gradients(network, ids, by_loop=True, rates=rates)
        assert dropped != plain, rates
        assert all(torch.isfinite(gradient).all() for gradient in gradients.values())


@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_it_is_taken_in_bfloat16_from_some_width_on(cell):
    narrowest = cell.training_loop().narrowest
    wide = make_network(cell, hidden=narrowest)
    assert device.loop_pays(wide, torch.bfloat16)
    assert not device.loop_pays(wide, torch.float32)
    assert narrowest == 1 or not device.loop_pays(make_network(cell, hidden=narrowest - 1), torch.bfloat16)


def test_a_cell_need_not_have_one():
    assert not device.loop_pays(make_network(MinGRU(), hidden=512), torch.bfloat16)


@pytest.mark.parametrize("cell", CELLS, ids=repr)
def test_it_is_left_when_the_network_stops_training(cell):
    network = make_network(cell).eval()
    ids = torch.randint(VOCAB, (BATCH, STEPS), generator=torch.Generator().manual_seed(2))
    expected, _ = network(ids, network.initial_state(BATCH))
    network.by_loop = True
    found, _ = network(ids, network.initial_state(BATCH))
    assert torch.equal(found, expected)
