"""The contract of models, over every cell in the registry and its variants."""

import math

import pytest
import torch
from torch.nn import functional

from seqgen import registry
from seqgen.cells import Cell
from seqgen.errors import SettingError
from seqgen.models import ModelSettings, parameters, weight_shapes
from seqgen.models.network import RecurrentLM, detach, reset
from seqgen.settings import parse

VARIANTS = [(name, {}) for name in registry.names("cells")] + [("rnn", {"nonlinearity": "relu"})]
SHAPES = [{}, {"layers": 2, "tied": False}, {"layers": 3, "embedding": 5}, {"embedding": 7, "tied": False}]
V, H = 11, 8

cells = pytest.mark.parametrize(("name", "options"), VARIANTS)


def make_cell(name: str, options: dict[str, str]) -> Cell:
    cell = registry.load("cells", name)(**options)
    assert isinstance(cell, Cell)
    return cell


def make_network(cell: Cell, **shape: object) -> RecurrentLM:
    torch.manual_seed(0)
    return RecurrentLM(cell, parse(ModelSettings, {"hidden": H} | shape), V).double()


@cells
@pytest.mark.parametrize("shape", SHAPES)
def test_all_tokens_at_once_equal_single_steps(name, options, shape):
    network = make_network(make_cell(name, options), **shape).eval()
    ids = torch.randint(0, V, (3, 9), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        whole, end = network(ids, network.initial_state(3))
        state, parts = network.initial_state(3), []
        for t in range(9):
            logits, state = network(ids[:, t : t + 1], state)
            parts.append(logits)
    assert whole.shape == (3, 9, V)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-12, rtol=0)
    torch.testing.assert_close(state, end, atol=1e-12, rtol=0)


@cells
def test_gradients_are_right(name, options):
    # An odd seed keeps every relu unit away from its kink.
    network = make_network(make_cell(name, options), layers=2)
    ids = torch.tensor([[1, 2, 3]])
    weights = [weight for weight in network.parameters() if weight.numel() < 200]

    def loss(*_):
        return functional.cross_entropy(network(ids, network.initial_state(1))[0][0], torch.tensor([2, 3, 4]))

    assert torch.autograd.gradcheck(loss, tuple(weights), eps=1e-6, atol=1e-5)


@cells
@pytest.mark.parametrize("shape", SHAPES)
def test_a_fresh_network_is_near_uniform(name, options, shape):
    network = make_network(make_cell(name, options), **{"hidden": 64, **shape})
    ids = torch.randint(0, V, (16, 33), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        logits, _ = network(ids[:, :-1], network.initial_state(16))
    loss = float(functional.cross_entropy(logits.reshape(-1, V), ids[:, 1:].reshape(-1)))
    assert loss == pytest.approx(math.log(V), abs=0.1)


@cells
def test_overfits_two_hundred_tokens(name, options):
    torch.manual_seed(4)
    network = RecurrentLM(make_cell(name, options), ModelSettings(hidden=96), V)
    ids = torch.randint(0, V, (1, 201), generator=torch.Generator().manual_seed(4))
    optimizer = torch.optim.Adam(network.parameters(), lr=4e-3)
    for _ in range(250):
        logits, _ = network(ids[:, :-1], network.initial_state(1))
        loss = functional.cross_entropy(logits[0], ids[0, 1:])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    assert loss.item() < 0.1


@cells
@pytest.mark.parametrize("shape", SHAPES)
def test_weight_shapes_name_every_weight(name, options, shape):
    cell, settings = make_cell(name, options), parse(ModelSettings, {"hidden": H} | shape)
    network = RecurrentLM(cell, settings, V)
    found = {key: tuple(weight.shape) for key, weight in network.named_parameters()}
    assert found == weight_shapes(cell, settings, V)
    assert parameters(found) == sum(weight.numel() for weight in network.parameters())


def test_tied_weights_are_one():
    network = make_network(make_cell("lstm", {}))
    assert network.output.weight is network.embedding.weight


def test_detach_keeps_values_and_drops_history():
    network = make_network(make_cell("lstm", {}))
    _, state = network(torch.tensor([[1, 2]]), network.initial_state(1))
    cut = detach(state)
    assert state[0][0].requires_grad
    assert not cut[0][0].requires_grad
    torch.testing.assert_close(cut[0][1], state[0][1].detach().float())


def test_reset_zeroes_the_rows_asked_for():
    state = ((torch.ones(2, 3), torch.full((2, 3), 2.0)),)
    h, c = reset(state, torch.tensor([False, True]))[0]
    assert h.tolist() == [[0.0] * 3, [1.0] * 3]
    assert c.tolist() == [[0.0] * 3, [2.0] * 3]


@pytest.mark.parametrize(("key", "value"), [("hidden", 0), ("layers", 0), ("embedding", 0)])
def test_settings_out_of_range_are_refused(key, value):
    with pytest.raises(SettingError, match=f"{key} is {value}, expected"):
        ModelSettings(**{key: value})


def test_an_unknown_nonlinearity_is_refused():
    with pytest.raises(SettingError, match="nonlinearity is 'sine', expected one of tanh, relu"):
        parse(registry.load("cells", "rnn"), {"nonlinearity": "sine"})
