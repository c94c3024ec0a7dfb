"""A gate that goes on learning: its gradient is that of fitting, it finds who knows, and what is fixed stays."""

import numpy as np
import pytest

from seqgen.experts import gate as fitting
from seqgen.experts.gate import EXPERTS, FEATURES, LENGTH, OF_CORPUS, Gate, Heard, mix, normalised
from seqgen.experts.learning import FIRST, RATE, LearningGate, learning

V = 7


def heard(rows, seed=0):
    """Three experts, of which the last knows what comes; and what came."""
    random = np.random.default_rng(seed)
    targets = random.integers(0, V, rows)
    experts = random.normal(size=(EXPERTS, rows, V)).astype(np.float32)
    experts[2, np.arange(rows), targets] += 4
    features = random.random((rows, FEATURES)).astype(np.float32)
    features[:, 0], features[:, LENGTH] = 1, 0
    return Heard(np.stack([normalised(each) for each in experts]), features), targets


def nats(found, targets, weights):
    return float(-normalised(mix(found, weights))[np.arange(len(targets)), targets].mean())


def test_the_first_step_follows_the_gradient_of_fitting():
    found, targets = heard(50)
    made = LearningGate(Gate.unfitted())
    before = made.gate
    made.learn(found, targets)
    for weights, after, experts, features in (
        (before.corpus, made.gate.corpus, 2, OF_CORPUS),
        (before.document, made.gate.document, EXPERTS, FEATURES),
    ):
        own = weights[:experts, :features].astype(np.float64)
        _, slope, _ = fitting._derivatives(found, targets, own)
        slope = slope.reshape(own.shape)
        expected = own - RATE * slope / np.sqrt(FIRST**2 + slope**2)
        np.testing.assert_allclose(after[:experts, :features], expected, atol=1e-5)
        assert (after[experts:] == weights[experts:]).all()
        assert (after[:, features:] == weights[:, features:]).all()


def test_many_steps_hear_the_expert_that_knows():
    made = LearningGate(Gate.unfitted())
    begun = made.gate
    for seed in range(60):
        made.learn(*heard(64, seed))
    other = heard(500, 99)
    assert nats(*other, made.gate.document) < nats(*other, begun.document) - 0.3
    assert begun.document.tolist() == Gate.unfitted().document.tolist()


def test_where_a_document_begins_nothing_is_learned():
    found, targets = heard(20)
    found.features[:, LENGTH] = 1
    made = LearningGate(Gate.unfitted())
    made.learn(found, targets)
    assert (made.gate.document == Gate.unfitted().document).all()


@pytest.mark.parametrize("same", [False, True])
def test_parts_share_a_gate_that_begins_as_one(same):
    first, second = Gate.unfitted(), Gate.unfitted()
    even, odd = learning(first, first if same else second)
    assert (even is odd) == same
