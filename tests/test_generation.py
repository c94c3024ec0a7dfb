"""Engines agree with one another, streams with themselves, and the loop ends where it is told to."""

import collections
import itertools
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqgen import generation, registry, rules
from seqgen.cells import Cell
from seqgen.cells.lstm import LSTM
from seqgen.cells.rnn import RNN
from seqgen.errors import SettingError, UsageError
from seqgen.generation import EngineName
from seqgen.generation.engines import numpy as numpy_engine
from seqgen.generation.engines.numpy import NumpyEngine
from seqgen.generation.engines.step import StepEngine
from seqgen.generation.engines.torch import TorchEngine
from seqgen.generation.loop import Limits, collect, generate
from seqgen.generation.sampling import Race, log_probabilities, noise
from seqgen.models import ModelSettings, weight_shapes

V = 23
CELLS = [registry.load("cells", name)() for name in registry.names("cells")] + [RNN("relu")]
SHAPES = [
    ModelSettings(hidden=12, layers=1, tied=False, embedding=7),
    ModelSettings(hidden=12, layers=2),
    ModelSettings(hidden=12, layers=3, embedding=7),
]


def weights(cell: Cell, settings: ModelSettings, vocab_size: int = V, scale: float = 0.4) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    shapes = weight_shapes(cell, settings, vocab_size)
    return {name: (scale * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}


def engine(cell: Cell = LSTM(), settings: ModelSettings = SHAPES[1], scale: float = 0.4) -> NumpyEngine:  # noqa: B008
    return NumpyEngine(cell, settings, weights(cell, settings, scale=scale))


def tokens(count: int, batch: int | None = None, seed: int = 1) -> Any:
    size = count if batch is None else (count, batch)
    return np.random.default_rng(seed).integers(0, V, size)


class Fixed(generation.Engine[int]):
    """Logits that depend on the token before alone: row `id` of a matrix."""

    def __init__(self, logits: Any) -> None:
        self.logits = np.asarray(logits, np.float32)
        self.steps = 0

    @property
    def vocab_size(self) -> int:
        return self.logits.shape[1]

    def start(self, batch: int) -> int:
        return batch

    def step(self, ids: Any, state: int) -> tuple[Any, int]:
        self.steps += 1
        assert len(ids) == state
        return self.logits[ids], state

    def prefill(self, ids: Any, state: int) -> tuple[Any, int]:
        return self.step(ids[-1:], state)

    def select(self, state: int, rows: Any) -> int:
        return len(rows)

    def join(self, states: Any) -> int:
        return sum(states)


@pytest.mark.parametrize("settings", SHAPES, ids=["untied", "tied", "projected"])
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_numpy_and_torch_compute_the_same_logits(cell: Cell, settings: ModelSettings) -> None:
    given = weights(cell, settings)
    fast, reference = generation.load("numpy", cell, settings, given), TorchEngine(cell, settings, given)
    assert fast.vocab_size == reference.vocab_size == V
    ours, theirs = fast.start(3), reference.start(3)
    for ids in tokens(12, 3):
        logits, ours = fast.step(ids, ours)
        expected, theirs = reference.step(ids, theirs)
        assert logits.dtype == expected.dtype == np.float32
        np.testing.assert_allclose(logits, expected, atol=1e-4)
    assert np.ptp(expected) > 1, "a comparison of constants would prove nothing"


@pytest.mark.parametrize("settings", SHAPES, ids=["untied", "tied", "projected"])
@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.numpy_form()], ids=str)
def test_the_fast_forms_follow_the_cells_own_step(cell: Cell, settings: ModelSettings) -> None:
    given = weights(cell, settings)
    fast, plain = NumpyEngine(cell, settings, given), StepEngine(cell, settings, given)
    ours, theirs = fast.start(2), plain.start(2)
    for ids in tokens(6, 2):
        logits, ours = fast.step(ids, ours)
        expected, theirs = plain.step(ids, theirs)
        np.testing.assert_allclose(logits, expected, atol=2e-5)


@pytest.mark.parametrize("kind", ["numpy", "torch", "cuda"])
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_prefill_equals_single_steps(cell: Cell, kind: EngineName) -> None:
    run = generation.load(kind, cell, SHAPES[2], weights(cell, SHAPES[2]))
    ids = tokens(9)
    state = run.start(1)
    for position in range(9):
        logits, state = run.step(ids[position : position + 1], state)
    filled, after = run.prefill(ids, run.start(1))
    rounding = 1e-6 * max(10.0, float(np.abs(logits).max()))  # units of relu have no bound, nor have their logits
    np.testing.assert_allclose(filled, logits, atol=rounding)
    np.testing.assert_allclose(run.step(ids[:1], after)[0], run.step(ids[:1], state)[0], atol=rounding)


@pytest.mark.parametrize("kind", ["numpy", "torch", "cuda"])
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_streams_are_selected_copied_and_joined(cell: Cell, kind: EngineName) -> None:
    run = generation.load(kind, cell, SHAPES[1], weights(cell, SHAPES[1]))
    _, a = run.prefill(tokens(5, seed=1), run.start(1))
    _, b = run.prefill(tokens(8, seed=2), run.start(1))
    both = run.select(run.join([a, b]), [1, 0, 1])
    logits, _ = run.step(np.array([4, 4, 4]), both)
    logits = logits.copy()
    np.testing.assert_allclose(logits[1], run.step(np.array([4]), a)[0][0], atol=1e-5)
    np.testing.assert_allclose(logits[0], run.step(np.array([4]), b)[0][0], atol=1e-5)
    np.testing.assert_allclose(logits[2], logits[0], atol=1e-6)
    assert np.abs(logits[0] - logits[1]).max() > 0.01


def test_without_the_table_the_input_product_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with_table = engine()
    monkeypatch.setattr(numpy_engine, "TABLE_LIMIT", 0)
    without = engine()
    assert with_table.table is not None
    assert without.table is None
    ids = np.array([3, 1])
    np.testing.assert_allclose(
        without.step(ids, without.start(2))[0], with_table.step(ids, with_table.start(2))[0], atol=1e-6
    )


def test_weights_may_be_stored_in_half_precision() -> None:
    half = {name: value.astype(np.float16) for name, value in weights(LSTM(), SHAPES[1]).items()}
    run = NumpyEngine(LSTM(), SHAPES[1], half)
    logits, _ = run.step(np.array([1]), run.start(1))
    assert logits.dtype == np.float32


def test_a_device_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(UsageError, match="device 'cuda:99' cannot be used here"):
        generation.load("auto", LSTM(), SHAPES[1], weights(LSTM(), SHAPES[1]), "cuda:99")


def test_the_noise_is_the_specified_one_and_never_changes() -> None:
    """Golden numbers: a take of today must sound the same next year."""
    made = noise(seed=7, stream=2, position=0, count=2, vocab_size=9)
    counter = np.random.Philox(key=np.array([7, 2], np.uint64)).random_raw(8)[:5]
    low_first = [part for word in counter.tolist() for part in (word & 0xFFFFFFFF, word >> 32)][:9]
    np.testing.assert_allclose(made[0], [-np.log(-np.log((u + 0.5) / 2**32)) for u in low_first], atol=1e-6)
    np.testing.assert_allclose(made[0, :3], [-1.737519, -0.003618, 2.464034], atol=1e-6)
    np.testing.assert_array_equal(made[1], noise(7, 2, 1, 1, 9)[0])


def test_a_draw_depends_on_seed_stream_and_position_alone() -> None:
    race, logits = Race(5, [8, 3], V), np.zeros((2, V), np.float32)
    drawn = [race.draw(logits).tolist() for _ in range(race.block * 2 + 5)]
    for position in (0, 1, race.block - 1, race.block, race.block * 2 + 4):
        assert drawn[position] == [int(noise(5, stream, position, 1, V).argmax()) for stream in (8, 3)]


def test_the_race_draws_from_the_softmax() -> None:
    logits = np.log(np.array([[0.5, 0.25, 0.15, 0.1]], np.float32))
    race = Race(seed=11, streams=[0], vocab_size=4)
    counts = np.bincount([int(race.draw(logits)[0]) for _ in range(20_000)], minlength=4)
    expected = 20_000 * np.array([0.5, 0.25, 0.15, 0.1])
    assert ((counts - expected) ** 2 / expected).sum() < 16.27  # chi-square, 3 degrees of freedom, p = 0.001


def test_a_token_at_minus_infinity_is_never_drawn() -> None:
    logits = np.full((1, 5), -np.inf, np.float32)
    logits[0, 3] = -80
    race = Race(0, [0], 5)
    assert {int(race.draw(logits)[0]) for _ in range(500)} == {3}


def test_a_race_goes_on_unchanged_when_streams_leave() -> None:
    logits = np.zeros((3, V), np.float32)
    whole, part = Race(5, [0, 1, 2], V), Race(5, [0, 1, 2], V)
    for _ in range(400):
        whole.draw(logits)
        part.draw(logits)
    part.keep([2])
    for _ in range(400):
        assert whole.draw(logits)[2] == part.draw(logits[:1])[0]


def test_log_probabilities_are_nats_of_the_softmax() -> None:
    with np.errstate(divide="ignore"):
        logits = np.log(np.array([[0.5, 0.5, 0], [0.25, 0.5, 0.25]], np.float32)) + 40
    np.testing.assert_allclose(log_probabilities(logits, np.array([1, 0])), np.log([0.5, 0.25]), rtol=1e-4)


def test_a_stream_is_the_same_alone_and_among_others_of_other_lengths() -> None:
    run = engine()
    prompts = [tokens(1 + i % 5, seed=i) for i in range(7)]
    hot = [rules.parse("temperature", 1.5), rules.parse("top_p", 0.9)]
    together = collect(generate(run, prompts, hot, seed=4, limits=Limits(length=60)), 7)
    for count in (1, 3):
        apart = collect(generate(run, prompts[:count], hot, seed=4, limits=Limits(length=60)), count)
        assert [sample.ids for sample in apart] == [sample.ids for sample in together[:count]]
    assert len({tuple(sample.ids) for sample in together}) == 7


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_batches_small_and_large_and_both_engines_give_one_text(cell: Cell) -> None:
    prompt = [tokens(3)]
    given = weights(cell, SHAPES[1])
    runs = [generation.load("numpy", cell, SHAPES[1], given), TorchEngine(cell, SHAPES[1], given)]
    texts = set()
    for run, batch in itertools.product(runs, (1, 2, 64)):
        samples = collect(generate(run, prompt * batch, [], seed=9, limits=Limits(length=100)), batch)
        texts.add(tuple(samples[0].ids))
        assert len({tuple(sample.ids) for sample in samples}) == batch
    assert len(texts) == 1


def test_one_seed_gives_one_text_with_any_engine_batch_and_number_of_threads() -> None:
    """Wide enough that products are shared out among threads, which libraries choose when they start."""
    script = Path(__file__).parent.parent / "benchmarks" / "_sameness.py"
    shape = {"batches": [1, 2, 8, 9, 16], "hidden": 64, "layers": 2, "tokens": 100}
    streams: dict[int, set[str]] = collections.defaultdict(set)
    for name, threads in (("numpy", 1), ("numpy", 2), ("torch", 2)):
        given = json.dumps({"engine": name, "threads": threads, **shape})
        many = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
        ran = subprocess.run([sys.executable, str(script), given], capture_output=True, text=True, check=True, env=many)
        for hashes in json.loads(ran.stdout).values():
            for index, each in enumerate(hashes):
                streams[index].add(each)
    assert [len(found) for found in streams.values()] == [1] * 16
    assert len({each for found in streams.values() for each in found}) == 16, "a comparison of constants"


def test_the_seed_decides() -> None:
    def text(seed: int) -> list[int]:
        return collect(generate(engine(), [tokens(3)], [], seed=seed, limits=Limits(length=40)), 1)[0].ids

    assert text(1) == text(1) != text(2)
    with pytest.raises(SettingError, match="seed is -1, expected 0 to"):
        text(-1)


def test_as_the_temperature_goes_to_zero_the_draw_becomes_the_maximum() -> None:
    def text(temperature: float, seed: int) -> list[int]:
        cold = [rules.parse("temperature", temperature)]
        return collect(generate(engine(), [tokens(3)], cold, seed=seed, limits=Limits(length=50)), 1)[0].ids

    greedy = text(0, 1)
    for temperature in (0, 1e-6, 1e-38, 5e-324):
        assert text(temperature, 2) == greedy


def test_streams_end_each_by_its_own_end_token_and_the_rest_go_on() -> None:
    cycle = np.full((5, 5), -50.0)
    for token, after in enumerate([1, 2, 3, 4, 0]):
        cycle[token, after] = 50
    run = Fixed(cycle)
    steps = list(generate(run, [np.array([2]), np.array([0])], [], seed=0, limits=Limits(end_id=4), scores=True))
    assert [step.ids.tolist() for step in steps] == [[3, 1], [-1, 2], [-1, 3], [-1, -1]]
    assert [step.finished for step in steps] == [{}, {0: "end"}, {}, {1: "end"}]
    assert np.isnan(steps[2].log_probabilities).tolist() == [True, False]
    samples = collect(iter(steps), 2)
    assert [(sample.ids, sample.finished) for sample in samples] == [([3], "end"), ([1, 2, 3], "end")]


def test_length_and_stop_end_a_stream_and_show_its_last_token() -> None:
    run = Fixed(np.zeros((5, 5)))
    (sample,) = collect(generate(run, [np.array([0])], [], seed=1, limits=Limits(length=7)), 1)
    assert (len(sample.ids), sample.finished) == (7, "length")
    seen: list[tuple[int, int]] = []

    def stop(stream: int, token: int) -> bool:
        seen.append((stream, token))
        return token == 3

    (sample,) = collect(generate(run, [np.array([0])], [], seed=1, limits=Limits(length=500, stop=stop)), 1)
    assert (sample.ids[-1], sample.finished) == (3, "stop")
    assert seen == [(0, token) for token in sample.ids]
    assert list(generate(run, [np.array([0])], [], seed=1, limits=Limits(length=0))) == []


def test_no_step_is_computed_past_the_end() -> None:
    run = Fixed(np.zeros((5, 5)))
    collect(generate(run, [np.array([0])] * 2, [], seed=1, limits=Limits(length=7)), 2)
    assert run.steps == 1 + 6  # one prefill for the shared prompt, and no step after the last draw


def test_unlimited_generation_is_a_generator_that_can_be_left() -> None:
    steps = generate(Fixed(np.zeros((5, 5))), [np.array([0])], [], seed=1)
    assert len(list(itertools.islice(steps, 3_000))) == 3_000
    steps.close()


def test_memory_does_not_grow_with_the_length() -> None:
    chain = [rules.parse("repetition", 1.2), rules.parse("top_p", 0.9)]
    steps = generate(engine(), [tokens(3)] * 3, chain, seed=1, limits=Limits(end_id=V - 1, banned=np.arange(V) > V - 2))
    tracemalloc.start()
    sizes = []
    for _ in range(3):
        collections.deque(itertools.islice(steps, 1_500), maxlen=0)
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[2] < sizes[1] + 20_000


def test_banned_tokens_never_come() -> None:
    banned = np.array([False, True, False, True, True])
    limits = Limits(length=300, banned=banned)
    (sample,) = collect(generate(Fixed(np.zeros((5, 5))), [np.array([0])], [], seed=1, limits=limits), 1)
    assert set(sample.ids) == {0, 2}
    with pytest.raises(UsageError, match="every token is banned"):
        next(generate(Fixed(np.zeros((2, 2))), [np.array([0])], [], seed=1, limits=Limits(banned=np.array([True] * 2))))


class Climb:
    """A grammar: each token is the last one or one more, up to the vocabulary's end."""

    def start(self) -> int:
        return 0

    def step(self, state: int, token: int) -> int:
        return token

    def allowed(self, state: int) -> Any:
        return np.isin(np.arange(5), [state, state + 1])

    def may_end(self, state: int) -> bool:
        return True


def test_a_grammar_holds_from_the_prompt_on_even_against_the_rules() -> None:
    logits = np.tile([9.0, 0, 0, 0, 0], (5, 1))  # the model would say 0 for ever
    top = [rules.parse("top_k", 1)]
    prompts = [np.array([0, 1]), np.array([3])]
    samples = collect(generate(Fixed(logits), prompts, top, seed=1, limits=Limits(length=9, grammar=Climb())), 2)
    for sample, first in zip(samples, (1, 3)):
        path = [first, *sample.ids]
        assert all(after - before in (0, 1) for before, after in itertools.pairwise(path))


def test_where_a_grammar_forbids_what_is_left_it_gives_way() -> None:
    limits = Limits(length=4, grammar=Climb(), banned=np.array([False, True, True, False, False]))
    (sample,) = collect(generate(Fixed(np.zeros((5, 5))), [np.array([2])], [], seed=1, limits=limits), 1)
    assert sample.ids[0] in (0, 3, 4)
    assert len(sample.ids) == 4


def test_rules_see_the_latest_tokens_prompt_included() -> None:
    class Spy(rules.Rule):
        window = 3
        seen: list[Any] = []

        def __call__(self, logits: Any, history: Any) -> Any:
            self.seen.append(history.copy())
            return logits

    prompts = [np.array([1, 2, 3, 4]), np.array([4])]
    samples = collect(generate(Fixed(np.zeros((5, 5))), prompts, [Spy()], seed=1, limits=Limits(length=9)), 2)
    texts = [[1, 2, 3, 4, *samples[0].ids], [-1, -1, -1, 4, *samples[1].ids]]
    for position, past in enumerate(Spy.seen):
        assert past.tolist() == [text[position + 1 : position + 4] for text in texts]


@pytest.mark.parametrize(
    ("prompt", "message"),
    [([], "a prompt is empty"), ([23], "outside the vocabulary of 23"), ([-1], "outside the vocabulary of 23")],
)
def test_prompts_that_cannot_be_read_are_refused(prompt: list[int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        next(generate(engine(), [np.array(prompt, np.int64)], [], seed=1))


def test_the_numpy_engine_never_imports_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from seqgen import generation, models\n"
        "from seqgen.cells.lstm import LSTM\n"
        "from seqgen.generation.loop import generate\n"
        "s = models.ModelSettings(hidden=4)\n"
        "w = {k: np.zeros(v, np.float32) for k, v in models.weight_shapes(LSTM(), s, 9).items()}\n"
        "next(generate(generation.load('auto', LSTM(), s, w), [np.array([1])], [], seed=1))\n"
        "assert not [m for m in ('torch', 'click', 'seqgen.codecs') if m in sys.modules]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
