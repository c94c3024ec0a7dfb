"""Gradients, saliency and the ladder: held beside autograd, finite differences and counts by hand."""

import sys

import numpy as np
import pytest
import torch

from seqgen import registry
from seqgen.inside.gradients import _gradients, by_lag, fresh_network, state_norms, words
from seqgen.inside.ladder import ladder
from seqgen.inside.look import look, reading
from seqgen.inside.saliency import across, integrate
from seqgen.inside.trace import trace
from seqgen.inside.unrolled import embedded, run
from seqgen.models import ModelSettings
from seqgen.selftest import _materials

SHAPE = ModelSettings(hidden=10, layers=2, embedding=6)
IDS = torch.tensor([[1, 5, 2, 7, 3, 3, 8], [4, 4, 1, 0, 2, 6, 5]])
TARGETS = torch.tensor([2, 9])


def network(name="lstm", settings=SHAPE):
    return fresh_network(registry.load("cells", name)(), settings, 12).requires_grad_(False)


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn", "mingru", "minlstm", "rg_lru"])
def test_token_by_token_is_the_network(name):
    model = network(name)
    x = embedded(model, IDS)
    wanted, _ = model(IDS, model.initial_state(2))
    for nodes in (False, True):
        found, _ = run(model, x, IDS, model.initial_state(2), nodes)
        assert torch.allclose(found.transpose(0, 1), wanted, atol=1e-10)


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_gradients_by_lag_are_those_of_a_disturbed_state(name):
    """∂L/∂h_{t−k} by autograd through the module itself, from a state that is put in k tokens before the end."""
    model = network(name, ModelSettings(hidden=10, embedding=6))
    norms = state_norms(model, IDS, TARGETS)[0]
    length = IDS.shape[1]
    for lag in (1, 3, 5):
        with torch.no_grad():
            _, (middle,) = model(IDS[:, : length - lag], model.initial_state(2))
        middle = tuple(part.clone().requires_grad_(True) for part in middle)
        logits, _ = model(IDS[:, length - lag :], (middle,))
        loss = torch.nn.functional.cross_entropy(logits[:, -1], TARGETS, reduction="sum")
        slopes = torch.autograd.grad(loss, middle)
        wanted = [float(slope.norm(dim=-1).mean()) for slope in slopes]
        assert np.allclose(norms[:, lag], wanted, rtol=1e-5, atol=1e-12)


def test_a_network_that_forgets_is_said_to_vanish():
    model = network("lstm")
    with torch.no_grad():
        for layer in model.layers:
            dict(layer.named_parameters())["bias_ih_l0"][10:20] = -6  # forget gates shut
    found = by_lag("shut", model, [1, 2, 3, 4, 5, 6, 7] * 20, lags=60)
    assert "it vanishes" in words(found)
    assert found.shares[32] > 0.999  # what is cut off was not there
    with torch.no_grad():
        for layer in model.layers:
            dict(layer.named_parameters())["bias_ih_l0"][10:20] = 8
    assert "it vanishes" not in words(by_lag("open", model, [1, 2, 3, 4, 5, 6, 7] * 20, lags=60))


def test_integrated_gradients_add_up():
    model = network()
    for row, target in zip(IDS, TARGETS):
        found, difference, error = integrate(model, row[None], target[None], model.initial_state(1))
        assert error < 0.01
        assert found.sum() == pytest.approx(difference, rel=0.01)


def test_integrated_gradients_are_captums():
    """An independent implementation of Sundararajan et al. (2017), with many steps; it is no dependency."""
    captum = pytest.importorskip("captum.attr")
    model, past, target = network(), IDS[:1], int(TARGETS[0])

    def score(x):  # (N, T, E)
        logits, _ = run(model, x.transpose(0, 1), past.expand(len(x), -1), model.initial_state(len(x)))
        return torch.log_softmax(logits[-1], -1)[:, target]

    x = embedded(model, past).detach().transpose(0, 1)
    wanted = captum.IntegratedGradients(score).attribute(x, torch.zeros_like(x), n_steps=200, method="gausslegendre")
    found, _, _ = integrate(model, past, TARGETS[:1], model.initial_state(1))
    assert np.allclose(found, wanted[0].numpy(), atol=1e-5 * np.abs(found).max())


def test_integrated_gradients_halve_where_a_gradient_is_rough():
    """A network of large weights: S changes abruptly along the way, and still the attributions add up."""
    model = network()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(8)
    found, difference, error = integrate(model, IDS[:1], TARGETS[:1], model.initial_state(1))
    assert abs(difference) > 1
    assert error < 0.01
    assert found.sum() == pytest.approx(difference, rel=0.01)


def test_truncated_gradients_are_those_of_a_state_that_is_cut_off():
    model = network().requires_grad_(True)
    tokens = IDS[:1]
    *found, whole = _gradients(model, tokens, TARGETS[:1], [2, 4])
    for gradient, count in zip((*found, whole), (2, 4, tokens.shape[1])):
        cut = tokens.shape[1] - count
        state = model.initial_state(1)
        if cut:
            with torch.no_grad():
                _, state = model(tokens[:, :cut], state)
        logits, _ = model(tokens[:, cut:], state)
        loss = torch.nn.functional.cross_entropy(logits[:, -1], TARGETS[:1])
        wanted = torch.autograd.grad(loss, list(model.parameters()))
        assert torch.allclose(gradient, torch.cat([each.reshape(-1) for each in wanted]), rtol=1e-5, atol=1e-12)
    assert not torch.allclose(found[0], whole, rtol=1e-3)


def test_saliency_by_finite_differences():
    model = network()
    ids = IDS[0].tolist()
    found = across(model, model.initial_state(1), ids)
    assert (found[np.tril_indices(len(ids))] == 0).all()
    source, target, step = 2, 5, 1e-6
    slopes = []
    for dimension in range(SHAPE.embedding_size):
        scores = []
        for sign in (1, -1):
            x = embedded(model, IDS[:1]).detach().clone()
            x[source, 0, dimension] += sign * step
            logits, _ = run(model, x, IDS[:1], model.initial_state(1))
            scores.append(torch.log_softmax(logits[target - 1, 0], -1)[ids[target]].item())
        slopes.append((scores[0] - scores[1]) / (2 * step))
    assert found[source, target] == pytest.approx(np.linalg.norm(slopes), rel=1e-5)


def test_the_rungs_of_the_ladder_add_up_to_all_errors():
    toy = _materials.checkpoint()
    text = toy.tokenizer.encode(b"ANNA: Good (old) day, my unheardof friend!\n" * 3).astype(np.int64)
    corpus = toy.tokenizer.encode(_materials.PLAY.encode() * 3).astype(np.int64)
    seen = trace(toy, text, toy.tokenizer.frame())
    found = ladder(seen, corpus, np.array([0]))
    wrong = int((seen.surprise > np.log(2)).sum())
    assert sum(count for _, count in found.rungs) == wrong
    names = [name for name, _ in found.rungs]
    assert names[1:] == ["long memory", "rare words", "word beginnings", "punctuation", "boost", "rest"]
    assert found.brackets[0][2] == 3  # three brackets closed, from 1 to 4 tokens after they were opened
    assert found.model == pytest.approx(float(seen.surprise.mean()))


def test_a_page_with_everything():
    toy = _materials.checkpoint()
    data = (_materials.PLAY * 100).encode()[:30_000]
    what = reading(toy.tokenizer, data, window=300)
    seen = look(toy, what, name="toy", wanted=("gradients", "saliency", "errors"))
    assert [each.name for each in seen.further] == ["gradients", "saliency", "errors"]
    assert not seen.missing
    page, data = seen.page(), seen.to_json()
    for title in ("Gradients", "Saliency", "Errors", "Gates"):
        assert f"<h2>{title}</h2>" in page
    assert set(data["gradients"]) == {"trained lstm", "fresh rnn", "fresh gru", "fresh lstm"}
    assert data["saliency"]["error"] < 0.01
    short = look(toy, reading(toy.tokenizer, b"short text"), wanted=("errors",))
    assert "Kinds of errors need 20,000 tokens" in short.missing[0]


def test_without_torch_it_is_said_which_pictures_need_it(monkeypatch):
    toy = _materials.checkpoint()
    what = reading(toy.tokenizer, (_materials.PLAY * 100).encode()[:30_000], window=300)
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it fails
    seen = look(toy, what, name="toy", wanted=("gradients", "saliency", "errors"))
    assert [each.name for each in seen.further] == ["errors"]
    assert seen.missing == ["Gradients and saliency need torch, which is not installed here."]
    page = seen.page()
    assert seen.missing[0] in page
    assert "<h2>Gates</h2>" in page
    assert "<h2>Gradients</h2>" not in page
