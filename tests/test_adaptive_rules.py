"""Rules that learn from what is drawn: what mirostat promises, and that each way of sampling tells them the truth."""

import itertools
from typing import Any

import numpy as np
import pytest

from seqgen import generation, registry, rules
from seqgen.cells.gru import GRU
from seqgen.generation.beam import search
from seqgen.generation.chain import RuleChain
from seqgen.generation.engines.cuda import CudaEngine
from seqgen.generation.engines.mixture import Fade, MixtureEngine, MixturePart
from seqgen.generation.engines.numpy import NumpyEngine
from seqgen.generation.engines.torch import TorchEngine
from seqgen.generation.limits import Limits
from seqgen.generation.loop import collect, generate
from seqgen.generation.steering import Steered
from seqgen.models import ModelSettings, weight_shapes
from seqgen.rules import AdaptiveRule, Scope
from seqgen.rules.mirostat import MOST, RATE, Mirostat
from seqgen.rules.top_a import TopA

V = 200
BIT = np.log(2)
NONE = np.empty((1, 0), np.int64)


def is_adaptive(name: str) -> bool:
    """Of one that does not load, tests/test_rules.py tells."""
    try:
        return issubclass(registry.load("rules", name), AdaptiveRule)
    except Exception:
        return False


ADAPTIVE = [name for name in registry.names("rules") if is_adaptive(name)]


class Markov(generation.Engine[int]):
    """Logits that depend on the token before alone: one token is likely, many others are possible, as in a text."""

    vocab_size = V

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        p = np.exp(1.2 * rng.standard_normal((V, V)))
        p /= p.sum(axis=1, keepdims=True)
        likely = rng.uniform(0.4, 0.9, (V, 1))
        p = (1 - likely) * p + likely * np.eye(V)[rng.integers(0, V, V)]
        self.logits = np.log(p).astype(np.float32)

    def start(self, batch: int) -> int:
        return batch

    def step(self, ids: Any, state: int) -> tuple[Any, int]:
        return self.logits[ids], state

    def prefill(self, ids: Any, state: int) -> tuple[Any, int]:
        return self.step(ids[-1:], state)

    def select(self, state: int, rows: Any) -> int:
        return len(rows)

    def join(self, states: Any) -> int:
        return sum(states)


def sampled(engine: Any, given: Any, length: int, streams: int = 1, **limits: Any) -> list[Any]:
    chain = rules.bind([rules.parse(*rule) for rule in given], Scope([], length=length))
    prompts = [np.array([index % engine.vocab_size]) for index in range(streams)]
    bounds = Limits(length=length, **limits)
    return collect(generate(engine, prompts, chain, seed=5, limits=bounds, scores=True), streams)


def bits(sample: Any) -> Any:
    """The surprise of each token under the model before rules."""
    return -np.array(sample.log_probabilities, np.float64) / BIT


@pytest.mark.parametrize("tau", [1, 1.5, 2, 3])
def test_the_mean_surprise_comes_to_the_target(tau: float) -> None:
    """Within 0.04 bits of it over 4,000 tokens: the change of the limit over ηn, where it stays between its bounds."""
    samples = sampled(Markov(), [("mirostat", tau)], 4_000, streams=3)
    for sample in samples:
        assert bits(sample).mean() == pytest.approx(tau, abs=0.04)
        limits = [Mirostat(tau).start(1)]
        for surprise in bits(sample):
            limits.append(Mirostat(tau).observe(limits[-1], NONE[0], np.array([surprise * BIT])))
        if max(map(abs, limits)) < MOST:
            assert bits(sample).mean() - tau == pytest.approx((2 * tau - limits[-1][0]) / (RATE * 4_000), abs=1e-6)
    assert samples[0].ids != samples[1].ids


@pytest.mark.parametrize("before", [[("temperature", 0.8)], [("top_k", 20)], [("ban", "a"), ("temperature", 1.5)]])
def test_the_mean_is_that_of_the_model_whatever_stands_before_it(before: Any) -> None:
    names = [chr(97 + token) for token in range(V)]
    chain = rules.bind(
        [rules.parse(*rule) for rule in [*before, ("mirostat", 1.5)]], Scope(names, [*map(str.encode, names)])
    )
    (sample,) = collect(generate(Markov(), [np.array([3])], chain, seed=5, limits=Limits(length=4_000), scores=True), 1)
    assert bits(sample).mean() == pytest.approx(1.5, abs=0.04)


def test_a_target_out_of_reach_cuts_nothing_off_and_is_left_soon() -> None:
    free, far = (sampled(Markov(), given, 2_000)[0] for given in ([], [("mirostat", 9)]))
    assert free.ids == far.ids
    chain, memory = Mirostat(9), Mirostat(9).start(1)
    for surprise in bits(free):
        memory = chain.observe(memory, NONE[0], np.array([surprise * BIT]))
    assert memory[0] == MOST
    back = sampled(Markov(), [("mirostat", "9..1/1000")], 4_000)[0]
    assert bits(back)[2_000:].mean() == pytest.approx(1, abs=0.03)


def test_the_target_may_follow_a_schedule() -> None:
    ramp = bits(sampled(Markov(), [("mirostat", "0.5..3/4000")], 6_000)[0])
    for begin in (1_000, 2_500, 5_000):
        middle = 0.5 + 2.5 * min(1, (begin + 250) / 4_000)
        assert ramp[begin : begin + 500].mean() == pytest.approx(middle, abs=0.15)


def test_one_step_of_mirostat_is_the_published_one() -> None:
    rule, p = Mirostat(1.2), np.array([0.5, 0.25, 0.125, 0.0625, 0.0625])
    logits = np.log(p).astype(np.float32)[None]
    memory = rule.start(1)
    assert memory.tolist() == [2.4]
    for limit, kept in ((2.4, 2), (3.01, 3), (4.01, 5), (0.2, 1)):
        assert np.isfinite(rule.apply(logits, NONE, np.array([limit]))).sum() == kept
    after = rule.observe(memory, np.array([1]), np.array([2 * BIT]))
    assert after[0] == pytest.approx(2.4 - RATE * (2 - 1.2))
    assert memory.tolist() == [2.4]


@pytest.mark.parametrize("a", [0.04, 0.2, 1.0])
def test_top_a_keeps_exactly_what_is_at_least_as_likely_as_its_floor(a: float) -> None:
    rng = np.random.default_rng(1)
    logits = (rng.choice([0.3, 1, 3], (200, 1)) * rng.standard_normal((200, V))).astype(np.float32)
    p = np.exp(logits.astype(np.float64))
    p /= p.sum(axis=1, keepdims=True)
    kept = np.isfinite(TopA(a)(logits, NONE))
    np.testing.assert_array_equal(kept, p >= a * p.max(axis=1, keepdims=True) ** 2)
    assert len({*kept.sum(axis=1)}) > 10, "sure rows keep few, others many"


GIVEN = [("temperature", 1.1), ("mirostat", "0.8..2"), ("top_a", 0.01)]


def weights(settings: ModelSettings) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    return {name: rng.standard_normal(shape) for name, shape in weight_shapes(GRU(), settings, V).items()}


def engines() -> list[Any]:
    shape = ModelSettings(hidden=16)
    given = weights(shape)
    return [NumpyEngine(GRU(), shape, given), TorchEngine(GRU(), shape, given), CudaEngine(GRU(), shape, given, "cpu")]


def test_all_engines_draw_the_same_tokens_whatever_the_batch() -> None:
    end = sampled(engines()[0], GIVEN, 120)[0].ids[30]
    whole = [[each.ids for each in sampled(engine, GIVEN, 120, 9, end_id=end)] for engine in engines()]
    assert whole[0] == whole[1] == whole[2]
    assert len({len(ids) for ids in whole[0]}) > 2, "streams must end at different times"
    assert sampled(engines()[0], GIVEN, 120, 5, end_id=end)[4].ids == whole[0][4]
    assert [each.ids for each in sampled(engines()[0], GIVEN[:1], 120, 9, end_id=end)] != whole[0]


def test_a_device_follows_top_a_itself_and_leaves_mirostat_to_the_host() -> None:
    device = engines()[2]
    assert device.plan([TopA(0.2)], None, False) is not None
    assert device.plan([TopA(0.2), Mirostat(2)], None, False) is None


def test_a_mixture_is_held_at_the_target_as_a_whole() -> None:
    mixture = MixtureEngine([MixturePart(Markov(1)), MixturePart(Markov(2))], Fade((1, 0), (0.3, 0.7), 100), V)
    assert bits(sampled(mixture, [("mirostat", 2.5)], 4_000)[0]).mean() == pytest.approx(2.5, abs=0.04)


def test_each_hypothesis_of_a_beam_has_a_memory_of_its_own() -> None:
    engine, rule, length = Markov(), Mirostat(0.6), 5
    for found in search(engine, np.array([3]), 12, [rule], Limits(length=length)):
        memory, last, total = rule.start(1), 3, 0.0
        for token in found.ids:
            logits = engine.logits[[last]].astype(np.float64)
            kept = rule.apply(logits, NONE, memory)
            total += kept[0, token] - np.log(np.exp(kept).sum())
            surprise = np.log(np.exp(logits).sum()) - logits[0, token]
            memory, last = rule.observe(memory, np.array([token]), np.array([surprise])), token
        assert found.nats == pytest.approx(total, abs=1e-4)


def steered(count: int, *given: Any) -> tuple[Steered, list[int]]:
    chain = [rules.parse(*rule) for rule in given]
    stream = Steered(Markov(), np.array([3]), chain, 5, Limits(length=10_000), scores=True)
    return stream, [int(stream.step().ids[0]) for _ in range(count)]


def test_a_steered_stream_draws_what_a_loop_draws() -> None:
    limits = Limits(length=300)
    (sample,) = collect(generate(Markov(), [np.array([3])], [Mirostat(1.5)], seed=5, limits=limits), 1)
    assert steered(300, ("mirostat", 1.5))[1] == sample.ids


def test_what_was_learned_goes_over_to_a_new_rule_of_the_kind() -> None:
    stream, _ = steered(200, ("mirostat", 2))
    learned = stream._run.chain.memories[0]
    assert learned[0] != 4
    stream.set_rules([rules.parse("temperature", 0.9), rules.parse("mirostat", "2..3/50")])
    np.testing.assert_array_equal(stream._run.chain.memories[1], learned)
    stream.set_rules([rules.parse("temperature", 0.9)])
    assert not stream._run.chain.adaptive
    stream.set_rules([rules.parse("mirostat", 2)])
    assert stream._run.chain.memories[0].tolist() == [4]


def test_rules_learn_from_what_is_drawn_alone_and_a_restart_forgets() -> None:
    stream, _ = steered(50, ("mirostat", 2))
    learned = stream._run.chain.memories[0]
    stream.feed(np.array([1, 2, 3]))
    np.testing.assert_array_equal(stream._run.chain.memories[0], learned)
    stream.restart(np.array([4]))
    assert stream._run.chain.memories[0].tolist() == [4]


@pytest.mark.parametrize("name", ADAPTIVE)
def test_memories_are_rows_that_do_not_see_one_another(name: str) -> None:
    contract = registry.load("rules", name).contract
    rng = np.random.default_rng(2)
    for value in contract.values:
        rule = rules.parse(name, value).bind(Scope([], length=30))
        together, alone = RuleChain([rule], 4), [RuleChain([rule], 1) for _ in range(4)]
        rows = list(range(4))
        for position in range(30):
            logits = (2 * rng.standard_normal((len(rows), V))).astype(np.float32)
            past = rng.integers(-1, V, (len(rows), rule.window))
            ids, surprise = rng.integers(0, V, len(rows)), (5 * rng.random(len(rows))).astype(np.float32)
            before, memory = logits.copy(), together.memories[0].copy()
            found = together.apply(logits, past, position)
            assert np.isfinite(found).any(axis=-1).all()
            together.observe(ids, surprise, position)
            np.testing.assert_array_equal(logits, before)
            assert together.memories[0].shape == memory.shape
            for place, row in enumerate(rows):
                one = slice(place, place + 1)
                np.testing.assert_array_equal(found[one], alone[row].apply(logits[one], past[one], position))
                alone[row].observe(ids[one], surprise[one], position)
            if position == 10:
                together.select([3, 1])
                rows = [3, 1]


@pytest.mark.parametrize("name", ADAPTIVE)
def test_a_rule_keeps_nothing_itself(name: str) -> None:
    rule = registry.load("rules", name)(registry.load("rules", name).contract.values[1])
    before, memory = repr(rule), rule.start(2)
    kept = memory.copy()
    for _, surprise in itertools.product(range(5), (0.1, 4)):
        rule.observe(memory, np.array([1, 2]), np.full(2, surprise, np.float32))
    assert repr(rule) == before
    np.testing.assert_array_equal(memory, kept)
