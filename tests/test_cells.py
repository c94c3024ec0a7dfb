"""The contract of cells, over the registry: weights, module and step tell the same equations, those of the papers."""

import math

import numpy as np
import pytest
import torch

from seqgen import registry
from seqgen.cells import Cell, linear
from seqgen.cells._scan import by_doubling, one_by_one, scan
from seqgen.training.device import pick_precision

VARIANTS = [(name, {}) for name in registry.names("cells")] + [("rnn", {"nonlinearity": "relu"})]
I, H, T = 5, 8, 6

cells = pytest.mark.parametrize(("name", "options"), VARIANTS)


def make_cell(name: str, options: dict[str, str]) -> Cell:
    cell = registry.load("cells", name)(**options)
    assert isinstance(cell, Cell)
    return cell


def make_layer(cell, seed=1):
    """A module in float64, and its weights as numpy arrays."""
    torch.manual_seed(seed)
    module = cell.module(I, H).double()
    return module, {name: weight.detach().numpy() for name, weight in module.named_parameters()}


def zeros(cell, batch=1):
    return tuple(np.zeros((batch, size)) for size in cell.state(H))


# Ten-line cells, written again from the papers' equations, one stream, one unit of time, float64: output and state.


def sigma(x):
    return 1 / (1 + np.exp(-x))


def positive(x):
    return np.where(x >= 0, x + 0.5, sigma(x))


def lstm_by_hand(w, x, h, c):
    products = w["weight_ih_l0"] @ x + w["bias_ih_l0"] + w["weight_hh_l0"] @ h + w["bias_hh_l0"]
    i, f, g, o = products.reshape(4, H)
    c = sigma(f) * c + sigma(i) * np.tanh(g)
    h = sigma(o) * np.tanh(c)
    return h, h, c


def gru_by_hand(w, x, h):
    (x_r, x_z, x_n) = (w["weight_ih_l0"] @ x + w["bias_ih_l0"]).reshape(3, H)
    (h_r, h_z, h_n) = (w["weight_hh_l0"] @ h + w["bias_hh_l0"]).reshape(3, H)
    z = sigma(x_z + h_z)
    return (h := (1 - z) * np.tanh(x_n + sigma(x_r + h_r) * h_n) + z * h), h


def rnn_by_hand(w, x, h):
    return (h := np.tanh(w["weight_ih_l0"] @ x + w["bias_ih_l0"] + w["weight_hh_l0"] @ h + w["bias_hh_l0"])), h


def relu_by_hand(w, x, h):
    return (h := np.maximum(0, w["weight_ih_l0"] @ x + w["bias_ih_l0"] + w["weight_hh_l0"] @ h + w["bias_hh_l0"])), h


def mingru_by_hand(w, x, h):
    z, n = (w["linear.weight"] @ x + w["linear.bias"]).reshape(2, H)
    return (h := (1 - sigma(z)) * h + sigma(z) * positive(n)), h


def minlstm_by_hand(w, x, h):
    f, i, n = (w["linear.weight"] @ x + w["linear.bias"]).reshape(3, H)
    f, i = sigma(f), sigma(i)
    return (h := f / (f + i) * h + i / (f + i) * positive(n)), h


def rg_lru_by_hand(w, x, h):
    u, v = (w["input.weight"] @ x + w["input.bias"]).reshape(2, H)
    r, i = sigma(w["gates.weight"] @ u + w["gates.bias"]).reshape(2, H)
    a = np.exp(-8 * np.log1p(np.exp(w["decay"])) * r)
    h = a * h + np.sqrt(1 - a**2) * (i * u)
    return 0.5 * v * (1 + np.tanh(np.sqrt(2 / np.pi) * (v + 0.044715 * v**3))) * h, h


BY_HAND = {
    "lstm": lstm_by_hand,
    "gru": gru_by_hand,
    "rnn": rnn_by_hand,
    "rnn relu": relu_by_hand,
    "mingru": mingru_by_hand,
    "minlstm": minlstm_by_hand,
    "rg_lru": rg_lru_by_hand,
}


@pytest.mark.parametrize("title", BY_HAND)
def test_a_module_tells_the_papers_equations(title):
    name, *options = title.split()
    cell = make_cell(name, {"nonlinearity": options[0]} if options else {})
    module, weights = make_layer(cell)
    xs, state, expected = np.random.default_rng(1).normal(size=(T, I)), tuple(part[0] for part in zeros(cell)), []
    for x in xs:
        y, *state = BY_HAND[title](weights, x, *state)
        expected.append(y)
    with torch.no_grad():
        y, after = module(torch.from_numpy(xs[:, None]), tuple(map(torch.from_numpy, zeros(cell))))
    np.testing.assert_allclose(y[:, 0], expected, atol=1e-12)
    for part, wanted in zip(after, state, strict=True):
        np.testing.assert_allclose(part[0], wanted, atol=1e-12)


@cells
def test_the_step_follows_the_module(name, options):
    cell = make_cell(name, options)
    module, weights = make_layer(cell)
    xs = np.random.default_rng(2).normal(size=(T, 3, I))
    before = tuple(np.random.default_rng(3).uniform(0.1, 0.9, part.shape) for part in zeros(cell, 3))
    state, found = before, []
    for x in xs:
        y, state = cell.step(weights, x, state)
        found.append(y)
    with torch.no_grad():
        expected, after = module(torch.from_numpy(xs), tuple(map(torch.from_numpy, before)))
    assert expected.shape == (T, 3, H)
    assert isinstance(state, tuple)
    assert isinstance(after, tuple)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    for part, wanted, size in zip(state, after, cell.state(H), strict=True):
        assert part.shape == (3, size)
        np.testing.assert_allclose(part, wanted, atol=1e-12)


@cells
def test_a_step_leaves_what_it_was_given_alone(name, options):
    cell = make_cell(name, options)
    _, weights = make_layer(cell)
    x, state = np.ones((2, I)), tuple(np.full(part.shape, 0.5) for part in zeros(cell, 2))
    cell.step(weights, x, state)
    assert (x == 1).all()
    assert all((part == 0.5).all() for part in state)


@cells
def test_the_weights_are_the_modules(name, options):
    cell = make_cell(name, options)
    found = {key: tuple(weight.shape) for key, weight in cell.module(I, H).named_parameters()}
    assert found == cell.weights(I, H)
    assert set(cell.recurrent) <= set(found)


@cells
def test_streams_do_not_know_one_another(name, options):
    cell = make_cell(name, options)
    _, weights = make_layer(cell)
    xs, state = np.random.default_rng(4).normal(size=(12, I)), zeros(cell, 12)
    together, _ = cell.step(weights, xs, state)
    alone = [cell.step(weights, x[None], zeros(cell))[0][0] for x in xs]
    np.testing.assert_allclose(together, alone, atol=1e-12)


@cells
def test_a_module_carries_float32_where_products_are_in_half_precision(name, options):
    cell = make_cell(name, options)
    torch.manual_seed(1)
    module, x = cell.module(I, H), torch.randn(T, 2, I)
    if name == "lstm" and pick_precision("auto", torch.device("cpu")) == torch.float32:
        pytest.skip("the library has no LSTM in bfloat16 for this processor, and seqgen chooses float32")
    state = tuple(torch.zeros(2, size) for size in cell.state(H))
    expected, _ = module(x, state)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, after = module(x, state)
    if not isinstance(module, torch.nn.RNNBase):  # the library's own decide for themselves
        assert all(part.dtype == torch.float32 for part in after)
    y.float().sum().backward()
    torch.testing.assert_close(y.float(), expected, atol=0.05, rtol=0)
    assert all(torch.isfinite(weight.grad).all() for weight in module.parameters())


@pytest.mark.parametrize("rows", [1, 3, 8, 9, 20])
def test_linear_is_a_product_and_a_sum(rows):
    rng = np.random.default_rng(rows)
    x, weight, bias = rng.normal(size=(rows, 4)), rng.normal(size=(7, 4)), rng.normal(size=7)
    np.testing.assert_allclose(linear(x, weight, bias), np.einsum("bm,nm->bn", x, weight) + bias, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 7, 64])
def test_the_scan_is_the_recurrence_either_way(steps):
    rng = np.random.default_rng(steps)
    a, b, h = rng.uniform(0, 1, (steps, 2, 3)), rng.normal(size=(steps, 2, 3)), rng.normal(size=(2, 3))
    expected, state = [], h
    for factor, addend in zip(a, b):
        state = factor * state + addend
        expected.append(state)
    given = tuple(map(torch.from_numpy, (a, b, h)))
    for way in (scan, one_by_one, by_doubling):
        np.testing.assert_allclose(way(*given), expected, atol=1e-12)


def test_the_scans_gradient_is_right():
    torch.manual_seed(2)
    a, b, h = torch.rand(5, 2, 3), torch.randn(5, 2, 3), torch.randn(2, 3)
    given = tuple(part.double().requires_grad_() for part in (a, b, h))
    assert torch.autograd.gradcheck(scan, given)


def test_the_scan_gives_what_the_papers_scan_in_log_space_gives():
    """Feng et al. 2024, appendix B: the sum of logarithms, and of what is divided by their running products."""
    torch.manual_seed(3)
    a, b, h = torch.rand(64, 2, 3).double(), torch.rand(64, 2, 3).double(), torch.rand(2, 3).double()
    sums = torch.cat([torch.zeros(1, 2, 3), a.log().cumsum(0)])
    logs = sums + torch.logcumsumexp(torch.cat([h.log()[None], b.log()]) - sums, 0)
    torch.testing.assert_close(scan(a, b, h), logs[1:].exp())


def test_the_forget_gate_starts_open():
    module = registry.load("cells", "lstm")(forget_bias=1.5).module(4, H)
    biases = module.bias_ih_l0 + module.bias_hh_l0
    assert biases.tolist() == [0.0] * H + [1.5] * H + [0.0] * 2 * H


def test_the_decay_of_rg_lru_begins_where_the_paper_has_it():
    torch.manual_seed(1)
    decay = registry.load("cells", "rg_lru")().module(4, 500).decay.detach()
    opened = torch.exp(-8 * torch.nn.functional.softplus(decay))
    assert 0.9 <= opened.min() < 0.91
    assert 0.99 < opened.max() <= 0.999
    assert math.log(0.9) * 0.55 < opened.log().mean() < math.log(0.9) * 0.45
