"""The cuda engine: the very work that a GPU captures, run on the CPU; with a GPU, captured as well."""

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from seqgen import generation, registry, rules
from seqgen.api.model import make_engine
from seqgen.cells import RECURRENT, Cell
from seqgen.cells.gru import GRU
from seqgen.cells.lstm import LSTM
from seqgen.cells.rnn import RNN
from seqgen.errors import UsageError
from seqgen.generation.device import network
from seqgen.generation.device.block import DrawPlan
from seqgen.generation.device.network import Fused
from seqgen.generation.device.noise import gumbel, signed
from seqgen.generation.device.rules import apply_rules, on_device
from seqgen.generation.engines.cuda import CudaEngine
from seqgen.generation.engines.numpy import NumpyEngine
from seqgen.generation.engines.torch import TorchEngine
from seqgen.generation.limits import Limits
from seqgen.generation.loop import SampledStream, collect, generate
from seqgen.generation.sampling import noise
from seqgen.models import ModelSettings, weight_shapes
from seqgen.rules import Scope

V = 23
CELLS = [RNN("tanh"), RNN("relu"), GRU(), LSTM()]  # with a form of their own
PLAIN = [registry.load("cells", name)() for name in registry.names("cells")]
SHAPES = [
    ModelSettings(hidden=12, layers=1, tied=False, embedding=7),
    ModelSettings(hidden=12, layers=2),
    ModelSettings(hidden=12, layers=3, embedding=7),
]
RULES = {
    "none": [("temperature", 1)],
    "top_p": [("temperature", 1.4), ("top_p", 0.9)],
    "top_k": [("top_k", 6), ("temperature", 0.7)],
    "min_p": [("min_p", 0.04), ("temperature", "0.5..1.5")],
    "top_a": [("top_a", 0.2), ("temperature", 1.2)],
    "greedy": [("temperature", 0)],
    "cold": [("temperature", 0.005)],
    "scheduled": [("temperature", "0.6~1.2/7"), ("top_k", "3..9/20"), ("top_p", "0.5..1/30")],
}
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def weights(cell: Cell, settings: ModelSettings) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    shapes = weight_shapes(cell, settings, V)
    return {name: (0.4 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}


def tokens(count: int, batch: int | None = None, seed: int = 1) -> Any:
    return np.random.default_rng(seed).integers(0, V, count if batch is None else (count, batch))


def chain(name: str) -> list[rules.Rule]:
    return rules.chain(1.0, RULES[name], Scope([], length=60))


def engine(kind: Any = CudaEngine, settings: ModelSettings = SHAPES[1], **how: Any) -> Any:
    more = {"device": "cpu", **how} if kind is CudaEngine else how
    return kind(LSTM(), settings, weights(LSTM(), settings), **more)


def sampled(run: Any, name: str, count: int = 5, scores: bool = False, **limits: Any) -> list[SampledStream]:
    prompts = [tokens(1 + i % 3, seed=i) for i in range(count)]
    steps = generate(run, prompts, chain(name), seed=4, limits=Limits(**{"length": 60, **limits}), scores=scores)
    return collect(steps, count)


@pytest.mark.parametrize("settings", SHAPES, ids=["untied", "tied", "projected"])
@pytest.mark.parametrize("cell", [*CELLS, *PLAIN], ids=str)
def test_logits_are_the_torch_engines(cell: Cell, settings: ModelSettings) -> None:
    given = weights(cell, settings)
    run, reference = generation.load("cuda", cell, settings, given), TorchEngine(cell, settings, given)
    assert isinstance(run, CudaEngine)
    ours, theirs = run.start(3), reference.start(3)
    for ids in tokens(12, 3):
        logits, ours = run.step(ids, ours)
        expected, theirs = reference.step(ids, theirs)
        assert logits.dtype == np.float32
        np.testing.assert_allclose(logits, expected, atol=1e-4)
    assert np.ptp(expected) > 1, "a comparison of constants would prove nothing"


def test_without_the_table_the_input_product_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with_table = engine()
    monkeypatch.setattr(network, "TABLE_LIMIT", 0)
    without = engine()
    assert with_table.network.table is not None
    assert without.network.table is None
    ids = np.array([3, 1])
    np.testing.assert_allclose(
        without.step(ids, without.start(2))[0], with_table.step(ids, with_table.start(2))[0], atol=1e-6
    )


def test_prefill_equals_single_steps() -> None:
    run, ids = engine(), tokens(9)
    state = run.start(1)
    for token in ids:
        logits, state = run.step(np.array([token]), state)
    filled, after = run.prefill(ids, run.start(1))
    np.testing.assert_allclose(filled, logits, atol=1e-5)
    np.testing.assert_allclose(run.step(ids[:1], after)[0], run.step(ids[:1], state)[0], atol=1e-5)


def test_states_of_one_size_take_turns_in_the_static_tensors() -> None:
    run, reference = engine(), engine(TorchEngine)
    ours, theirs = [run.start(2) for _ in range(3)], [reference.start(2) for _ in range(3)]
    for turn, ids in enumerate(tokens(12, 2)):
        logits, ours[turn % 3] = run.step(ids, ours[turn % 3])
        expected, theirs[turn % 3] = reference.step(ids, theirs[turn % 3])
        np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_streams_are_selected_copied_and_joined() -> None:
    run = engine()
    _, a = run.prefill(tokens(5, seed=1), run.start(1))
    _, b = run.prefill(tokens(8, seed=2), run.start(1))
    both = run.select(run.join([a, b]), [1, 0, 1])
    logits, _ = run.step(np.array([4, 4, 4]), both)
    np.testing.assert_allclose(logits[1], run.step(np.array([4]), a)[0][0], atol=1e-5)
    np.testing.assert_allclose(logits[0], run.step(np.array([4]), b)[0][0], atol=1e-5)
    np.testing.assert_allclose(logits[2], logits[0], atol=1e-6)
    assert np.abs(logits[0] - logits[1]).max() > 0.01


@pytest.mark.parametrize("seed", [7, (1 << 63) + 5, (1 << 64) - 1])
@pytest.mark.parametrize("vocab_size", [9, 128])
def test_the_device_makes_the_specified_noise(seed: int, vocab_size: int) -> None:
    streams, position = [0, 3, 1000], 123_456
    made = gumbel(torch.tensor(signed(seed)), torch.tensor(streams), torch.tensor(position), 5, vocab_size)
    assert made.dtype == torch.float32
    for row, stream in enumerate(streams):
        np.testing.assert_allclose(made[:, row].numpy(), noise(seed, stream, position, 5, vocab_size), atol=2e-6)


@pytest.mark.parametrize("name", RULES)
def test_rules_leave_on_the_device_what_they_leave_on_the_host(name: str) -> None:
    listed = chain(name)
    found = on_device(listed, V)
    assert found is not None
    rng, past = np.random.default_rng(0), np.zeros((50, 0), np.int64)
    for position, numbers in enumerate(found.numbers(0, 40)):
        logits = (3 * rng.standard_normal((50, V))).astype(np.float32)
        expected = logits
        for rule in listed:
            expected = rule.at(position)(expected, past)
        numbers = torch.tensor(numbers, dtype=torch.float64)
        ours = apply_rules(torch.from_numpy(logits), found.kinds, numbers).numpy()
        np.testing.assert_array_equal(np.isfinite(ours), np.isfinite(expected))
        np.testing.assert_allclose(ours, expected, rtol=1e-6)


def test_neutral_rules_cost_nothing() -> None:
    neutral = [rules.parse("temperature", 1), rules.parse("top_k", 0), rules.parse("top_k", V), rules.parse("top_p", 1)]
    found = on_device([*neutral, rules.parse("min_p", 0)], V)
    assert found is not None
    assert found.kinds == ()


@pytest.mark.parametrize("given", [("typical", 0.9), ("repetition", 1.2), ("temperature", "0..1"), ("mirostat", 2)])
def test_what_the_device_cannot_follow_is_followed_on_the_host(given: tuple[str, Any]) -> None:
    listed = rules.chain(1.0, [given], Scope([], length=30))
    assert on_device(listed, V) is None
    found = []
    for kind in (CudaEngine, NumpyEngine):
        steps = generate(engine(kind), [tokens(3)] * 2, listed, seed=1, limits=Limits(length=30))
        found.append([sample.ids for sample in collect(steps, 2)])
    assert found[0] == found[1]
    assert len(found[0][0]) == 30


class Even:
    """A grammar of even tokens."""

    def start(self) -> int:
        return 0

    def step(self, state: int, token: int) -> int:
        return 0

    def allowed(self, state: int) -> Any:
        return np.arange(V) % 2 == 0

    def may_end(self, state: int) -> bool:
        return True


def test_a_grammar_is_followed_on_the_host() -> None:
    ours, theirs = (sampled(engine(kind), "top_p", grammar=Even()) for kind in (CudaEngine, NumpyEngine))
    assert [sample.ids for sample in ours] == [sample.ids for sample in theirs]
    assert not any(token % 2 for token in ours[0].ids)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("cell", PLAIN, ids=registry.names("cells"))
def test_a_seed_gives_the_numpy_engines_tokens_in_blocks_of_any_size(cell: Cell, name: str) -> None:
    given = weights(cell, SHAPES[1])
    expected = sampled(generation.load("numpy", cell, SHAPES[1], given), name, end_id=3, banned=np.arange(V) > V - 3)
    for block in (1, 8):
        made = sampled(CudaEngine(cell, SHAPES[1], given, "cpu", block), name, end_id=3, banned=np.arange(V) > V - 3)
        assert made == expected
    assert len({sample.finished for sample in expected} | {len(sample.ids) for sample in expected}) > 1


def test_scores_are_those_of_single_steps() -> None:
    ours, theirs = (sampled(engine(kind), "top_p", scores=True, end_id=3) for kind in (CudaEngine, NumpyEngine))
    for mine, other in zip(ours, theirs):
        np.testing.assert_allclose(mine.log_probabilities, other.log_probabilities, atol=1e-4)


def test_entropies_and_the_form_of_steps_are_those_of_single_steps() -> None:
    prompts, limits = [tokens(2, seed=i) for i in range(3)], Limits(length=20, end_id=3)
    found = [
        list(generate(engine(kind), prompts, chain("top_p"), seed=4, limits=limits, scores=True))
        for kind in (CudaEngine, NumpyEngine)
    ]
    for ours, theirs in itertools.zip_longest(*found):
        assert ours.ids.tolist() == theirs.ids.tolist()
        assert ours.finished == theirs.finished
        np.testing.assert_allclose(ours.log_probabilities, theirs.log_probabilities, atol=1e-4)
        np.testing.assert_allclose(ours.entropies, theirs.entropies, atol=1e-4)


@pytest.mark.parametrize("block", [1, 8, 64])
def test_what_lies_behind_an_end_is_thrown_away(block: int) -> None:
    """A stop is asked once about every token that is shown, and about no other."""
    seen: dict[int, list[int]] = {}

    def stop(stream: int, token: int) -> bool:
        seen.setdefault(stream, []).append(token)
        return len(seen[stream]) == 10 + stream

    made = sampled(engine(block=block), "none", count=9, stop=stop)
    assert [sample.ids for sample in made] == [seen[stream] for stream in range(9)]
    assert [len(sample.ids) for sample in made] == [10 + stream for stream in range(9)]
    whole = sampled(engine(NumpyEngine), "none", count=9)
    assert all(sample.ids == other.ids[: len(sample.ids)] for sample, other in zip(made, whole))


def test_a_stream_is_the_same_alone_and_among_others() -> None:
    run = engine(block=8)
    together = sampled(run, "top_p", count=7)
    assert sampled(run, "top_p", count=1) == together[:1]
    assert sampled(run, "top_p", count=3) == together[:3]


def test_an_endless_sample_can_be_left_and_another_begun() -> None:
    run = engine(block=8)
    steps = generate(run, [tokens(2)], chain("top_p"), seed=1)
    first = [int(step.ids[0]) for step in itertools.islice(steps, 300)]
    other = generate(run, [tokens(2)], chain("top_p"), seed=1)
    begun = [int(next(other).ids[0]) for _ in range(20)]
    first += [int(next(steps).ids[0]) for _ in range(20)]
    steps.close()
    assert begun == first[:20]
    expected = generate(engine(NumpyEngine), [tokens(2)], chain("top_p"), seed=1)
    assert first == [int(next(expected).ids[0]) for _ in range(320)]


def test_other_numbers_need_no_other_graph() -> None:
    run = engine()
    plans = [run.plan([rules.parse("temperature", value)], None, False) for value in (0.5, 0.9, 0, 1)]
    assert all(isinstance(plan, DrawPlan) for plan in plans)
    assert plans[0] == plans[1]
    assert hash(plans[0]) == hash(plans[1])
    assert len(set(plans)) == 3


def test_blocks_are_shorter_where_there_is_more_noise_to_make() -> None:
    run = engine()
    assert run.block(1) == run.block(100) == 128
    assert run.block(1 << 15) == (1 << 22) // ((1 << 15) * V)
    assert run.block(1 << 20) == 1


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_elementwise_part_is_a_graph_of_tensors(cell: Cell) -> None:
    """Without a branch or a number from the host: what a compiler and a capture take."""
    form, rows = cell.device_form(), cell.weights(5, 5)[RECURRENT[0]][0]
    assert form is not None
    products, memory = torch.randn(2, 2, rows), [torch.randn(2, 5) for _ in range(form.memories)]
    traced = make_fx(form.update, tracing_mode="fake")(*products, *memory)
    for ours, theirs in zip(traced(*products, *memory), form.update(*products, *memory)):
        assert torch.equal(ours, theirs)


def test_where_nothing_can_be_compiled_it_runs_as_it_is() -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("no compiler here\nat some length")

    run = Fused(torch.neg, wanted=False)
    run.compiled = fail
    assert run(torch.ones(1)).item() == -1
    assert run.failure == "no compiler here"
    assert run.compiled is None


def test_half_precision_stays_near() -> None:
    run, reference = engine(precision=torch.bfloat16), engine()
    a, b = run.start(2), reference.start(2)
    for ids in tokens(6, 2):
        logits, a = run.step(ids, a)
        expected, b = reference.step(ids, b)
        assert logits.dtype == np.float32
        np.testing.assert_allclose(logits, expected, atol=0.3)
    assert not np.array_equal(logits, expected)


def test_a_device_that_is_not_there_is_one_sentence() -> None:
    for device in ("cuda:99", "nowhere"):
        with pytest.raises(UsageError, match=f"device '{device}' cannot be used here"):
            engine(device=device)


def test_the_engine_is_chosen_by_name_and_then_wants_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    network = SimpleNamespace(cell=LSTM(), settings=SHAPES[1], weights=weights(LSTM(), SHAPES[1]))
    assert isinstance(make_engine(network, "cuda", "cpu"), CudaEngine)
    assert isinstance(make_engine(network, "auto", "cpu"), NumpyEngine)
    asked: list[str] = []
    monkeypatch.setattr("seqgen.generation.engines.cuda.CudaEngine", lambda *given: asked.append(given[3]))
    make_engine(network, "cuda", "auto")
    make_engine(network, "cuda", "cuda:1")
    assert asked == ["cuda", "cuda:1"]


@on_gpu
@pytest.mark.parametrize("cell", PLAIN, ids=str)
def test_captured_steps_are_the_plain_ones(cell: Cell) -> None:
    given = weights(cell, SHAPES[2])
    reference = CudaEngine(cell, SHAPES[2], given, "cpu")
    run = CudaEngine(cell, SHAPES[2], given, "cuda", precision=torch.float32, fuse=False)
    ours, theirs = run.start(3), reference.start(3)
    for ids in tokens(12, 3):
        logits, ours = run.step(ids, ours)
        expected, theirs = reference.step(ids, theirs)
        np.testing.assert_allclose(logits, expected, atol=1e-4)
    assert run._sizes[4].step.captured


@on_gpu
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the compiler's own modules
@pytest.mark.parametrize("fuse", [False, True])
def test_captured_blocks_draw_what_the_cpu_draws(fuse: bool) -> None:
    run = engine(device="cuda", precision=torch.float32, fuse=fuse, block=8)
    for name in RULES:
        assert sampled(run, name) == sampled(engine(), name)
    drawings = [each for size in run._sizes.values() for each in size.drawings.values()]
    assert drawings
    assert all(each.work.captured for each in drawings)
    assert run.network.failure is None
