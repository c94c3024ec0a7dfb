"""The contract of memories, over the registry: weights, module and step tell the same equations, those written down."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lookback_by_hand import lookahead_by_hand, lookback_by_hand, random_clock, stands

from seqgen import generation, registry
from seqgen.cells import Cell
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.errors import UsageError
from seqgen.generation.engines.numpy import NumpyEngine
from seqgen.generation.engines.step import StepEngine
from seqgen.generation.engines.torch import TorchEngine
from seqgen.memories import CLOCK, PREFIX, SIGNS, Memory, available_memory
from seqgen.memories.attention import Attention
from seqgen.models import ModelSettings, weight_shapes
from seqgen.models.network import RecurrentLM, reset

NAMES = registry.own("memories")
CELLS = registry.names("cells")
B, S, V, T, LENGTH = 3, 6, 11, 13, 5
SIGNED = [2.0, 5.0, 7.0, 8.0, 9.0]  # the infilling tokens, which then come often

memories = pytest.mark.parametrize("name", NAMES)


def make(name: str, length: int = LENGTH) -> Memory:
    memory = registry.load("memories", name)(length)
    assert isinstance(memory, Memory)
    return memory


def make_layer(memory, seed=1, scale=1.0):
    """A module in float64 in which every weight counts, and its weights as numpy arrays."""
    torch.manual_seed(seed)
    module = memory.module(S, V).double()
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(std=scale)
        for name, buffer in module.named_buffers():
            if name == CLOCK:
                buffer.copy_(torch.from_numpy(random_clock(seed, V)))
            if name == SIGNS:
                buffer.copy_(torch.tensor(SIGNED))
    return module, {key: weight.numpy().copy() for key, weight in module.state_dict().items()}


def zeros(memory, batch=B):
    return tuple(torch.zeros(batch, size, dtype=torch.float64) for size in memory.state(S))


def inputs(steps=T, batch=B, seed=2):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(steps, batch, S))), torch.from_numpy(rng.integers(0, V, (steps, batch)))


# Memories of ten lines, written again from the equations: a whole document (T, S), (T,) → (T, S), float64.


def attention_by_hand(w, xs, ids, length):
    found, head = [], len(w["products.bias"])
    queries, keys, values = (w["products.weight"] @ xs.T).T.reshape(len(xs), 3, head).transpose(1, 0, 2)
    keys = np.concatenate([np.zeros((1, head)), keys])  # of the state before
    stood = [((0, 0, 0), 0), *stands(ids.tolist(), w["clock"].astype(int))]  # of the state before, too
    for t, h in enumerate(xs):
        seen = range(max(0, t - length + 1), t + 1)
        scores = [keys[i] @ (queries[t] + w["products.bias"]) / head**0.5 + w["distance"][t - i] for i in seen]
        for at, i in enumerate(seen):
            (bar, *now), (other, *then) = (stood[k][0] for k in (t + 1, i))
            whole = (now, stood[t + 1][1]) == (then, stood[i][1])
            scores[at] += w["bars"][min(bar - other, 17), int(now[0] == then[0]) + whole]
        chances = np.exp([0, *scores]) / np.exp([0, *scores]).sum()
        found.append(h + w["output.weight"] @ sum(p * values[i] for p, i in zip(chances[1:], seen)))
    return np.array(found)


BY_HAND = {"attention": attention_by_hand, "lookahead": lookahead_by_hand, "lookback": lookback_by_hand}


@memories
@pytest.mark.parametrize("length", [1, LENGTH, 40])
def test_a_module_tells_the_equations(name, length):
    module, weights = make_layer(make(name, length))
    xs, ids = inputs()
    with torch.no_grad():
        y, _ = module(xs, ids, zeros(make(name, length)))
    expected = [BY_HAND[name](weights, xs[:, b].numpy(), ids[:, b].numpy(), length) for b in range(B)]
    np.testing.assert_allclose(y.transpose(0, 1), expected, atol=1e-12)


@memories
@pytest.mark.parametrize("cuts", [range(1, T), [4], [1, 5], [6, 12], [2, 3, 11]])
def test_windows_of_any_cut_give_the_same(name, cuts):
    memory = make(name)
    module, _ = make_layer(memory)
    xs, ids = inputs()
    with torch.no_grad():
        whole, end = module(xs, ids, zeros(memory))
        state, parts = zeros(memory), []
        for begin, stop in zip([0, *cuts], [*cuts, T]):
            y, state = module(xs[begin:stop], ids[begin:stop], state)
            parts.append(y)
    torch.testing.assert_close(torch.cat(parts), whole, atol=1e-12, rtol=0)
    torch.testing.assert_close(state, end, atol=1e-12, rtol=0)


@memories
@pytest.mark.parametrize("scale", [1.0, 12.0])  # of weights that make scores whose exponentials would overflow
def test_the_step_follows_the_module_from_any_state_on(name, scale):
    memory = make(name)
    module, weights = make_layer(memory, scale=scale)
    xs, ids = inputs(4 * T)
    keep = torch.tensor([1.0, 0.0, 1.0])  # streams whose documents are of different ages
    with torch.no_grad():
        expected, state = [], zeros(memory)
        for at in range(0, 4 * T, 4):
            if at == 8:
                (state,) = reset((state,), keep)
            y, state = module(xs[at : at + 4], ids[at : at + 4], state)
            expected += list(y.numpy())
    found, parts, prepared = [], tuple(part.numpy() for part in zeros(memory)), memory.prepared(weights)
    for t, (x, tokens) in enumerate(zip(xs.numpy(), ids.numpy())):
        if t == 8:
            parts = tuple(part * keep.numpy()[:, None] for part in parts)
        given = x.copy()
        y, parts = memory.step(prepared, x, tokens, parts)
        assert (x == given).all()
        found.append(y)
    np.testing.assert_allclose(found, expected, atol=1e-12, rtol=1e-12)
    for part, wanted, size in zip(parts, state, memory.state(S), strict=True):
        assert part.shape == (B, size)
        np.testing.assert_allclose(part, wanted, atol=1e-12, rtol=1e-12)


@memories
def test_a_fresh_memory_changes_nothing(name):
    memory = make(name)
    torch.manual_seed(1)
    xs, ids = inputs()
    y, _ = memory.module(S, V).double()(xs, ids, zeros(memory))
    assert torch.equal(y, xs)


@memories
def test_gradients_are_right(name):
    memory = make(name, 3)
    module, _ = make_layer(memory)
    xs, ids = inputs(4, 2)
    state = module(xs, ids, zeros(memory, 2))[1]
    state = tuple(part.detach() for part in state)
    weights = tuple(module.parameters())
    assert torch.autograd.gradcheck(
        lambda x, *_: module(x, ids, state)[0].square().sum(), (xs.requires_grad_(), *weights)
    )


@memories
def test_streams_do_not_know_one_another(name):
    memory = make(name)
    _, weights = make_layer(memory)
    weights = memory.prepared({key: weight.astype(np.float32) for key, weight in weights.items()})
    xs, ids = (part.numpy() for part in inputs(9, 8))
    xs = xs.astype(np.float32)

    def run(rows):
        parts = tuple(np.zeros((len(rows), size), np.float32) for size in memory.state(S))
        for x, tokens in zip(xs, ids):
            y, parts = memory.step(weights, x[rows], tokens[rows], parts)
        assert y.dtype == np.float32
        return y

    together = run(list(range(8)))
    for stream in range(8):
        assert (run([stream]) == together[stream]).all()


@memories
def test_weight_shapes_name_every_weight(name):
    memory = make(name)
    found = {key: tuple(weight.shape) for key, weight in memory.module(S, V).state_dict().items()}
    assert found == memory.weights(S, V)
    settings = ModelSettings(hidden=8, embedding=S, memory=name, memory_length=LENGTH)
    network = RecurrentLM(registry.load("cells", "gru")(), settings, V)
    own = {key for key in network.state_dict() if key != "output.weight"}
    assert own == set(weight_shapes(network.cell, settings, V))


@memories
def test_half_precision_carries_float32(name):
    memory = make(name)
    torch.manual_seed(1)
    module = memory.module(S, V)
    xs, ids = inputs()
    state = tuple(part.float() for part in zeros(memory))
    expected, _ = module(xs.float(), ids, state)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, after = module(xs.bfloat16(), ids, state)
    assert all(part.dtype == torch.float32 for part in after)
    torch.testing.assert_close(y.float(), expected, atol=0.05, rtol=0.05)


def random_weights(cell: Cell, settings: ModelSettings) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    shapes = weight_shapes(cell, settings, V)
    made = {
        key: rng.normal(0, 0.4 if shape[-1] < 64 else 0.1, shape).astype(np.float32) for key, shape in shapes.items()
    }
    fixed = {PREFIX + CLOCK: random_clock(1, V), PREFIX + SIGNS: np.array(SIGNED)}
    return {key: fixed.get(key, weight) for key, weight in made.items()}


SHAPES = [{}, {"layers": 2, "embedding": 7}, {"tied": False, "embedding": 5}]


@memories
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_all_engines_compute_the_same_logits(name, shape, cell):
    made, settings = (
        registry.load("cells", cell)(),
        ModelSettings(**{"hidden": 12, "memory": name, "memory_length": LENGTH} | shape),
    )
    given = random_weights(made, settings)
    kinds = [TorchEngine, StepEngine] + [NumpyEngine] * (made.numpy_form() is not None)
    engines = [kind(made, settings, given) for kind in kinds]
    engines.append(generation.load("cuda", made, settings, given, "cpu"))
    rng = np.random.default_rng(6)
    prompt = rng.integers(0, V, 7)
    states = [engine.prefill(prompt, engine.start(1))[1] for engine in engines]
    # streams of different ages, one of them twice
    states = [engine.join([state, engine.start(2)]) for engine, state in zip(engines, states)]
    states = [engine.select(state, [2, 0, 0]) for engine, state in zip(engines, states)]
    for _ in range(12):
        ids, found = rng.integers(0, V, 3), []
        for at, engine in enumerate(engines):
            logits, states[at] = engine.step(ids, states[at])
            found.append(logits.copy())
        for logits in found[1:]:
            np.testing.assert_allclose(logits, found[0], atol=2e-5)


@memories
def test_a_copy_of_a_state_goes_on_by_itself(name):
    cell, settings = registry.load("cells", "lstm")(), ModelSettings(hidden=12, memory=name, memory_length=LENGTH)
    given = random_weights(cell, settings)
    for kind in (NumpyEngine, StepEngine):
        engine = kind(cell, settings, given)
        _, state = engine.prefill(np.arange(9), engine.start(1))
        kept = engine.select(state, [0])
        expected = engine.step(np.array([3]), state)[0].copy()
        assert (engine.step(np.array([3]), kept)[0] == expected).all()


@memories
def test_one_that_the_machine_cannot_hold_is_refused(name, monkeypatch):
    settings = ModelSettings(hidden=12, memory=name, memory_length=1000)
    cell = registry.load("cells", "gru")()
    network, engine = RecurrentLM(cell, settings, V), NumpyEngine(cell, settings, random_weights(cell, settings))
    held = sum(network.beside.state(network.settings.hidden if network.beside.side == "output" else 12))
    for start, copies in ((network.initial_state, 4), (engine.start, 1)):
        monkeypatch.setattr("seqgen.memories.available_memory", lambda copies=copies: 4 * copies * 4 * held)
        start(4)
        with pytest.raises(UsageError) as caught:
            start(5)
        assert caught.value.message.startswith(
            "a memory of 1,000 tokens takes 0.0 GB for 5 streams, and this machine has 0.0 GB free"
        )
        assert "-P memory_length" in caught.value.hint


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="the system does not say")
def test_what_is_free_is_less_than_all_there_is():
    free, lines = available_memory(), Path("/proc/meminfo").read_text().splitlines()
    total = next(int(line.split()[1]) for line in lines if line.startswith("MemTotal:")) * 1024
    assert free is not None
    assert 0 < free < total


def test_attention_can_look_at_the_same_place_some_bars_ago_and_nowhere_else():
    """Bars of two notes in the score codec; what is read is the state behind the one that stood there."""
    codec = registry.load("codecs", "midi_bar")
    clock = codec.fit([], codec.Options()).clock()
    ids = [v.BAR, *(token for bar in range(4) for token in _bar(bar))]
    memory, count = Attention(len(ids)), len(ids)
    weights = {name: np.zeros(shape) for name, shape in memory.weights(count, len(clock)).items()}
    weights["products.weight"][2 * min(64, count) :] = np.eye(count)[: min(64, count)]
    weights["output.weight"][:] = np.eye(count)[:, : min(64, count)]
    weights[CLOCK][:] = clock
    for ago in (1, 2):
        weights["bars"][:] = -60.0
        weights["bars"][ago, 2] = 60.0
        prepared, state = memory.prepared(weights), tuple(np.zeros((1, size)) for size in memory.state(count))
        for t, token in enumerate(ids):
            x = np.eye(count)[t : t + 1]
            y, state = memory.step(prepared, x, np.array([token]), state)
            read = np.flatnonzero((y - x)[0] > 0.2).tolist()
            if t >= 7 * ago:
                assert read == [t - 7 * ago + 1], (ago, t)


def _bar(number: int) -> list[int]:
    """Two notes, of other pitches in every bar, and the line behind them."""
    return [v.POS, v.PITCH + number, v.DUR + 1, v.POS + 24, v.PITCH + 40 + number, v.DUR + 1, v.BAR]
