"""The look-back memory: one rule told three times, over windows of any length, and known answers."""

import numpy as np
import pytest
import torch
from lookback_by_hand import naive, random_clock

from seqgen import registry
from seqgen.codecs.midi_bar import vocabulary as v
from seqgen.generation.engines.numpy import NumpyEngine
from seqgen.generation.engines.torch import TorchEngine
from seqgen.jobs.train.planning import new_plan
from seqgen.jobs.train.settings import TrainJob
from seqgen.memories import lookback
from seqgen.memories._lookback import looked as in_windows
from seqgen.memories.lookback import Lookback
from seqgen.memories.lookback import looked as in_steps
from seqgen.models import ModelSettings, weight_shapes
from seqgen.models.network import RecurrentLM, tell_memory
from seqgen.stream import StreamWriter, TokenStream
from seqgen.tokenizer import Tokenizer

V = 40
SCORES = registry.load("codecs", "midi_bar")
FRAMED = Tokenizer(SCORES.fit([], SCORES.Options()), "midi_bar")


def stepped(ids, clock, length):
    state = [np.zeros(size, np.float32) for size in Lookback(length).state(8)]
    return [in_steps(token, clock[token].tolist(), *state) for token in ids]


def windowed(ids, clock, length, cuts):
    """(B, T) ids in windows that are cut there."""
    table = torch.from_numpy(clock)
    state = tuple(torch.zeros(len(ids), size) for size in Lookback(length).state(8))
    parts = []
    for piece in np.split(ids, cuts, axis=1):
        found, state, _ = in_windows(torch.from_numpy(piece), table, state)
        parts.append([each.numpy() for each in found])
    return [np.concatenate(each, axis=1) for each in zip(*parts)]


@pytest.mark.parametrize("length", [3, 50, 400])
@pytest.mark.parametrize("seed", range(4))
def test_windows_steps_and_a_naive_loop_agree_on_random_ids(seed, length):
    clock = random_clock(seed, V)
    ids = np.random.default_rng(seed).integers(0, V, (3, 300))
    ids[:, ::2] = ids[:, ::2] % 7 + 20 * (ids[:, ::2] % 2)  # some more often, so that things come again
    for cuts in ([], [1, 2, 3, 10, 74, 299]):
        found = windowed(ids, clock, length, cuts)
        for row, own in enumerate(ids.tolist()):
            expected = naive(own, clock, length)
            assert stepped(own, clock, length) == expected
            assert [*zip(*(each[row].tolist() for each in found))] == expected


def tune(*bars):
    """Ids of the score codec, a POS, PITCH and DUR for each (place, pitch) of each bar, in a framed stream."""
    ids = [FRAMED.document_id]
    for bar in bars:
        ids.append(v.BAR)
        for place, pitch in bar:
            ids += [v.POS + place, v.PITCH + pitch, v.DUR + 11]
    return ids


def said(ids, length=100):
    """For each token what each lag says will follow, as a name, and how many tokens match."""
    names, clock = [None, *FRAMED.vocabulary()], FRAMED.clock()
    return [([names[one] for one in follow], matched) for follow, _, matched, _ in stepped(ids, clock, length)]


def test_a_tune_is_told_what_stood_one_and_two_bars_before():
    ids = tune([(0, 60), (24, 62)], [(0, 64), (48, 65)], [(0, 60), (24, 62)])
    found = said(ids)
    third = [i for i, token in enumerate(ids) if token == v.BAR][2]
    before, match = [[*one[:2]] for one, _ in found[third:]], [(one[-1], size) for one, size in found[third:]]
    assert before[0] == ["POS_0", "POS_0"]
    assert before[1] == ["PITCH_64", "PITCH_60"]
    assert before[2] == ["DUR_12/24", "DUR_12/24"]
    assert before[3] == ["POS_48", "POS_24"]  # after the note, the place of the next one
    assert before[4] == ["POS_48", "PITCH_62"]  # a bar ago nothing stood there yet
    assert before[6] == ["POS_48", "BAR_LINE"]
    assert [size for _, size in match] == [2, 3, 3, 4, 5, 6, 7]
    assert [one for one, _ in match[1:]] == ["PITCH_64", "DUR_12/24", "POS_24", "PITCH_62", "DUR_12/24", "BAR_LINE"]


def test_velocities_that_stand_only_where_they_change_do_not_shift_what_is_told():
    plain = tune([(0, 60)], [(0, 60)])
    ids = [*plain[:3], v.VEL + 9, *plain[3:]]
    assert said(ids)[-3][0][0] == "PITCH_60"


def test_parts_are_told_apart():
    opening = [FRAMED.document_id, v.BAR, v.POS]
    first, second = [v.PART, v.PITCH + 60, v.DUR], [v.PART + 1, v.PITCH + 48, v.DUR + 1]
    ids = [*opening, *first, *second, v.BAR, v.POS, v.PART + 1]
    assert said(ids)[-1][0][0] == "PITCH_48"


def test_a_document_is_told_nothing_of_the_one_before():
    once = tune([(0, 60)], [(0, 62)])
    assert said(once + once)[len(once) :] == said(once)


def test_lines_of_text_are_told_by_column():
    codec = registry.load("codecs", "byte")
    own = codec.fit([], codec.Options())
    names, ids = [None, *own.vocabulary()], own.encode(b"ab\nacd\nax").tolist()
    found = [names[follow[0]] for follow, *_ in stepped(ids, own.clock(), 50)]
    assert [name and name.strip("'") for name in found[3:6]] == ["b", own.vocabulary()[10], own.vocabulary()[10]]


@pytest.mark.parametrize("tables", [lookback.TABLES, 0])
def test_the_engine_gives_a_stream_the_same_bits_whatever_the_others_are(tables, monkeypatch):
    monkeypatch.setattr(lookback, "TABLES", tables)
    cell, settings = registry.load("cells", "lstm")(), ModelSettings(hidden=12, embedding=8, memory="lookback")
    draw = np.random.default_rng(1)
    weights = {name: draw.normal(0, 0.2, shape) for name, shape in weight_shapes(cell, settings, V).items()}
    engine = NumpyEngine(cell, settings, weights | {"memory.clock": random_clock(1, V)})
    assert (engine.table is None) == (tables == 0)
    torch_engine = TorchEngine(cell, settings, weights | {"memory.clock": random_clock(1, V)})
    ids = draw.integers(0, 9, (60, 5))

    def run(kind, rows):
        state, found = kind.start(len(rows)), []
        for tokens in ids[:, rows]:
            logits, state = kind.step(tokens, state)
            found.append(logits.copy())
        return np.array(found)

    together = run(engine, [0, 1, 2, 3, 4])
    for stream in range(2, 5):
        assert (run(engine, [stream, 0])[:, 0] == together[:, stream]).all()
    np.testing.assert_allclose(together, run(torch_engine, [0, 1, 2, 3, 4]), atol=1e-5)


def test_a_network_is_told_the_clock_of_its_codec():
    network = RecurrentLM(registry.load("cells", "gru")(), ModelSettings(hidden=8, memory="lookback"), 746 + 1)
    tell_memory(network, FRAMED.clock(), None)
    assert (network.state_dict()["memory.clock"].numpy() == FRAMED.clock()).all()


def test_models_of_long_documents_have_it_on_a_cpu_where_nobody_says(tmp_path):
    def memory(device, bars=100, **given):
        path = tmp_path / f"{bars}.tokens"
        with StreamWriter(path, FRAMED.spec(), FRAMED.vocab_size) as writer:
            for _ in range(20):
                writer.add(np.array(tune(*[[(0, 60)]] * bars), np.uint16))
                writer.end_document()
        job = TrainJob((str(path),), tmp_path, device=device, steps=5)
        return new_plan(job, TokenStream.open(path), given, None).shape.memory

    assert memory("cpu") == "lookback"
    assert memory("cpu", infill=0.3) == "lookahead"
    assert memory("cpu", infill=0.3, memory="none") is None
    assert memory("cpu", bars=2) is None
    assert memory("cpu", memory="none") is None
    assert memory("cpu", memory="attention") == "attention"
