"""Cells that are held or scaled: the same as writing into the state by hand, in every engine, and from every way in."""

import json
import subprocess
import sys

import numpy as np
import pytest

import seqgen
from seqgen import registry
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.errors import UsageError
from seqgen.generation import load
from seqgen.inside.holding import held
from seqgen.inside.naming import CellName
from seqgen.models import ModelSettings
from seqgen.selftest import _materials

IDS = np.array([1, 5, 2, 7, 3, 3, 8, 4, 9])
CLAMP, GAIN = [(CellName(1, 3), 0.9), (CellName(2, 5), -0.4)], [(CellName(1, 7), 2.0), (CellName(2, 1), 0.0)]
SHAPES = (
    ModelSettings(hidden=12, layers=2, embedding=8),  # a projection
    ModelSettings(hidden=12, layers=2),  # tied
    ModelSettings(hidden=12, layers=2, embedding=8, tied=False),
)


def made(name, settings):
    import torch

    from seqgen.models.network import RecurrentLM

    toy = _materials.checkpoint()
    torch.manual_seed(1)
    cell = registry.load("cells", name)()
    network = RecurrentLM(cell, settings, toy.tokenizer.vocab_size)
    weights = {key: weight.detach().numpy().copy() for key, weight in network.state_dict().items()}
    if settings.tied:
        del weights["output.weight"]
    return Checkpoint(name, cell, settings, toy.tokenizer, weights)


def by_hand(checkpoint):
    """Logits token by token, by the cell's own step, what others see of a layer being changed by hand."""
    cell, settings, weights = checkpoint.cell, checkpoint.settings, checkpoint.weights

    def seen(layer, y):
        y = y.copy()
        for name, value in CLAMP:
            if name.layer == layer:
                y[:, name.cell - 1] = value
        for name, factor in GAIN:
            if name.layer == layer:
                y[:, name.cell - 1] *= factor
        return y

    layers = [
        {key.split(".", 2)[2]: w for key, w in weights.items() if key.startswith(f"layers.{layer}.")}
        for layer in range(settings.layers)
    ]
    states = [tuple(np.zeros((1, size), np.float64) for size in cell.state(settings.hidden)) for _ in layers]
    found = []
    for token in IDS:
        x = weights["embedding.weight"][token][None].astype(np.float64)
        for layer, own in enumerate(layers):
            parts = states[layer]
            if len(cell.reads) > 1:  # the recurrent product sees what others see; the memory of a cell is its own
                y, after = cell.step(own, x, (seen(layer + 1, parts[0]), *parts[1:]))
            else:
                y, after = cell.step(own, x, parts)
            states[layer], x = after, seen(layer + 1, y)
        if settings.projected:
            x = x @ weights["projection.weight"].T
        output = weights["embedding.weight" if settings.tied else "output.weight"]
        found.append(x @ output.T + weights["output.bias"])
    return np.concatenate(found)


@pytest.mark.parametrize("name", ["lstm", "rnn", "mingru", "minlstm", "rg_lru"])
@pytest.mark.parametrize("settings", SHAPES)
def test_held_cells_are_what_a_hand_would_write(name, settings):
    """A GRU mixes its state into itself, so there it is the recurrent product alone that sees the held value."""
    checkpoint = made(name, settings)
    wanted = by_hand(checkpoint)
    before = {key: weight.copy() for key, weight in checkpoint.weights.items()}
    changed = held(checkpoint, CLAMP, GAIN)
    for kind in ("numpy", "torch"):
        engine = load(kind, changed.cell, changed.settings, changed.weights)
        state, found = engine.start(1), []
        for token in IDS:
            logits, state = engine.step(np.array([token]), state)
            found.append(logits[0].copy())
        assert np.allclose(found, wanted, atol=2e-5)
    assert all(np.array_equal(before[key], weight) for key, weight in checkpoint.weights.items())


def test_nothing_held_changes_nothing():
    checkpoint = made("gru", SHAPES[0])
    assert held(checkpoint, [], []) is checkpoint
    same = held(checkpoint, [], [(CellName(1, 3), 1.0)])
    assert all(np.array_equal(same.weights[key], weight) for key, weight in checkpoint.weights.items())


@pytest.mark.parametrize(
    ("clamp", "sentence"),
    [
        ([(CellName(3, 1), 1.0)], "there is no layer 3"),
        ([(CellName(1, 13), 1.0)], "cells 1 to 12"),
        ([(CellName(1, 1), 1.0), (CellName(1, 1), 0.5)], "named twice"),
    ],
)
def test_what_cannot_be_held(clamp, sentence):
    with pytest.raises(UsageError, match=sentence):
        held(made("lstm", SHAPES[0]), clamp, [])


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEQGEN_TAKES", str(tmp_path / "takes.sqlite"))
    _materials.checkpoint().save("toy.model")
    return tmp_path


def test_generate_holds_cells_and_its_take_is_the_same_again(here, capsys):
    generate = ["generate", "toy.model", "-l", "80", "--seed", "4", "-t", "1"]
    held_too = [*generate, "--clamp", "layer1:cell2=0.9", "--gain", "layer1:cell3=2"]
    assert run([*generate, "-o", "plain.txt"]) == 0
    for engine in ("numpy", "torch"):
        assert run([*held_too, "-o", f"{engine}.txt", "--engine", engine]) == 0
    assert (here / "numpy.txt").read_bytes() == (here / "torch.txt").read_bytes()
    assert (here / "numpy.txt").read_bytes() != (here / "plain.txt").read_bytes()
    assert run(["takes", "replay", "last", "-o", "again.txt"]) == 0
    assert (here / "again.txt").read_bytes() == (here / "torch.txt").read_bytes()
    capsys.readouterr()
    assert run(["takes", "show", "last", "--json"]) == 0
    shown = capsys.readouterr().out
    assert "layer1:cell2=0.9" in shown
    assert "layer1:cell3=2" in shown


def test_control_lines_hold_cells_and_let_them_go(here):
    def events(*lines):
        words = ["generate", "toy.model", "-l", "60", "--seed", "4", "--events", "--follow", "--no-take"]
        given = b"".join(line + b"\n" for line in lines)
        ran = subprocess.run([sys.executable, "-m", "seqgen", *words], input=given, capture_output=True, check=True)
        told = [json.loads(line) for line in ran.stdout.splitlines()]
        return told, [each["id"] for each in told if each["event"] == "token"]

    hold = b'{"clamp": {"layer1:cell2": 60, "layer1:cell4": -60}, "gain": {"layer1:cell3": 2}}'
    free = b'{"clamp": {"layer1:cell2": null, "layer1:cell4": null}, "gain": {"layer1:cell3": null}}'
    _, plain = events()
    told, changed = events(hold)
    _, freed = events(hold, free)
    assert changed != plain
    assert freed == plain
    assert any("layer1:cell2" in json.dumps(each) for each in told)
    told, same = events(b'{"clamp": {"layer1:cell9999": 1}}', b'{"clamp": {"x": 1}}', b'{"gain": 3}')
    assert same == plain
    assert len([each for each in told if each["event"] == "error"]) == 3


def test_python_holds_cells_and_refuses_what_it_cannot(here):
    model = seqgen.load("toy.model")
    one = model.sample(seed=1, length=40, clamp=["layer1:cell2=0.9"])
    assert one.ids.tolist() == model.sample(seed=1, length=40, clamp=["layer1:cell2=0.9"]).ids.tolist()
    with pytest.raises(UsageError, match="expected a cell, = and a number"):
        model.sample(seed=1, clamp=["layer1:cell2"])
    with pytest.raises(UsageError, match="named twice"):
        model.sample(seed=1, gain=["layer1:cell2=1", "layer1:cell2=2"])
    from seqgen.api.mixture import Voice, mix

    mixed = mix([Voice(model, 1, 1), Voice(model, 1, 1)])
    with pytest.raises(UsageError, match="cells of a mixture cannot be held"):
        mixed.sample(seed=1, length=5, clamp=["layer1:cell2=1"])


def test_a_live_session_holds_cells_too(here):
    from seqgen.live.controls import checked, defaults, settled
    from seqgen.live.text import Lines

    model = seqgen.load("toy.model")
    values = {**defaults(), "temperature": 0.9}
    streams = [Lines(model, values, 3) for _ in range(3)]
    held_too = settled(values, checked({"clamp": {"layer1:cell2": 60, "layer1:cell4": -60}}))
    assert held_too == {"clamp": "layer1:cell2=60.0,layer1:cell4=-60.0"}
    for stream in streams[1:]:
        stream.change({**values, **held_too})
    streams[2].change({**values, **checked({"clamp": None})})
    plain, changed, freed = ("".join(stream.line() for _ in range(4)) for stream in streams)
    assert plain != changed
    assert plain == freed
    with pytest.raises(UsageError, match="there is no cell 9999"):
        streams[0].change({**values, "clamp": "layer1:cell9999=1"})
    with pytest.raises(UsageError, match="expected a cell, = and a number"):
        checked({"gain": "layer1:cell2"})


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_cells_are_seen_while_a_sample_is_drawn(here, capsysbinary, engine):
    """Each token comes with what the watched cells were when it was drawn: those of a trace over what stood before."""
    from seqgen.inside.trace import trace

    words = ["generate", "toy.model", "-l", "12", "--seed", "4", "--events", "--no-take", "--engine", engine]
    assert run([*words, "-p", "ANNA"]) == 0
    plain = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert run([*words, "-p", "ANNA", "--watch", "layer1:cell3"]) == 0
    told = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    tokens = [each for each in told if each["event"] == "token"]
    assert [each["id"] for each in tokens] == [each["id"] for each in plain if each["event"] == "token"]
    model = seqgen.load("toy.model")
    ids = np.concatenate([model.tokenizer.encode(b"ANNA"), [each["id"] for each in tokens]]).astype(np.int64)
    label = next(each["label"] for each in told if each["event"] == "start")
    seen = trace(model.checkpoint, ids, model.tokenizer.frame(label)).cells[0][0][:, 2]
    shown = [each["cells"]["layer1:cell3"] for each in tokens]
    assert np.allclose(shown, seen[3:-1], atol=2e-4)
    assert run(["generate", "toy.model", "--watch", "layer1:cell3", "-l", "2"]) == 2
    assert run([*words, "--watch", "layer1:cell99999"]) == 2
