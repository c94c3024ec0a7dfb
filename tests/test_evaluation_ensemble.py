"""Ensembles against means computed by hand, temperatures against a search by brute force."""

import numpy as np
import pytest
import torch

from seqgen.cells.gru import GRU
from seqgen.cells.lstm import LSTM
from seqgen.errors import SettingError, StreamError
from seqgen.evaluation import temperature as module
from seqgen.evaluation.ensemble import Ensemble
from seqgen.evaluation.protocols import cold_windows, sampled_logits, stateful
from seqgen.evaluation.temperature import Temperature, fit_temperature, held_out_temperature, stored_temperature
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM

VOCAB = 7
STARTS = np.array([0, 30])


def make_network(cell, seed, **shape):
    torch.manual_seed(seed)
    network = RecurrentLM(cell, ModelSettings(hidden=10, **shape), VOCAB)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(std=0.7)
    return network.eval()


@pytest.fixture(scope="module")
def pair():
    return [make_network(LSTM(), 1, layers=2), make_network(GRU(), 2)]


@pytest.fixture(scope="module")
def ids():
    return np.random.default_rng(0).integers(0, VOCAB, 400).astype(np.uint16)


def log_probabilities(network, piece):
    with torch.no_grad():
        logits, _ = network(torch.from_numpy(piece.astype(np.int64))[None, :-1], network.initial_state(1))
    return torch.log_softmax(logits[0].double(), -1)


def test_one_is_itself(pair, ids):
    for protocol in (stateful, cold_windows):
        assert protocol(Ensemble(pair[:1]), ids, STARTS) == protocol(pair[0], ids, STARTS)


@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_two_are_the_mean(pair, ids, average):
    wanted, predicted = 0.0, 0
    for piece in (ids[:30], ids[30:]):
        shares = torch.stack([log_probabilities(network, piece) for network in pair])
        mean = shares.exp().mean(0).log() if average == "probabilities" else torch.log_softmax(shares.mean(0), -1)
        wanted -= float(mean[range(len(piece) - 1), piece[1:].astype(np.int64)].sum())
        predicted += len(piece) - 1
    score = stateful(Ensemble(pair, average), ids, STARTS)
    assert score.count == predicted
    assert score.nats == pytest.approx(wanted, rel=1e-5)


def test_three_weigh_the_same(pair, ids):
    trio = [pair[0], make_network(LSTM(), 3, memory="attention", memory_length=20), pair[1]]
    shares = torch.stack([log_probabilities(network, ids) for network in trio]).exp().mean(0)
    wanted = -float(shares.log()[range(len(ids) - 1), ids[1:].astype(np.int64)].sum())
    assert stateful(Ensemble(trio), ids, STARTS[:1]).nats == pytest.approx(wanted, rel=1e-5)


def test_a_temperature_divides_logits(pair, ids):
    with torch.no_grad():
        logits, _ = pair[0](torch.from_numpy(ids.astype(np.int64))[None, :-1], pair[0].initial_state(1))
    cold = torch.log_softmax(logits[0] / 1.7, -1)
    wanted = -float(cold[range(len(ids) - 1), ids[1:].astype(np.int64)].sum())
    found = stateful(Ensemble(pair[:1], temperatures=[1.7]), ids, STARTS[:1])
    assert found.nats == pytest.approx(wanted, rel=1e-5)


def test_an_unknown_average():
    with pytest.raises(SettingError, match="average is median"):
        Ensemble([make_network(LSTM(), 1)], "median")


def batches(scale, count=3, seed=0):
    """Logits whose targets are drawn from them as they are, then scaled."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        logits = 2 * torch.randn(500, VOCAB, generator=generator)
        targets = torch.multinomial(torch.softmax(logits, -1), 1, generator=generator)[:, 0]
        yield logits * scale + 100, targets


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.5])
def test_the_fit_matches_brute_force(scale):
    found = fit_temperature(batches(scale))

    def nats(temperature):
        total = 0.0
        for logits, targets in batches(scale):
            total -= float(torch.log_softmax(logits.double() / temperature, -1)[range(500), targets].sum())
        return total / 1500

    grid = np.geomspace(0.1, 10, 2001)
    best = grid[np.argmin([nats(each) for each in grid])]
    assert found.value == pytest.approx(best, rel=3e-3)
    assert found.value == pytest.approx(scale, rel=0.15)
    assert found.count == 1500
    assert found.before == pytest.approx(nats(1.0), rel=1e-5)
    assert found.after == pytest.approx(nats(found.value), rel=1e-5)
    assert found.after <= found.before
    assert found.after <= min(nats(found.value * 1.01), nats(found.value * 0.99))


@pytest.mark.parametrize(("sign", "bound"), [(1, module.LOWEST), (-1, module.HIGHEST)])
def test_the_fit_stays_within_bounds(sign, bound):
    logits = sign * torch.eye(VOCAB)
    found = fit_temperature([(logits, torch.arange(VOCAB))])
    assert found.value == pytest.approx(bound, rel=1e-3)


def test_nothing_to_fit_on():
    with pytest.raises(StreamError, match="nothing to fit"):
        fit_temperature([])
    with pytest.raises(StreamError, match="nothing to fit"):
        held_out_temperature(make_network(LSTM(), 1), np.zeros(1, np.uint16), np.array([0]))


def test_held_out_ids_give_what_the_protocol_measures(pair, ids):
    network = pair[0].train()
    found = held_out_temperature(network, ids, STARTS)
    assert network.training
    assert found.count == 398
    assert found.before == pytest.approx(stateful(network, ids, STARTS).mean, rel=1e-5)
    scaled = Ensemble([network], temperatures=[found.value])
    assert found.after == pytest.approx(stateful(scaled, ids, STARTS).mean, rel=1e-5)
    network.eval()


def test_logits_are_sampled_from_all_over(pair):
    ids = np.repeat(np.arange(4), 5000).astype(np.uint16)
    targets = torch.cat([targets for _, targets in sampled_logits(pair[1], ids, np.array([0]), 5000)])
    assert 3000 < len(targets) <= 5000
    assert torch.bincount(targets).min() > 500


@pytest.mark.parametrize(
    ("metrics", "value"),
    [
        ({}, None),
        ({"temperature": 1.25}, 1.25),
        ({"temperature": Temperature(0.9, 1.0, 0.9, 5).to_json()}, 0.9),
        ({"temperature": {"value": "hot"}}, None),
        ({"temperature": -3}, None),
        ({"temperature": True}, None),
    ],
)
def test_the_stored_temperature(metrics, value):
    assert stored_temperature(metrics) == value
