"""A steered stream: unsteered it is what `generate` draws; changes take hold at once and nowhere else."""

from itertools import pairwise

import numpy as np
import pytest

from seqgen.cells.lstm import LSTM
from seqgen.generation import load
from seqgen.generation.limits import Limits
from seqgen.generation.loop import generate
from seqgen.generation.steering import Steered
from seqgen.models import ModelSettings, weight_shapes
from seqgen.rules import parse

V = 12
FIFTY = Limits(length=50)
PROMPT = np.array([1, 2, 3], np.uint16)


@pytest.fixture(scope="module")
def engine():
    rng = np.random.default_rng(0)
    settings = ModelSettings(hidden=8)
    shapes = weight_shapes(LSTM(), settings, V)
    weights = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return load("numpy", LSTM(), settings, weights)


def steered(engine, rules=(), limits=FIFTY, scores=False):
    return Steered(engine, PROMPT, [parse(*rule) for rule in rules], 7, limits, scores)


def run(stream, count=1000):
    ids = []
    while stream.active and len(ids) < count:
        ids += stream.step().ids.tolist()
    return ids


def expected(engine, prompt, rules=(), length=50, seed=7):
    steps = generate(engine, [np.asarray(prompt)], [parse(*rule) for rule in rules], seed=seed, limits=Limits(length))
    return [int(step.ids[0]) for step in steps]


RULES = (("temperature", 0.9), ("repetition", 1.3), ("top_p", 0.9))


def test_unsteered_it_is_what_generate_draws(engine):
    assert run(steered(engine, RULES)) == expected(engine, PROMPT, RULES)


def test_scores_are_those_of_generate(engine):
    stream = steered(engine, scores=True)
    steps = list(generate(engine, [PROMPT], [], seed=7, limits=Limits(length=5), scores=True))
    for step in steps:
        mine = stream.step()
        assert mine.log_probabilities == step.log_probabilities
        assert mine.entropies == step.entropies


def test_rules_change_from_the_next_token_on(engine):
    stream = steered(engine)
    before = run(stream, 20)
    stream.set_rules([parse("temperature", 0)])
    after = run(stream, 10)
    assert before == expected(engine, PROMPT)[:20]
    assert after == expected(engine, [*PROMPT, *before], [("temperature", 0)], 10)


def test_a_rule_that_looks_back_sees_what_the_one_before_it_kept(engine):
    stream = steered(engine, [("repetition", 1.0)])
    before = run(stream, 5)
    stream.set_rules([parse("repetition", 2.0)])
    assert stream._run.history.latest[0, -8:].tolist() == [*PROMPT.tolist(), *before]


def test_what_is_fed_is_as_if_it_had_been_said(engine):
    stream = steered(engine, [("temperature", 0)])
    before = run(stream, 4)
    stream.feed(np.array([5, 6, 7]))
    assert run(stream, 10) == expected(engine, [*PROMPT, *before, 5, 6, 7], [("temperature", 0)], 10)


def test_a_restart_forgets_everything(engine):
    stream = steered(engine, [("temperature", 0)])
    run(stream, 9)
    stream.restart(np.array([4], np.uint16))
    assert run(stream, 10) == expected(engine, [4], [("temperature", 0)], 10)


def test_length_and_draws_go_on_counting(engine):
    stream = steered(engine)
    run(stream, 20)
    stream.restart(PROMPT)
    rest = run(stream)
    assert len(rest) == 30
    assert rest != expected(engine, PROMPT)[:30], "the noise is that of later positions"


def test_no_tokens_is_an_end(engine):
    assert not steered(engine, limits=Limits(length=0)).active


def test_the_end_token_ends_it(engine):
    stream = steered(engine, limits=Limits(end_id=5, length=5000))
    ids = run(stream, 5000)
    assert ids[-1] == -1
    assert 5 not in ids
    assert not stream.active


class Alternating:
    """A grammar: even and odd tokens take turns."""

    def start(self):
        return None

    def step(self, state, token):
        return token % 2

    def allowed(self, state):
        return np.ones(V, bool) if state is None else np.arange(V) % 2 != state

    def may_end(self, state):
        return True


def test_a_grammar_sees_what_is_fed_and_what_is_begun_anew(engine):
    stream = steered(engine, limits=Limits(grammar=Alternating(), length=50))
    first = run(stream, 6)
    stream.feed(np.array([2]))
    second = run(stream, 6)
    stream.restart(np.array([3]))
    third = run(stream, 6)
    for ids in ([3, *first], [2, *second], [3, *third]):
        assert all(a % 2 != b % 2 for a, b in pairwise(ids))
