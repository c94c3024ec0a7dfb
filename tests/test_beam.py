"""Beam search finds what trying everything finds; the best of N is the likeliest."""

import itertools
from typing import Any

import numpy as np
import pytest

from seqgen import rules
from seqgen.cells.lstm import LSTM
from seqgen.errors import SettingError, UsageError
from seqgen.generation.beam import search
from seqgen.generation.choosing import best_of
from seqgen.generation.engines.numpy import NumpyEngine
from seqgen.generation.limits import Limits
from seqgen.generation.loop import SampledStream, collect, generate
from seqgen.models import ModelSettings, weight_shapes

V, END, LENGTH = 5, 4, 4
PROMPT = np.array([END, 1])


def engine() -> NumpyEngine:
    rng = np.random.default_rng(8)
    settings = ModelSettings(hidden=6)
    shapes = weight_shapes(LSTM(), settings, V)
    return NumpyEngine(LSTM(), settings, {name: rng.standard_normal(shape) for name, shape in shapes.items()})


def nats(path: tuple[int, ...], chain: list[rules.Rule]) -> float:
    """The log-probability of a path from the definition, one step at a time."""
    run = engine()
    logits, state = run.prefill(PROMPT, run.start(1))
    total, past = 0.0, PROMPT.tolist()
    for token in path:
        for rule in chain:
            logits = rule(logits, np.array([([-1] * rule.window + past)[len(past) :]]))
        z = logits[0].astype(np.float64)
        total += z[token] - z.max() - np.log(np.exp(z - z.max()).sum())
        past.append(token)
        logits, state = run.step(np.array([token]), state)
    return total


def everything(chain: list[rules.Rule]) -> dict[tuple[int, ...], float]:
    """Every path that ends, or is as long as it may be, and its log-probability."""
    paths = [
        path
        for length in range(1, LENGTH + 1)
        for path in itertools.product(range(V), repeat=length)
        if END not in path[:-1] and (path[-1] == END or length == LENGTH)
    ]
    return {path: nats(path, chain) for path in paths}


@pytest.mark.parametrize("names", [[], [("repetition", 3), ("top_k", 3)]])
@pytest.mark.parametrize("alpha", [0.0, 0.7, 1.0])
def test_a_beam_wide_enough_finds_the_best_of_all(names: Any, alpha: float) -> None:
    chain = [rules.parse(name, value) for name, value in names]
    found = search(engine(), PROMPT, V**LENGTH, chain, Limits(length=LENGTH, end_id=END), alpha)
    scores = {path: total / len(path) ** alpha for path, total in everything(chain).items() if total > -np.inf}
    best = sorted(scores.items(), key=lambda item: -item[1])
    assert len(found) == len(best)
    for hypothesis, (path, score) in zip(found[:20], best):
        assert hypothesis.ids == tuple(token for token in path if token != END)
        assert hypothesis.score == pytest.approx(score, abs=1e-4)
        assert hypothesis.finished == ("end" if path[-1] == END else "length")


def test_a_beam_of_one_is_the_greedy_sample() -> None:
    limits = Limits(length=30, banned=np.arange(V) == END)
    (greedy,) = collect(generate(engine(), [PROMPT], [rules.parse("temperature", 0)], seed=1, limits=limits), 1)
    (found,) = search(engine(), PROMPT, 1, [], limits)
    assert found.ids == tuple(greedy.ids)


def test_a_wider_beam_is_never_worse_here_and_its_scores_are_those_of_the_model() -> None:
    limits = Limits(length=LENGTH, end_id=END)
    exact, best = everything([]), []
    for width in (1, 2, 4, 16):
        found = search(engine(), PROMPT, width, [], limits, 0)
        assert len(found) <= width
        for each in found:
            path = (*each.ids, END) if each.finished == "end" else each.ids
            assert each.nats == pytest.approx(exact[path], abs=1e-4)
        best.append(found[0].nats)
    assert best == sorted(best)
    assert best[-1] == pytest.approx(max(exact.values()), abs=1e-4)


class Climb:
    """A grammar: each token is one more than the last, 3 is followed by 0."""

    def start(self) -> int:
        return 0

    def step(self, state: int, token: int) -> int:
        return token

    def allowed(self, state: int) -> Any:
        return np.arange(V) == (state + 1) % 4

    def may_end(self, state: int) -> bool:
        return True


def test_a_beam_keeps_the_grammar_and_the_schedule() -> None:
    limits = Limits(length=6, end_id=END, grammar=Climb())
    assert [each.ids for each in search(engine(), PROMPT, 3, [], limits)] == [(2, 3, 0, 1, 2, 3)]
    ramp = rules.parse("top_k", "1..5/1")
    found = search(engine(), PROMPT, V**2, [ramp], Limits(length=2))
    assert len({each.ids[0] for each in found}) == 1
    assert len(found) == V


def test_what_a_beam_cannot_do_is_one_sentence() -> None:
    with pytest.raises(UsageError, match="a beam search without a length never ends"):
        search(engine(), PROMPT, 2, [], Limits())
    with pytest.raises(SettingError, match="beam is 0, expected at least 1"):
        search(engine(), PROMPT, 0, [], Limits(length=3))
    with pytest.raises(SettingError, match="length is 99999, expected at most 10,000 with a beam"):
        search(engine(), PROMPT, 1, [], Limits(length=99_999))


def test_the_best_of_n_is_the_likeliest_by_the_token() -> None:
    samples = collect(generate(engine(), [PROMPT] * 12, [], seed=3, limits=Limits(length=9), scores=True), 12)
    chosen = best_of(samples, 4)
    assert [choice.index // 4 for choice in chosen] == [0, 1, 2]
    for group, choice in enumerate(chosen):
        scores = [nats(tuple(sample.ids), []) / 9 for sample in samples[4 * group : 4 * group + 4]]
        assert choice.score == pytest.approx(max(scores), abs=1e-4)
        assert choice.sample is samples[4 * group + int(np.argmax(scores))]


def test_empty_samples_are_chosen_only_among_their_like() -> None:
    empty, unlikely = SampledStream(), SampledStream([1], [-9.0])
    assert [choice.index for choice in best_of([empty, unlikely, empty, empty], 2)] == [1, 2]
    with pytest.raises(UsageError, match="3 samples do not make groups of 2"):
        best_of([empty] * 3, 2)
    with pytest.raises(UsageError, match="no log-probabilities"):
        best_of([SampledStream([1])], 1)
