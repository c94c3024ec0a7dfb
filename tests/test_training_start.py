"""A run starts from the frequencies of its tokens."""

import numpy as np
import pytest
import torch

from seqgen import registry
from seqgen.models import ModelSettings
from seqgen.models.network import RecurrentLM
from seqgen.training.data import Spans
from seqgen.training.start import set_unigram_bias


def test_a_fresh_network_predicts_the_unigrams():
    ids = np.array([0] * 60 + [1] * 30 + [2] * 10 + [4] * 500, np.uint16)
    spans = Spans(np.array([0]), np.array([100]))  # the 4s are held out
    network = RecurrentLM(registry.load("cells", "lstm")(), ModelSettings(hidden=16), 5)
    set_unigram_bias(network, ids, spans)
    with torch.no_grad():
        logits, _ = network(torch.tensor([[0]]), network.initial_state(1))
    probabilities = torch.softmax(logits[0, 0], 0).tolist()
    assert probabilities[:3] == pytest.approx([0.6, 0.3, 0.1], abs=0.03)
    assert max(probabilities[3:]) < 0.003


def test_a_stream_as_long_as_memory_is_counted_in_part(monkeypatch):
    monkeypatch.setattr("seqgen.training.start.COUNTED", 20)
    ids = np.array([0] * 10 + [1] * 90 + [2] * 10 + [1] * 90, np.uint16)
    network = RecurrentLM(registry.load("cells", "rnn")(), ModelSettings(hidden=4), 4)
    set_unigram_bias(network, ids, Spans(np.array([0, 100]), np.array([100, 200])))
    bias = network.output.bias.tolist()
    assert bias[0] == bias[2] > bias[1] == bias[3]  # of each document its first ten tokens
