"""The n-gram baseline against a naive model that follows the paper, and against what every distribution must be."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from seqgen.experts import ngram
from seqgen.experts.ngram import NGram, between


class Naive:
    """Interpolated modified Kneser-Ney with dictionaries, one n-gram at a time (Chen & Goodman 1999, section 3)."""

    def __init__(self, documents, vocab_size, order):
        self.vocab_size, self.order, self.counts = vocab_size, order, {}
        for n in range(1, order + 1):
            left, raw = defaultdict(set), Counter()
            for document in documents:
                for end in range(n, len(document) + 1):
                    gram = tuple(document[end - n : end])
                    raw[gram] += 1
                    left[gram].add(document[end - n - 1] if end > n else "start")
            self.counts[n] = raw if n == order else Counter({gram: len(seen) for gram, seen in left.items()})

    def discount(self, n, count):
        have = Counter(self.counts[n].values())
        if not all(have[k] for k in (1, 2, 3, 4)):
            return ngram.FALLBACK[min(count, 3) - 1]
        y = have[1] / (have[1] + 2 * have[2])
        found = [k - (k + 1) * y * have[k + 1] / have[k] for k in (1, 2, 3)]
        usable = all(0 <= d <= k for k, d in zip((1, 2, 3), found))
        return (found if usable else ngram.FALLBACK)[min(count, 3) - 1]

    def probability(self, context, token):
        n = len(context) + 1
        lower = self.probability(context[1:], token) if context else 1 / self.vocab_size
        after = {gram[-1]: count for gram, count in self.counts[n].items() if gram[:-1] == context}
        if not after:
            return lower
        total, saved = sum(after.values()), sum(self.discount(n, count) for count in after.values())
        count = after.get(token, 0)
        return ((count - self.discount(n, count) if count else 0) + saved * lower) / total

    def nats(self, documents):
        return [
            -math.log(self.probability(tuple(document[max(0, i + 1 - self.order) : i]), document[i]))
            for document in documents
            for i in range(len(document))
        ]


def corpus(seed, vocab_size, lengths):
    """Random documents with some structure, so that every count from one up occurs."""
    random = np.random.default_rng(seed)
    weights = random.dirichlet(np.full(vocab_size, 0.3), size=vocab_size)
    documents = []
    for length in lengths:
        tokens = [int(random.integers(vocab_size))]
        while len(tokens) < length:
            tokens.append(int(random.choice(vocab_size, p=weights[tokens[-1]])))
        documents.append(tokens[:length])
    return documents


def joined(documents, dtype=np.uint16):
    starts = np.cumsum([0] + [len(document) for document in documents])
    return np.array([token for document in documents for token in document], dtype), starts


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("lengths", [(700,), (1, 300, 2, 0, 3, 250, 90)])
def test_agrees_with_a_naive_model(order, lengths):
    train, held = corpus(1, 12, lengths), corpus(2, 13, (60, 0, 1, 2, 40))
    model = NGram.fit(*joined(train), vocab_size=13, order=order)
    assert model.order == order
    expected = Naive([document for document in train if document], 13, order).nats(held)
    np.testing.assert_allclose(model.nats(*joined(held)), expected, rtol=2e-5)


@pytest.mark.parametrize("context", [[], [3], [3, 1], [5, 5, 5, 5], [8], [0, 8, 2], [1, 2, 3, 4, 0, 1]])
def test_probabilities_sum_to_one(context):
    model = NGram.fit(*joined(corpus(3, 8, (500, 40))), vocab_size=9, order=4)
    every = [[*context, token] for token in range(9)]
    ids, starts = joined(every)
    last = model.nats(ids, starts)[starts[1:] - 1].astype(float)
    assert np.exp(-last).sum() == pytest.approx(1, abs=1e-5)


def test_documents_do_not_see_each_other():
    model = NGram.fit(*joined(corpus(4, 6, (400,))), vocab_size=6, order=3)
    first, second = [0, 1, 2, 3], [4, 5, 0, 1]
    apart = np.concatenate([model.nats(*joined([first])), model.nats(*joined([second]))])
    np.testing.assert_array_equal(model.nats(*joined([first, second])), apart)
    assert not np.allclose(model.nats(*joined([first + second])), apart)


def test_a_repeated_line_is_learned():
    text = np.tile(np.arange(20), 50)
    model = NGram.fit(text, np.array([0]), vocab_size=20, order=3)
    assert model.nats(text, np.array([0]))[2:].max() < 0.05


@pytest.mark.parametrize(("length", "low", "high"), [(40, 1, 2), (900, 1, 4), (30_000, 2, 4)])
def test_the_order_is_the_best_on_held_out_tokens(length, low, high):
    ids, starts = joined(corpus(6, 6, (length,)))  # a Markov chain of order 1
    cut = length - length // 10
    losses = [
        NGram.fit(ids[:cut], starts, 6, order).nats(ids[cut:], np.array([0])).mean(dtype=float)
        for order in range(1, high + 2)
    ]
    chosen = NGram.fit(ids, starts, 6).order
    assert low <= chosen <= high
    assert chosen - 1 == np.argmin(losses)


def test_the_chosen_order_is_fitted_on_everything():
    ids, starts = joined(corpus(7, 6, (2000, 2000)))
    held = joined(corpus(8, 6, (50,)))
    chosen = NGram.fit(ids, starts, 6)
    np.testing.assert_array_equal(chosen.nats(*held), NGram.fit(ids, starts, 6, order=chosen.order).nats(*held))


@pytest.mark.parametrize("documents", [[], [[]], [[4]], [[4], [4], [2]], [[], [1, 1], []]])
@pytest.mark.parametrize("order", [None, 1, 4])
def test_next_to_nothing_still_gives_a_distribution(documents, order):
    model = NGram.fit(*joined(documents), vocab_size=5, order=order)
    nats = model.nats(*joined([[token] for token in range(5)])).astype(float)
    assert np.exp(-nats).sum() == pytest.approx(1, abs=1e-5)
    assert len(model.nats(*joined([]))) == 0


def test_large_vocabularies_do_not_overflow():
    ids, starts = joined(corpus(9, 10, (300,)), np.uint32)
    wide = ids * np.uint32(400_000_000)
    narrow = NGram.fit(ids, starts, vocab_size=1 << 32, order=3).nats(ids, starts)
    np.testing.assert_array_equal(NGram.fit(wide, starts, vocab_size=1 << 32, order=3).nats(wide, starts), narrow)


@pytest.mark.parametrize("limit", [1 << 20, 1 << 60])
def test_both_ways_to_sort_agree(limit):
    keys, where = np.random.default_rng(0).integers(0, 900, 500), np.arange(500) * 3 + 1
    ordered, moved = ngram._sorted(keys, where, limit)
    np.testing.assert_array_equal(ordered, np.sort(keys))
    np.testing.assert_array_equal(ordered, keys[(moved - 1) // 3])
    assert sorted(moved) == where.tolist()


def test_only_the_last_tokens_are_counted(monkeypatch):
    ids, starts = joined(corpus(10, 6, (500, 300, 400)))
    held = joined(corpus(11, 6, (50,)))
    monkeypatch.setattr(ngram, "MAX_TOKENS", 600)
    capped = NGram.fit(ids, starts, 6, order=3).nats(*held)
    np.testing.assert_array_equal(capped, NGram.fit(ids[600:], np.array([0, 200]), 6, order=3).nats(*held))


def test_between_keeps_document_starts():
    ids, starts = between(np.arange(10), np.array([0, 3, 6, 10]), 2, 8)
    assert ids.tolist() == [2, 3, 4, 5, 6, 7]
    assert starts.tolist() == [0, 1, 4]
