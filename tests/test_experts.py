"""Counts of corpus and document: distributions, brute force, the same in batches; the gate; the file."""

import dataclasses
from collections import Counter

import numpy as np
import pytest

from seqgen.experts import document, gate
from seqgen.experts.corpus import NAMES, CorpusCounts
from seqgen.experts.document import Document, evidence
from seqgen.experts.gate import FEATURES, Gate, Heard, Known, first_weights, hear, joined, mix
from seqgen.experts.mixing import Experts
from seqgen.experts.ngram import NGram

V = 11
LINES = np.array([0, 0, 1, 0, 0, 2, 0, 0, 0, 1, 0])  # that begin with each token


def text(seed, length):
    """Tokens with some structure."""
    random = np.random.default_rng(seed)
    table = np.random.default_rng(0).dirichlet(np.full(V, 0.2), size=V)
    found = [0]
    while len(found) < length:
        found.append(int(random.choice(V, p=table[found[-1]])))
    return np.array(found, np.uint16)


def counts(size=10**6, order=4, length=3000):
    ids = text(1, length)
    return CorpusCounts.fit(ids, np.array([0, 700, 701, length]), V, size, order)


def test_unpruned_counts_are_the_ngram_model_but_for_rounding():
    ids, starts = text(1, 3000), np.array([0, 700, 701, 3000])
    made, exact, held = counts(), NGram.fit(ids, starts, V, 4), text(2, 200)
    contexts = np.concatenate([made.start(1), made.read(held, made.start(1)[0])[:-1]])
    found = made.probabilities(contexts)[np.arange(200), held]
    away = -np.log(found) - exact.nats(held, np.array([0]))
    assert np.quantile(np.abs(away), 0.95) < 0.05
    assert abs(away.mean()) < 0.01


@pytest.mark.parametrize("size", [40, 300, 2000, 10**6])
def test_pruned_counts_keep_their_size_and_sum_to_one(size):
    made = counts(size)
    assert made.nbytes <= size
    contexts = made.read(text(3, 300), made.start(1)[0])
    found = made.probabilities(contexts)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-9)
    assert (found > 0).all()
    again = CorpusCounts.restore(made.arrays, V)
    assert again.order == made.order
    np.testing.assert_array_equal(again.probabilities(contexts), found)


def test_more_room_predicts_better():
    held = text(2, 2000)

    def nats(size):
        made = counts(size, 5, 20000)
        contexts = np.concatenate([made.start(1), made.read(held, made.start(1)[0])[:-1]])
        return float(-np.log(made.probabilities(contexts)[np.arange(len(held)), held]).mean())

    assert nats(60) > nats(200) > nats(5000)


def test_steps_in_a_batch_are_the_reading_of_each_stream():
    made, streams = counts(2000), [text(seed, 40) for seed in (4, 5, 6)]
    contexts = made.start(3)
    for at in range(40):
        contexts = made.step(np.array([stream[at] for stream in streams]), contexts)
        for row, stream in enumerate(streams):
            np.testing.assert_array_equal(contexts[row], made.read(stream, made.start(1)[0])[at])
        together = made.probabilities(contexts)
        for row in range(3):
            np.testing.assert_array_equal(together[row], made.probabilities(contexts[row : row + 1])[0])


def test_counts_of_a_large_vocabulary_need_no_table_of_bigrams(monkeypatch):
    made = counts(2000)
    contexts = made.read(text(3, 100), made.start(1)[0])
    expected = made.probabilities(contexts)
    monkeypatch.setattr("seqgen.experts.corpus.DENSE", 10)
    other = CorpusCounts.restore(made.arrays, V)
    assert other.bigrams is None
    np.testing.assert_allclose(other.probabilities(contexts), expected, rtol=1e-12)


@pytest.mark.parametrize(("order", "length"), [(1, 3000), (4, 2), (4, 1)])
def test_counts_of_few_tokens(order, length):
    made = CorpusCounts.fit(text(1, length), np.array([0]), V, 1000, order)
    contexts = made.step(np.array([3]), made.start(1))
    assert made.probabilities(contexts).sum() == pytest.approx(1)
    CorpusCounts.restore(made.arrays, V)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_counts_are_refused(name):
    arrays = counts(2000).arrays
    for wrong in (arrays[name][:-1], arrays[name][::-1].copy(), arrays[name].astype(np.int32), arrays[name][None]):
        if np.array_equal(wrong, arrays[name]) and wrong.dtype == arrays[name].dtype:
            continue
        with pytest.raises(ValueError, match=r"n-grams|arrays|contexts"):
            CorpusCounts.restore({**arrays, name: wrong}, V)
    with pytest.raises(ValueError, match="outside the vocabulary"):
        CorpusCounts.restore(arrays, 3)


def witten_bell(past, order=document.ORDER):
    """The definition, with dictionaries."""
    probabilities = np.full(V, 1 / V)
    for length in range(1, order):
        if length > len(past):
            break
        context = tuple(past[len(past) - length :])
        after = Counter(past[at] for at in range(length, len(past)) if tuple(past[at - length : at]) == context)
        if not after:
            break
        n, u = sum(after.values()), len(after)
        row = np.array([after[token] for token in range(V)])
        probabilities = (row + u * probabilities) / (n + u)
    return probabilities


def test_a_document_is_brute_force():
    ids, one = text(7, 90).tolist(), Document()
    for at, token in enumerate(ids):
        found = evidence([(one.found(), one.length)], V)
        np.testing.assert_allclose(found.probabilities[0], witten_bell(ids[:at]), rtol=1e-12)
        assert found.probabilities.sum() == pytest.approx(1)
        assert found.length[0] == at
        one.add(chr(token))


def test_a_document_forgets_and_its_copies_are_their_own(monkeypatch):
    monkeypatch.setattr(document, "HISTORY", 64)
    ids, one = text(8, 500), Document()
    sizes = []
    for token in ids.tolist():
        one.add(chr(token))
        sizes.append(len(one.followers))
    assert max(sizes[250:]) <= max(sizes[:250]) + 64 * document.ORDER
    assert one.length == 500
    assert len(one.history) < 64
    before, other = one.found(), one.copy()
    for token in text(9, 30).tolist():
        other.add(chr(token))
    assert one.found() == before
    assert one.length == 500


def test_followers_are_bounded(monkeypatch):
    monkeypatch.setattr(document, "FOLLOWERS", 5)
    one = Document()
    for _ in range(50):
        one.add("\x01")
    assert set(one.followers.values()) == {("\x01" * 5, 1)}


def experts(weights=None):
    weights = first_weights() if weights is None else weights
    return Experts(counts(2000), Gate(weights, weights), V, LINES)


def noise(rows, size=V, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, size)).astype(np.float32)


def test_steps_of_streams_are_readings_and_rows_do_not_see_one_another():
    made, streams = experts(), [text(seed, 30) for seed in (4, 5, 6)]
    state = made.start(3)
    for at in range(30):
        state = made.step(np.array([stream[at] for stream in streams]), state)
    together = made.known(state)
    for row, stream in enumerate(streams):
        alone, _ = made.read(stream, made.start(1))
        for found, expected in zip(together[:3], alone[:3]):
            np.testing.assert_array_equal(found[row], expected[-1])
        for found, expected in zip(together.document, alone.document):
            np.testing.assert_array_equal(found[row], expected[-1])
        skipped = made.skip(stream, made.start(1))
        np.testing.assert_array_equal(made.known(skipped).corpus[0], together.corpus[row])


@pytest.mark.parametrize("kept", [1, 1 << 22])
@pytest.mark.parametrize("dense", [10, 1 << 20])
@pytest.mark.parametrize("few", [0, 2, 100])
def test_one_stream_alone_has_the_bits_of_many(monkeypatch, kept, dense, few):
    monkeypatch.setattr("seqgen.experts.alone.KEPT", kept)
    monkeypatch.setattr("seqgen.experts.alone.FEW", few)
    monkeypatch.setattr("seqgen.experts.corpus.DENSE", dense)
    weights = np.random.default_rng(3).normal(size=first_weights().shape).astype(np.float32)
    made, logits = experts(weights), noise(120, V + 2)
    ids, other = text(4, 120), text(5, 120)
    ids[60], ids[90] = V + 1, V  # passed over, and a document
    one, two = made.start(1), made.start(2)
    for at in range(120):
        one = made.step(ids[at : at + 1], made.select(one, [0]) if at % 50 == 49 else one)
        two = made.step(np.array([other[at], ids[at]]), two)
        alone = made.said(logits[at : at + 1], one, weights)
        np.testing.assert_array_equal(alone[0], made.said(logits[[at, at]], two, weights)[1])
        np.testing.assert_array_equal(alone, made.mixed(logits[at : at + 1], made.known(one), weights))
        assert len(made.alone.kept) <= made.alone.most


def test_a_document_token_begins_anew_and_what_is_unknown_is_passed_over():
    made = experts()
    state = made.start(1)
    for token in [*text(4, 20).tolist(), V, V + 1, *text(5, 9).tolist()]:
        state = made.step(np.array([token]), state)
    alone, _ = made.read(text(5, 9), made.start(1))
    assert state.documents[0].length == 9
    np.testing.assert_array_equal(made.known(state).corpus[0], alone.corpus[-1])


def test_selected_and_joined_streams_go_on_alone():
    made = experts()
    state = made.join([made.skip(text(4, 20), made.start(1)), made.skip(text(5, 20), made.start(1))])
    twice = made.select(state, [1, 0, 1])
    after = made.step(np.array([1, 2, 3]), twice)
    assert [each.length for each in state.documents] == [20, 20]
    assert [each.length for each in after.documents] == [21, 21, 21]
    np.testing.assert_array_equal(
        after.contexts[1], made.step(np.array([7, 2]), state).contexts[0] * 0 + after.contexts[1]
    )


def test_lines_in_a_row_are_told():
    made, ids, begun = experts(), [3, 2, 9, 4, 2, 1, 5, 5, 0, V, 2], list[int]()
    state = made.start(1)
    for token in ids:
        state = made.step(np.array([token]), state)
        begun += made.known(state).begun
    assert begun == [0, 1, 2, 0, 1, 0, 2, 2, 0, 0, 1]
    known, _ = made.read(np.array(ids[:9]), made.start(1))
    assert known.begun == begun[:9]
    features = hear(noise(9), known).features[:, -2:]
    np.testing.assert_array_equal(features, [[each == 1, each == 2] for each in begun[:9]])
    silent, _ = dataclasses.replace(made, lines=None).read(np.array(ids[:9]), made.start(1))
    assert silent.begun == [0] * 9


def test_a_gate_that_knew_of_no_lines_does_not_mind_them():
    weights = np.random.default_rng(3).normal(size=first_weights().shape).astype(np.float32)
    weights[:, -2:] = 0
    old = Gate(weights, weights).to_json()
    for name in ("corpus", "document"):
        old[name] = [row[:-2] for row in old[name]]
    np.testing.assert_allclose(Gate.restore(old).document, weights, atol=1e-6)


def test_first_weights_are_the_network():
    made, logits = experts(), noise(30, V + 2)
    known, _ = made.read(text(4, 30), made.start(1))
    mixed = made.mixed(logits, known, first_weights())
    expected = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(mixed, expected, atol=1e-5)


def test_what_the_counts_do_not_know_the_network_decides():
    random = np.random.default_rng(3)
    weights = random.normal(size=first_weights().shape).astype(np.float32)
    made, logits = experts(weights), noise(30, V + 2)
    known, _ = made.read(text(4, 30), made.start(1))
    mixed = made.mixed(logits, known, weights)
    np.testing.assert_allclose(np.exp(mixed).sum(axis=1), 1, atol=1e-5)
    expected = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(mixed[:, V:], expected[:, V:], atol=1e-5)
    one = document.Evidence(*(each[7:8] for each in known.document))
    row = Known(known.corpus[7:8], known.reached[7:8], known.left[7:8], one, known.begun[7:8])
    alone = made.mixed(logits[7:8], row, weights)
    np.testing.assert_array_equal(alone[0], mixed[7])


def test_a_gate_finds_the_expert_that_knows():
    made, held = experts(), text(4, 3000)
    known, _ = made.read(held[:-1], made.start(1))
    heard = hear(noise(2999), known)
    fitted = Gate.fit(heard, held[1:].astype(np.int64))

    def nats(weights):
        mixed = joined(heard.experts[0] * 0, mix(heard, weights))
        return float(-mixed[np.arange(2999), held[1:]].mean())

    assert nats(fitted.document) <= nats(fitted.corpus) < nats(first_weights()) - 0.5
    assert nats(fitted.corpus) < float(-heard.experts[1][np.arange(2999), held[1:]].mean()) + 0.01
    assert not fitted.corpus[2].any()
    again = Gate.restore(fitted.to_json())
    np.testing.assert_allclose(again.document, fitted.document, atol=1e-6)
    for share, expected in ((0, again.corpus), (1, again.document)):
        found = dataclasses.replace(again, share=share).sampling
        np.testing.assert_allclose(found[:, :-2], expected[:, :-2])
        np.testing.assert_allclose(found[:, -2:], again.document[:, -2:])  # what begins a line is heard whole
    for heard, expected in ((0, first_weights()), (0.25, 0.75 * first_weights() + 0.25 * again.sampling)):
        np.testing.assert_allclose(dataclasses.replace(again, heard=heard).sampling, expected, rtol=1e-6)
    assert Gate.restore(dataclasses.replace(again, heard=0.25).to_json()).heard == 0.25
    old = {key: value for key, value in again.to_json().items() if key != "heard"}
    assert Gate.restore(old).heard == 1


def test_the_derivatives_are_those_of_the_loss():
    made, held = experts(), text(4, 200)
    known, _ = made.read(held[:-1], made.start(1))
    heard, targets = hear(noise(199), known), held[1:].astype(np.int64)
    weights = first_weights().astype(np.float64) + 0.01 * np.random.default_rng(1).normal(size=first_weights().shape)
    _, slope, bend = gate._derivatives(heard, targets, weights)
    for at in (0, 3, FEATURES, 2 * FEATURES + 5):
        step = np.zeros(weights.size)
        step[at] = 5e-3
        above, high, _ = gate._derivatives(heard, targets, weights + step.reshape(weights.shape))
        below, low, _ = gate._derivatives(heard, targets, weights - step.reshape(weights.shape))
        assert (above - below) / 1e-2 == pytest.approx(slope[at], rel=1e-3, abs=1e-3)
        np.testing.assert_allclose((high - low) / 1e-2, bend[at], rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("wrong", [{}, {"corpus": [[1.0]], "document": [[1.0]]}, {"corpus": "x", "document": None}])
def test_a_gate_that_makes_no_sense_is_refused(wrong):
    with pytest.raises((ValueError, KeyError, TypeError)):
        Gate.restore(wrong)


def test_heard_has_a_row_a_prediction():
    made = experts()
    known, _ = made.read(text(4, 12), made.start(1))
    heard = hear(noise(12), known)
    assert isinstance(heard, Heard)
    assert heard.experts.shape == (3, 12, V)
    assert heard.features.shape == (12, FEATURES)
    np.testing.assert_array_equal(heard.features[:, 1:13].sum(axis=1), 1)
