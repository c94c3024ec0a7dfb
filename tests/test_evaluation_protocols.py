"""Protocols A and B and the lanes, against a network that is stepped one id at a time."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from seqgen.cells.gru import GRU
from seqgen.cells.lstm import LSTM
from seqgen.cells.rnn import RNN
from seqgen.evaluation import protocols
from seqgen.evaluation.protocols import Score, cold_windows, lanes, prediction_nats, stateful, unframed
from seqgen.models import ModelSettings
from seqgen.models.dropout import Rates
from seqgen.models.network import RecurrentLM

VOCAB = 11


@pytest.fixture(params=["lstm", "gru", "rnn", "lstm with attention"])
def network(request):
    shape = {"memory": "attention", "memory_length": 20} if "attention" in request.param else {}
    return make_network({"lstm": LSTM(), "gru": GRU(), "rnn": RNN()}[request.param.split()[0]], **shape)


def make_network(cell, dropout=0.0, **shape):
    torch.manual_seed(3)
    network = RecurrentLM(cell, ModelSettings(hidden=12, layers=2, embedding=7, **shape), VOCAB)
    network.rates = Rates(input=dropout, hidden=dropout, output=dropout)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            weight.mul_(0.8 if "layers" in name else 8)  # far from uniform, and not chaotic
    return network.eval()


def random_ids(count, seed=0):
    return np.random.default_rng(seed).integers(0, VOCAB, count).astype(np.uint16)


def stepped(network, ids):
    """Nats of every id but the first, one step at a time."""
    state, nats = network.initial_state(1), []
    with torch.no_grad():
        for seen, wanted in pairwise(ids):
            logits, state = network(torch.tensor([[int(seen)]]), state)
            nats.append(-torch.log_softmax(logits[0, 0].double(), 0)[int(wanted)].item())
    return nats


def test_b_is_one_pass_over_one_document(network):
    ids = random_ids(300)
    score = stateful(network, ids, np.array([0, 300]))
    assert score.count == 299
    assert score.nats == pytest.approx(sum(stepped(network, ids)), rel=1e-5)


@pytest.mark.parametrize("lengths", [(5, 1, 0, 90, 33, 2), (0,), (1,), (2,), (40,) * 7])
def test_b_resets_the_state_at_document_starts(network, lengths, monkeypatch):
    monkeypatch.setattr(protocols, "BATCH", 3)
    monkeypatch.setattr(protocols, "CHUNK", 16)
    ids, starts = random_ids(sum(lengths)), np.cumsum([0, *lengths])
    score = stateful(network, ids, starts)
    expected = [nats for a, b in pairwise(starts) for nats in stepped(network, ids[a:b])]
    assert score.count == len(expected)
    assert score.nats == pytest.approx(sum(expected), rel=1e-5)


def test_a_is_cold_windows_of_257_ids(network):
    ids = random_ids(256 * 3 + 50)
    score = cold_windows(network, ids, np.array([0]))
    expected = [nats for a in (0, 256, 512) for nats in stepped(network, ids[a : a + 257])]
    assert score.count == 3 * 256
    assert score.nats == pytest.approx(sum(expected), rel=1e-5)


def test_a_stays_within_documents(network):
    ids, starts = random_ids(41), np.array([0, 25, 32, 33, 41])
    score = cold_windows(network, ids, starts, window=10)
    # Two whole windows of the first document, one short window of each that has no whole one.
    pieces = (ids[0:11], ids[10:21], ids[25:32], ids[33:41])
    assert score.count == 10 + 10 + 6 + 7
    assert score.nats == pytest.approx(sum(sum(stepped(network, piece)) for piece in pieces), rel=1e-5)


def test_the_counts_of_tiny_shakespeare():
    spans = protocols.spans_of(111_540, np.array([0]), 256, whole=True)
    assert (spans[:, 2] - spans[:, 0] == 257).all()
    assert len(spans) == 435
    assert protocols.spans_of(111_540, np.array([0]), 111_540).tolist() == [[0, 1, 111_540]]


def test_lanes_count_what_b_counts_and_come_near(network):
    ids, starts = random_ids(700), np.array([0, 400, 402, 700])
    exact = stateful(network, ids, starts)
    near = lanes(network, ids, starts, lanes=7, warmup=50)
    assert near.count == exact.count
    assert near.mean == pytest.approx(exact.mean, abs=2e-3)


def test_lanes_with_all_the_warmup_there_is_are_exact(network):
    ids, starts = random_ids(200), np.array([0, 150])
    assert lanes(network, ids, starts, lanes=9, warmup=200).nats == pytest.approx(
        stateful(network, ids, starts).nats, rel=1e-5
    )


def test_cold_lanes_are_stepped_pieces(network):
    ids = random_ids(101)
    expected = [nats for a in range(0, 100, 26) for nats in stepped(network, ids[a : a + 27])]
    assert lanes(network, ids, np.array([0]), lanes=4, warmup=0).nats == pytest.approx(sum(expected), rel=1e-5)


def test_prediction_nats(network, monkeypatch):
    monkeypatch.setattr(protocols, "CHUNK", 7)
    ids = random_ids(60)
    np.testing.assert_allclose(prediction_nats(network, ids), stepped(network, ids), rtol=1e-4)
    assert prediction_nats(network, ids[:1]).shape == prediction_nats(network, ids[:0]).shape == (0,)


def test_logits_blocks_are_bounded(network, monkeypatch):
    ids, starts = random_ids(500), np.arange(0, 500, 50)
    whole = stateful(network, ids, starts)
    monkeypatch.setattr(protocols, "LOGITS", 60)
    assert stateful(network, ids, starts).nats == pytest.approx(whole.nats, rel=1e-6)


def test_dropout_is_off_and_the_mode_is_restored():
    network = make_network(LSTM(), dropout=0.5).train()
    ids = random_ids(80)
    first, second = stateful(network, ids, np.array([0])), stateful(network, ids, np.array([0]))
    assert network.training
    assert first == second
    network.eval()
    assert stateful(network, ids, np.array([0])) == first
    assert not network.training


def test_the_number_of_threads_is_restored(network):
    torch.set_num_threads(2)
    stateful(network, random_ids(9), np.array([0]))
    assert torch.get_num_threads() == 2


def test_framing_is_taken_away():
    ids = np.array([9, 10, 1, 2, 9, 9, 3, 9], np.uint16)  # codec ids below 9: documents [1 2], [], [3], []
    plain, starts = unframed(ids, np.array([0, 4, 5, 7, 8]), 9)
    assert plain.tolist() == [1, 2, 3]
    assert starts.tolist() == [0, 2, 2, 3, 3]
    again = unframed(ids, np.array([0, 4, 5, 7]), 9)
    assert again[1].tolist() == starts.tolist()


def test_nothing_to_predict_is_not_a_number():
    assert np.isnan(Score(0.0, 0).mean)
    assert Score(6.0, 4).mean == 1.5
