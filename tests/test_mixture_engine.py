"""Mixtures: weights at their ends are the parts themselves, in between what was computed by hand."""

import subprocess
import sys

import numpy as np
import pytest

from seqgen.cells.gru import GRU
from seqgen.cells.lstm import LSTM
from seqgen.errors import SettingError, UsageError
from seqgen.generation.engines.mixture import Fade, MixtureEngine, MixturePart
from seqgen.generation.engines.numpy import NumpyEngine
from seqgen.generation.engines.torch import TorchEngine
from seqgen.generation.loop import Limits, collect, generate
from seqgen.models import ModelSettings, weight_shapes
from seqgen.rules import parse

V = 13  # ids that all parts know; 12 begins a document
DOCUMENT = 12
PROMPT = np.array([DOCUMENT, 3, 1, 4])


def weights(cell, settings, vocab_size, seed):
    rng = np.random.default_rng(seed)
    shapes = weight_shapes(cell, settings, vocab_size)
    return {name: (0.5 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}


def make(kind=NumpyEngine, vocab_size=V, seed=1, cell=None):
    cell, settings = cell or LSTM(), ModelSettings(hidden=10, layers=2)
    return kind(cell, settings, weights(cell, settings, vocab_size, seed))


def mixture(*parts, fade=None, average="logits", start=None, end=None, length=0):
    even = tuple(1.0 for _ in parts)
    fade = fade or Fade(start or even, end or start or even, length)
    parts = [part if isinstance(part, MixturePart) else MixturePart(part) for part in parts]
    return MixtureEngine(parts, fade, V, DOCUMENT, average)


def run(engine, ids, prompt=PROMPT):
    """Logits after the prompt and after each of `ids`."""
    logits, state = engine.prefill(prompt, engine.start(1))
    found = [logits.copy()]
    for token in ids:
        logits, state = engine.step(np.array([token]), state)
        found.append(logits.copy())
    return np.concatenate(found)


def sampled(engine, prompts=2, seed=5, length=40):
    rules = [parse("temperature", 0.9), parse("top_k", 8)]
    limits = Limits(length=length, end_id=DOCUMENT)
    steps = generate(engine, [PROMPT] * prompts, rules, seed=seed, limits=limits)
    return [sample.ids for sample in collect(steps, prompts)]


def softmax(logits):
    powers = np.exp(logits.astype(np.float64))
    return powers / powers.sum(-1, keepdims=True)


IDS = np.random.default_rng(0).integers(0, 12, 20)


@pytest.mark.parametrize("average", ["logits", "probabilities"])
@pytest.mark.parametrize(("start", "alone"), [((1, 0), 0), ((0, 1), 1), ((0.0, 7.0), 1)])
def test_all_the_weight_is_the_part_itself_to_the_bit(average, start, alone):
    parts = [make(seed=1), make(seed=2, cell=GRU())]
    expected = run(parts[alone], IDS)
    np.testing.assert_array_equal(run(mixture(*parts, start=start, average=average), IDS), expected)
    assert sampled(mixture(*parts, start=start, average=average)) == sampled(parts[alone])


@pytest.mark.parametrize("kind", [NumpyEngine, TorchEngine])
def test_blends_by_hand(kind):
    parts = [make(kind, seed=1), make(kind, seed=2), make(kind, seed=3)]
    alone = [run(part, IDS) for part in parts]
    shares = (0.5, 0.3, 0.2)
    logits = run(mixture(*parts, start=(5, 3, 2)), IDS)
    np.testing.assert_allclose(logits, sum(w * each for w, each in zip(shares, alone)), atol=1e-5)
    linear = run(mixture(*parts, start=(5, 3, 2), average="probabilities"), IDS)
    mean = sum(w * softmax(each) for w, each in zip(shares, alone))
    np.testing.assert_allclose(softmax(linear), mean, atol=1e-6)
    assert np.abs(softmax(logits) - mean).max() > 1e-3, "the two averages would be one"


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_a_fade_reaches_its_ends(average):
    parts = [make(seed=1), make(seed=2)]
    first, last = (run(part, IDS) for part in parts)
    faded = run(mixture(*parts, start=(1, 0), end=(0, 1), length=10, average=average), IDS)
    np.testing.assert_array_equal(faded[0], first[0])
    np.testing.assert_array_equal(faded[10:], last[10:])
    middle = run(mixture(*parts, average=average), IDS)
    np.testing.assert_allclose(faded[5], middle[5], atol=1e-6)
    assert not np.allclose(faded[5], first[5], atol=1e-2)


def test_weights_over_time():
    fade = Fade((3, 1), (0, 2), 4)
    np.testing.assert_allclose(
        fade.at(np.array([0, 1, 2, 4, 9])), [[0.75, 0.25], [0.5625, 0.4375], [0.375, 0.625], [0, 1], [0, 1]]
    )
    np.testing.assert_allclose(Fade((2, 6), (2, 6)).at(np.array([0, 5])), [[0.25, 0.75]] * 2)


def test_prompts_do_not_move_the_fade():
    parts = [make(seed=1), make(seed=2)]
    engine = mixture(*parts, start=(1, 0), end=(0, 1), length=3)
    longer = np.concatenate([PROMPT, IDS])
    np.testing.assert_array_equal(run(engine, [], longer), run(parts[0], [], longer))
    state = engine.prefill(longer, engine.start(1))[1]
    assert state.positions.tolist() == [0]


def test_streams_are_selected_and_joined_with_their_positions():
    parts = [make(seed=1), make(seed=2)]
    engine = mixture(*parts, start=(1, 0), end=(0, 1), length=8)
    logits, early = engine.prefill(PROMPT, engine.start(1))
    _, late = engine.prefill(PROMPT, engine.start(1))
    for token in IDS[:5]:
        _, late = engine.step(np.array([token]), late)
    both = engine.select(engine.join([early, late]), [1, 0, 1])
    assert both.positions.tolist() == [5, 0, 5]
    logits, both = engine.step(np.array([7, 2, 7]), both)
    assert both.positions.tolist() == [6, 1, 6]
    np.testing.assert_allclose(logits[0], run(engine, [*IDS[:5], 7])[-1], atol=1e-5)
    np.testing.assert_allclose(logits[1], run(engine, [2])[-1], atol=1e-5)
    np.testing.assert_array_equal(logits[0], logits[2])


def test_the_seed_decides_whatever_the_batch():
    engine = mixture(make(seed=1), make(seed=2), start=(1, 0), end=(0, 1), length=20)
    assert sampled(engine, 3) == sampled(engine, 3)
    assert sampled(engine, 3)[:1] == sampled(engine, 1)
    assert sampled(engine, 3) != sampled(engine, 3, seed=6)


def test_labels_of_one_network_are_two_streams_of_it():
    """Ids 13 and 14 are labels; a mixture never shows them, and each part reads its own behind the document token."""
    network = make(vocab_size=V + 2)
    engine = mixture(MixturePart(network, 13), MixturePart(network, 14), start=(0.7, 0.3))
    assert engine.vocab_size == V
    first, second = (run(network, IDS, np.insert(PROMPT, 1, label))[:, :V] for label in (13, 14))
    assert not np.allclose(first, second, atol=1e-3)
    blended = run(engine, IDS)
    assert blended.shape == (21, V)
    np.testing.assert_allclose(blended, 0.7 * first + 0.3 * second, atol=1e-5)
    alone = mixture(MixturePart(network, 13), MixturePart(network, 14), start=(1, 0))
    np.testing.assert_array_equal(run(alone, IDS), first)


def test_parts_may_know_different_labels():
    with_labels, without = make(vocab_size=V + 2, seed=1), make(seed=2)
    found = run(mixture(MixturePart(with_labels, 14), without), IDS)
    labelled = run(with_labels, IDS, np.insert(PROMPT, 1, 14))[:, :V]
    np.testing.assert_allclose(found, (labelled + run(without, IDS)) / 2, atol=1e-5)


def test_torch_is_not_imported():
    code = "import sys, seqgen.generation.engines.mixture, seqgen.api.mixture; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("start", "end", "length"), [((), (), 0), ((0, 0), (1, 1), 0), ((1, -1), (1, 1), 0), ((float("nan"),), (1,), 0)]
)
def test_weights_that_make_no_sense(start, end, length):
    with pytest.raises(UsageError, match="weights are"):
        Fade(start, end, length)


def test_what_does_not_fit():
    with pytest.raises(SettingError, match="weights at the end is 1, expected 2"):
        Fade((1, 1), (1,))
    with pytest.raises(SettingError, match="length of a fade"):
        Fade((1,), (1,), -1)
    with pytest.raises(UsageError, match="1 weights for 2 parts"):
        MixtureEngine([MixturePart(make()), MixturePart(make())], Fade((1,), (1,)), V)
    with pytest.raises(UsageError, match="knows fewer than 14"):
        MixtureEngine([MixturePart(make())], Fade((1,), (1,)), V + 1)
    with pytest.raises(SettingError, match="average is median"):
        MixtureEngine([MixturePart(make())], Fade((1,), (1,)), V, average="median")
