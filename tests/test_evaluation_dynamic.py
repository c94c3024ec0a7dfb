"""Dynamic evaluation: what is scored has not been learned from, and what has been learned from helps."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from seqgen.cells.gru import GRU
from seqgen.cells.lstm import LSTM
from seqgen.cells.rnn import RNN
from seqgen.errors import SettingError
from seqgen.evaluation import dynamic as module
from seqgen.evaluation.dynamic import Adaptive, DynamicScore, DynamicSettings, dynamic
from seqgen.evaluation.protocols import stateful
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM

VOCAB = 9


def make_network(cell=None, **shape):
    torch.manual_seed(2)
    network = RecurrentLM(cell or LSTM(), ModelSettings(hidden=16, **shape), VOCAB)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(std=0.3)
    return network


def random_ids(count, seed=0):
    return np.random.default_rng(seed).integers(0, VOCAB, count).astype(np.uint16)


def pattern(count):
    return np.resize(np.array([1, 4, 2, 8, 5, 7], np.uint16), count)


def nats(network, ids, training=None, starts=(0,), **settings):
    settings = DynamicSettings(**{"segment": 8, "statistics": 200, **settings})
    starts = np.array(starts)
    return dynamic(network, np.asarray(ids), starts, settings, None if training is None else (training, np.array([0])))


@pytest.mark.parametrize("memory", [None, "attention"])
@pytest.mark.parametrize("cell", [LSTM(), GRU(), RNN()], ids=["lstm", "gru", "rnn"])
@pytest.mark.parametrize("training", [None, random_ids(300, 5)], ids=["plain", "statistics"])
def test_without_a_learning_rate_it_is_static(cell, training, memory):
    network, ids = make_network(cell, memory=memory, memory_length=20), random_ids(203)
    score, used = nats(network, ids, training, starts=(0, 50, 51), learning_rate=0.0)
    static = stateful(network, ids, np.array([0, 50, 51]))
    assert score.count == static.count == 200
    assert score.nats == pytest.approx(static.nats, rel=1e-5)
    assert used.statistics == (0 if training is None else 200)


@pytest.mark.parametrize("training", [None, random_ids(300, 5)], ids=["plain", "statistics"])
def test_a_pattern_never_seen_is_learned(training):
    network = make_network()
    ids = np.concatenate([random_ids(200), pattern(400)])
    rate = {"learning_rate": 0.5} if training is None else {"learning_rate": 0.01}
    score, _ = nats(network, ids, training, **rate)
    assert score.mean < stateful(network, ids, np.array([0])).mean - 0.3


def test_the_network_given_is_left_alone():
    network = make_network(layers=2).train()
    before = [weight.clone() for weight in network.parameters()]
    nats(network, pattern(100), random_ids(300))
    assert network.training
    assert all(torch.equal(old, new) for old, new in zip(before, network.parameters()))


def segment_scores(network, ids, **settings):
    """Summed nats of each segment, learned from one after the other."""
    adaptive, found = Adaptive(network, DynamicSettings(segment=8, **settings)), []
    for score, size in adaptive.segments(ids, np.array([0]), "cpu"):
        found.append(float(score.detach()))
        adaptive.learn(adaptive.gradients(score), size / 8)
    return found


def test_no_segment_sees_itself():
    network, ids = make_network(), pattern(64)
    whole = segment_scores(network, ids, learning_rate=0.5)
    assert whole[0] == pytest.approx(stateful(network, ids[:9], np.array([0])).nats, rel=1e-5)
    changed = ids.copy()
    changed[25:] = random_ids(39, 3)  # the fourth segment predicts ids 25 to 32
    other = segment_scores(network, changed, learning_rate=0.5)
    assert other[:3] == whole[:3]
    assert other[3] != whole[3]


def test_the_score_is_that_of_the_weights_before_the_segment():
    """Against a plain loop over a second copy of the network."""
    network, ids = make_network(), pattern(41)
    found = segment_scores(network, ids, learning_rate=0.2, decay=0.0)
    weights = list(network.parameters())
    state = network.initial_state(1)
    for number, score in enumerate(found):
        piece = torch.from_numpy(ids[8 * number : 8 * number + 9].astype(np.int64))
        logits, state = network(piece[None, :-1], state)
        loss = functional.cross_entropy(logits[0], piece[1:])
        assert score == pytest.approx(8 * loss.item(), rel=1e-4)
        gradients = torch.autograd.grad(loss, weights)
        state = tuple(tuple(part.detach() for part in parts) for parts in state)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients):
                weight -= 0.2 * gradient


def test_decay_draws_back_to_the_trained_weights():
    network = make_network()

    def distance(decay):
        adaptive = Adaptive(network, DynamicSettings(segment=8, decay=decay, learning_rate=0.005))
        adaptive.normalise(random_ids(300), np.array([0]), 200, "cpu", lambda count: None)
        for score, _ in adaptive.segments(pattern(200), np.array([0]), "cpu"):
            adaptive.learn(adaptive.gradients(score), 1.0)
        return sum(float((a - b).detach().square().sum()) for a, b in zip(adaptive.weights, adaptive.trained))

    assert distance(0.5) < distance(0.05) < distance(0.0)


def test_statistics_are_root_mean_squares():
    network, training = make_network(), random_ids(81)
    adaptive = Adaptive(network, DynamicSettings(segment=8))
    assert adaptive.normalise(training, np.array([0]), 10**6, "cpu", lambda count: None) == 80
    fresh = Adaptive(network, DynamicSettings(segment=8))
    squares = [fresh.gradients(score)[1].square() for score, _ in fresh.segments(training, np.array([0]), "cpu")]
    assert len(squares) == 10
    wanted = torch.stack(squares).mean(0).sqrt()
    assert adaptive.returns is not None
    assert adaptive.scales is not None
    mean = float((1 / adaptive.scales[1] - wanted).mean()) / module.FLOOR
    torch.testing.assert_close(1 / adaptive.scales[1], wanted + module.FLOOR * mean, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(adaptive.returns[1], (0.003 * wanted / mean).clamp(max=1), rtol=1e-3, atol=1e-6)


def test_a_rate_that_is_too_large_is_told():
    with pytest.raises(SettingError, match="learning_rate 1000 is too large"):
        nats(make_network(RNN("relu")), pattern(400), learning_rate=1000.0, decay=0.0)


def test_a_default_rate_that_is_too_large_becomes_smaller(monkeypatch):
    network = make_network(RNN("relu"))
    monkeypatch.setattr(module, "PLAIN_RATE", 30.0)
    score, used = nats(network, pattern(400), decay=0.0)
    assert used.learning_rate in (7.5, 1.875, 0.46875)
    again, _ = nats(network, pattern(400), decay=0.0, learning_rate=used.learning_rate)
    assert score == again  # it began anew, from the trained weights
    monkeypatch.setattr(module, "PLAIN_RATE", 1e12)
    with pytest.raises(SettingError, match="is too large: the network diverges"):
        nats(network, pattern(400), decay=0.0)


def test_defaults_and_json():
    _, used = nats(make_network(), pattern(20))
    assert used.learning_rate == module.PLAIN_RATE
    _, used = nats(make_network(), pattern(20), random_ids(50))
    assert used == DynamicSettings(module.RATE, segment=8, statistics=49)
    assert list(DynamicScore(1.5, used).to_json()) == [
        "nats_per_token", "learning_rate", "decay", "segment", "statistics",
    ]  # fmt: skip


@pytest.mark.parametrize("wrong", [{"learning_rate": -1.0}, {"decay": 1.5}, {"segment": 0}, {"statistics": -1}])
def test_settings_out_of_range(wrong):
    with pytest.raises(SettingError, match="expected"):
        DynamicSettings(**wrong)


def test_progress_counts_predictions():
    told = []
    training = (random_ids(100), np.array([0]))
    dynamic(make_network(), pattern(50), np.array([0]), DynamicSettings(segment=8), training, "cpu", told.append)
    assert sum(told) == 99 + 49
