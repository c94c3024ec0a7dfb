"""Cells over a text: that they are the network's own, what they follow, and the page that shows it."""

import json
import re

import numpy as np
import pytest

import seqgen
from seqgen import registry
from seqgen.cells import Cell
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.errors import CorpusError, UsageError
from seqgen.inside.features import at_tokens, text_features
from seqgen.inside.finder import Correlations, followers, passages
from seqgen.inside.gates import saturation
from seqgen.inside.look import corpus_features, look, reading
from seqgen.inside.naming import CellName, read_name, read_value, require_there
from seqgen.inside.page import _bars
from seqgen.inside.sweep import columns, sweep
from seqgen.inside.trace import trace
from seqgen.models import ModelSettings
from seqgen.music.score import Score
from seqgen.render.cells import CellText, Colours, coloured, text_html
from seqgen.render.heat import Heat, heat_html, png
from seqgen.selftest import _materials

C = b'/* a (note) */\nint main(void) {\n  if (a[1] > 2) { say("hello (you)"); }\n  return 0;\n}\n'


def made(cell: Cell, settings: ModelSettings) -> Checkpoint:
    """A checkpoint of this cell with fresh weights over the bytes."""
    import torch

    from seqgen.models.network import RecurrentLM

    toy = _materials.checkpoint()
    torch.manual_seed(1)
    network = RecurrentLM(cell, settings, toy.tokenizer.vocab_size)
    weights = {name: weight.detach().numpy().copy() for name, weight in network.state_dict().items()}
    if settings.tied:
        del weights["output.weight"]
    return Checkpoint("x", cell, settings, toy.tokenizer, weights)


def stir(checkpoint: Checkpoint) -> None:
    """Change the weights of a memory: a fresh one does nothing."""
    rng = np.random.default_rng(1)
    for name, weight in checkpoint.weights.items():
        if name.startswith("memory.") and not name.endswith("clock"):
            checkpoint.weights[name] = weight + rng.normal(size=weight.shape).astype(np.float32) * 0.1


CELLS = ("lstm", "gru", "rnn", "mingru", "minlstm", "rg_lru")


@pytest.mark.parametrize("name", CELLS)
def test_a_trace_has_the_cells_of_the_network(name):
    """Hidden states, chances and surprise are those of the torch module over the whole text at once."""
    import torch

    checkpoint = made(registry.load("cells", name)(), ModelSettings(hidden=12, layers=2, embedding=8))
    ids, frame = checkpoint.tokenizer.encode(C)[:60], checkpoint.tokenizer.frame()
    found = trace(checkpoint, ids, frame)
    network = checkpoint.network()
    whole = torch.from_numpy(np.concatenate([frame, ids]).astype(np.int64))[None]
    with torch.inference_mode():
        logits, state = network(whole, network.initial_state(1))
    scores = torch.log_softmax(logits[0].double(), -1).numpy()
    for layer, parts in enumerate(found.cells):
        for part, last in zip(parts, state[layer]):
            assert np.allclose(part[-1], last[0], atol=1e-5)
    assert np.allclose(found.surprise, -scores[np.arange(len(ids)), ids.astype(int)], atol=1e-4)
    assert np.array_equal(found.next_ids[:, 0], scores[1:].argmax(-1))
    assert np.allclose(found.entropy, -(np.exp(scores) * scores).sum(-1)[1:], atol=1e-4)


@pytest.mark.parametrize(("memory", "tied"), [("lookback", True), ("lookback", False), ("attention", True)])
def test_a_network_with_a_memory_is_looked_into_too(memory, tied):
    import torch

    checkpoint = made(
        registry.load("cells", "lstm")(), ModelSettings(12, 2, 8, memory=memory, memory_length=16, tied=tied)
    )
    stir(checkpoint)
    ids, frame = checkpoint.tokenizer.encode(C)[:60].astype(np.int64), checkpoint.tokenizer.frame()
    found = trace(checkpoint, ids, frame)
    network = checkpoint.network()
    whole = torch.from_numpy(np.concatenate([frame, ids]).astype(np.int64))[None]
    with torch.inference_mode():
        logits, _ = network(whole, network.initial_state(1))
    scores = torch.log_softmax(logits[0].double(), -1).numpy()
    assert np.allclose(found.surprise, -scores[np.arange(len(ids)), ids], atol=1e-4)
    h, c = found.cells[1]
    assert np.allclose(found.gates[1]["output"] * np.tanh(c), h, atol=1e-5)
    what = reading(checkpoint.tokenizer, C * 6, window=120)
    seen = look(checkpoint, what, wanted=("gradients", "saliency"))
    assert [each.name for each in seen.further] == ["gradients", "saliency"]
    assert "<h2>Gradients</h2>" in seen.page()


@pytest.mark.parametrize("name", CELLS)
def test_gates_are_those_that_made_the_states(name):
    checkpoint = made(registry.load("cells", name)(), ModelSettings(hidden=12, layers=2, embedding=8))
    found = trace(checkpoint, checkpoint.tokenizer.encode(C)[:40], checkpoint.tokenizer.frame())
    for layer, gates in enumerate(found.gates):
        for values in gates.values():
            assert values.shape == (40, 12)
            assert (values >= 0).all()
            assert (values <= 1).all()
        if name == "lstm":
            h, c = found.cells[layer]
            assert np.allclose(gates["output"] * np.tanh(c), h, atol=1e-5)
    assert [each.gate for each in saturation(found)] == list(found.gates[0]) * 2


def test_saturation_counts_shares():
    checkpoint = made(registry.load("cells", "lstm")(), ModelSettings(hidden=4))
    checkpoint.weights["layers.0.bias_ih_l0"][:8] = [-20] * 4 + [20] * 4  # input gates shut, forget gates open
    found = {
        each.gate: each
        for each in saturation(trace(checkpoint, checkpoint.tokenizer.encode(C), checkpoint.tokenizer.frame()))
    }
    assert found["input"].left.tolist() == [1.0] * 4
    assert found["forget"].right.tolist() == [1.0] * 4
    assert found["output"].left.max() < 1


def test_features_of_code():
    values = {each.name: each.values for each in text_features(C)}
    at = C.index
    assert values["inside a comment"][at(b"note")] == 1
    assert values["inside a comment"][at(b"int")] == 0
    assert values["inside a quote"][at(b"hello")] == 1
    assert values["inside a quote"][at(b");")] == 0
    assert np.isnan(values["inside parentheses"][at(b"note")])  # brackets are those of code, and said there alone
    assert np.isnan(values["bracket depth"][at(b"hello")])
    assert values["inside parentheses"][at(b"1]")] == 1
    assert values["bracket depth"][at(b"1]")] == 3
    assert values["depth of braces"][at(b"say")] == 2
    assert values["inside a condition"][at(b"> 2")] == 1
    assert values["inside a condition"][at(b"say")] == 0
    assert values["column"][at(b"if")] == 3
    assert values["indentation"][at(b"return")] == 2
    assert values["length of the line"][at(b"int")] == len(b"int main(void) {")


def test_brackets_of_branches_are_not_added_up():
    """By hand; both `if` of a pair of branches open the same brace, and a comment is known by its second byte."""
    code = (
        b"int f(int a){\n#ifdef A\n  if( a ){ g(\n#  elif B\n  if( b ){\n#else /* #endif */\n  h();\n#endif\n"
        b"    one );\n  }\n}\n#endif\n#else\nint two(void){ x / y; }\n  #define N \\\n  3\nlast\n"
    )
    values = {each.name: each.values for each in text_features(code * 3)}
    at = code.index
    depths = {
        word: int(values["depth of braces"][at(word)]) for word in (b"g(", b"if( b", b"h()", b"one", b"two", b"x /")
    }
    assert depths == {b"g(": 2, b"if( b": 1, b"h()": 1, b"one": 2, b"two": 0, b"x /": 1}
    assert values["inside parentheses"][[at(b"one"), at(b"h()")]].tolist() == [1, 0]
    assert values["depth of braces"][2 * len(code) + at(b"one")] == 2
    assert values["inside a comment"][[at(b"/*"), at(b"/*") + 1, at(b"/ y")]].tolist() == [0, 1, 0]
    marked = values["inside a directive"]
    assert marked[[at(b"  #define"), at(b"#define"), at(b"3\n"), at(b"last")]].tolist() == [0, 1, 1, 0]


def test_features_of_a_play_and_of_quotes():
    play = b'ROMEO:\nShe said "good (night)".\n\nFirst Citizen:\nOh\n' * 5
    values = {each.name: each.values for each in text_features(play)}
    assert values["inside a speaker's name"][:8].tolist() == [1] * 6 + [0] * 2
    assert values["inside a quote"][play.index(b"night")] == 1
    assert "inside a comment" not in values
    by_token = {each.name: each.values for each in at_tokens(text_features(play), np.array([3, 0, 4]))}
    assert by_token["column"].tolist()[0] == 3
    assert np.isnan(by_token["column"][1])


def test_correlations_are_pearsons_and_chance_stays_low():
    rng = np.random.default_rng(0)
    feature = np.repeat(rng.integers(0, 2, 300), 10).astype(np.float32)
    cells = rng.normal(size=(3000, 20)).astype(np.float32)
    cells[:, 7] = -2 * feature + 0.5 * cells[:, 7] + 100
    known = feature.copy()
    known[:500] = np.nan
    sums = Correlations([feature, known], 20)
    for begin in range(0, 3000, 700):
        places = np.arange(begin, min(3000, begin + 700))
        sums.add(places, cells[places], cells[places] ** 2)
    expected = np.corrcoef(np.column_stack([feature, cells]).T)[0, 1:]
    assert np.allclose(sums.result()[0, :7], expected[:7], atol=1e-3)
    partial = np.corrcoef(np.column_stack([feature, cells])[500:].T)[0, 1:]
    assert np.allclose(sums.result()[1, :7], partial[:7], atol=1e-3)
    from seqgen.inside.features import Feature

    named = [(1, "hidden", number) for number in range(1, 21)]
    cells[:, 7] -= 100
    found = followers([(np.arange(3000), cells)], [Feature("on", feature)], named, best=2)
    assert found[0].name == CellName(1, 8)
    assert found[0].correlation < -0.85
    assert found[0].larger < 0
    assert found[0].strength == pytest.approx(max(-found[0].correlation, -found[0].balanced))
    assert found[0].chance < 0.35


def test_a_rare_feature_is_balanced():
    """Held at one place in fifty; a cell that is on at all these, and at one in fifty of the others (by hand)."""
    feature = np.tile(np.eye(1, 50, dtype=np.float32)[0], 50 * 49)
    other = np.repeat(np.eye(1, 49, dtype=np.float32)[0], 50 * 50)[: len(feature)] * (feature == 0)
    rate = float(other.sum() / (feature == 0).sum())
    cell = (feature + other)[:, None].astype(np.float32)
    known = np.where(np.arange(len(feature)) < 1000, np.nan, feature).astype(np.float32)
    measured = [Correlations([feature, known], 1, balanced=balanced) for balanced in (False, True)]
    for each in measured:
        for begin in range(0, len(feature), 7000):
            places = np.arange(begin, min(begin + 7000, len(feature)))
            each.add(places, cell[places], cell[places] ** 2)
    plain, balanced = (each.result()[0, 0] for each in measured)
    on, share = 0.02, 0.5
    wanted = [
        p * (1 - rate) * (1 - p) / np.sqrt(p * (1 - p) * (p + (1 - p) * rate) * (1 - p) * (1 - rate))
        for p in (on, share)
    ]
    assert [plain, balanced] == pytest.approx(wanted, abs=1e-3)
    assert balanced > 0.97
    assert measured[1].result()[1, 0] == pytest.approx(balanced, abs=0.01)


def test_passages_are_apart_and_the_strongest_come_first():
    values = np.zeros(1000, np.float32)
    values[300:320], values[700:720] = 1, 2
    first, second = passages(values, 2)
    assert first.begin <= 705 < first.end
    assert second.begin <= 305 < second.end


@pytest.mark.parametrize(
    ("name", "memory"), [("lstm", None), ("mingru", None), ("lstm", "lookback"), ("gru", "attention")]
)
def test_a_sweep_gives_each_place_once_and_what_a_trace_gives(name, memory):
    shape = ModelSettings(hidden=12, embedding=8, memory=memory, memory_length=256)
    checkpoint = made(registry.load("cells", name)(), shape)
    stir(checkpoint)
    ids = np.tile(checkpoint.tokenizer.encode(C), 90)
    whole = trace(checkpoint, ids, checkpoint.tokenizer.frame())
    found = np.full((len(ids), len(columns(checkpoint))), np.nan, np.float32)
    for quick in (False, True):
        for places, block in sweep(checkpoint, ids, quick):
            found[places] = block
        assert np.isfinite(found).all()
        wanted = np.concatenate([np.tanh(p) if n else p for p, n in zip(whole.cells[0], range(2))], axis=1)
        assert np.abs(found - wanted).max() < (0.02 if quick else 1e-4)


def test_names_of_cells():
    assert read_name("layer2:cell317") == CellName(2, 317)
    assert str(CellName(2, 317)) == "layer2:cell317"
    assert read_value("layer1:cell3=-0.5", "clamp") == (CellName(1, 3), -0.5)
    with pytest.raises(UsageError, match="names no cell"):
        read_name("cell 3")
    with pytest.raises(UsageError, match="it has cells 1 to 64"):
        require_there([CellName(1, 65)], 1, 64)
    with pytest.raises(UsageError, match="this model has layers 1 to 2"):
        require_there([CellName(3, 1)], 2, 64)
    for wrong in ("layer1:cell3", "layer1:cell3=much", "layer1:cell3=nan", "layer1:cell3=1e9"):
        with pytest.raises(UsageError, match="expected a cell, = and a number"):
            read_value(wrong, "clamp")


def test_the_cells_of_sqlite():
    """The kinds that Karpathy, Johnson & Fei-Fei (2015) name, on a text that is not in the corpus."""
    checkpoint = Checkpoint.load("sqlite-c")
    code = (
        b"/*\n** Return the number of rows (if any).\n*/\nstatic int count(Parse *p, int n){\n  if( n>0 ){\n"
        b"    for(i=0; i<n; i++){\n      total += a[i]; /* add it */\n    }\n  }\n  return total;\n}\n\n"
    )
    seen = look(checkpoint, reading(checkpoint.tokenizer, code * 12, window=2400), name="sqlite-c")
    best = {each.feature: abs(each.correlation) for each in reversed(seen.found)}
    assert best["inside a comment"] > 0.6
    assert max(best["depth of braces"], best["bracket depth"]) > 0.6
    assert seen.trace.surprise.mean() < 1.5
    page = seen.page()
    assert len(page) < 3_000_000
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_music_is_seen_over_its_notes():
    model = seqgen.load("bach-chorales")
    data = model.sample(seed=3, length=500).bytes
    seen = model.look(data)
    names = {each.feature for each in seen.found}
    assert {"place in the bar", "on the beat", "pitch", "length of the note"} <= names
    placed = model.tokenizer.codec.placed(seen.trace.ids)
    assert placed is not None
    score, token = placed
    vocabulary = model.tokenizer.vocabulary()
    for pitch, at in zip(score.pitch.tolist(), token.tolist()):
        assert vocabulary[seen.trace.ids[at]].endswith(f"_{pitch}")
    assert seen.page().count("<rect class=") == len(score)
    assert seen.picture("png").startswith(b"\x89PNG")
    values = {each.name: each.values for each in corpus_features(model.tokenizer, seen.trace.ids, np.array([0]))}
    assert np.isfinite(values["pitch"]).sum() == len(score)


@pytest.mark.parametrize("codec", ["midi", "midi_bar", "midi_388", "midi_grid"])
def test_every_codec_of_music_tells_the_tokens_of_notes(codec):
    from random import Random

    kind = registry.load("codecs", codec)
    fitted = kind.fit([_materials.midi(Random(1))], kind.Options())
    ids = fitted.encode(_materials.midi(Random(1)))
    score, token = fitted.placed(ids)
    plain = fitted.score(ids)
    assert np.array_equal(score.pitch, plain.pitch)
    assert np.array_equal(score.onset, plain.onset)
    assert len(set(token.tolist())) == len(score)
    assert ((token >= 0) & (token < len(ids))).all()


def test_bars_begin_anew_where_the_meter_changes():
    """One beat before the first whole bar, then 4/4, then 3/8; ticks of a score are beats on the page."""
    score = Score(
        480,
        onset=np.array([0, 12 * 480 - 1]),
        duration=np.ones(2, np.int64),
        pitch=np.array([60, 62], np.uint8),
        velocity=np.array([64, 64], np.uint8),
        program=np.zeros(2, np.uint8),
        meter_tick=np.array([0, 480, 9 * 480]),
        meter=np.array([[1, 4], [4, 4], [3, 8]]),
    )
    assert _bars(score) == [0, 1, 5, 9, 10.5, 12]


def test_a_text_in_blocks_is_the_text():
    """Blocks end with lines, so that a browser can leave out those that are not in sight; nothing is lost between."""
    text = "".join(f"line {number} of some é\n" for number in range(80)).encode()
    pieces = [text[place : place + 1] for place in range(len(text))]
    page = text_html(CellText(pieces, [Colours("c", np.linspace(-1, 1, len(pieces)))]))
    blocks = re.findall(r'<div class="block">(.*?)</div>', page, re.DOTALL)
    shown = ["".join(re.findall("<i [^>]*>([^<]*)</i>", block)) for block in blocks]
    assert len(shown) > 3
    assert "".join(shown) == text.decode()
    assert all(block.endswith("\n") for block in shown)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _materials.checkpoint().save("toy.model")
    return tmp_path


def test_the_command_writes_a_page_a_picture_and_data(here, capsys):
    (here / "evil.txt").write_text('</script><script>alert(1)</script> "<b>" \x1b[2J\n' * 30)
    for name in ("page.html", "picture.png", "picture.svg", "data.json"):
        assert run(["look", "toy.model", "evil.txt", "-o", name]) == 0
    page = (here / "page.html").read_text("utf-8")
    assert "alert(1)</script>" not in page
    assert "\x1b" not in page
    assert len(re.findall("<script", page)) == 2  # the data, and the page's own
    assert "script-src 'sha256-" in page
    data = json.loads((here / "data.json").read_text())
    assert data["kind"] == "look"
    assert len(data["tokens"]) == len(data["surprise"]) == len(data["next"]) == len(data["cells"][0]["values"])
    assert (here / "picture.svg").read_text().startswith("<?xml")
    capsys.readouterr()
    assert run(["look", "toy.model", "some words (of a text) here\n" * 9, "--cell", "layer1:cell2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cells"][0]["cell"] == "layer1:cell2"
    assert run(["look", "toy.model", "some words (of a text) here\n" * 9]) == 0
    assert "feature" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["toy.model", "text", "--cell", "layer9:cell1"], "there is no layer 9"),
        (["toy.model", "text", "--cell", "layer1:cell99999"], "it has cells 1 to"),
        (["toy.model", "text", "--cell", "first"], "names no cell"),
        (["toy.model", ""], "the text is empty"),
        (["toy.model", "text", "-o", "page.pdf"], "cannot tell what to write"),
        (["toy.model", "text", "--window", "0"], "expected 1 to 20,000 tokens"),
        (["nowhere", "text"], "there is no such checkpoint"),
        (["bach-chorales", "no.mid"], "cannot be read"),
        (["toy.model", "text", "--corpus", "nowhere"], "no such file, folder or corpus"),
    ],
)
def test_what_cannot_be_is_one_sentence(here, capsys, words, sentence):
    assert run(["look", *words]) in (1, 2)
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said


def test_a_window_is_said(here, capsys):
    assert run(["look", "toy.model", "a line of words\n" * 40, "--window", "100", "-o", "page.html"]) == 0
    assert "shown are the first 100 of 640 tokens" in capsys.readouterr().err
    assert "shown are the first 100 of 640 tokens" in (here / "page.html").read_text("utf-8")


def test_python_looks_and_shows_itself(here):
    seen = seqgen.load("toy.model").look("some words (of a text) here\n" * 9, cells=["layer1:cell3"])
    assert str(seen.cells[0].name) == "layer1:cell3"
    assert "celltext" in seen._repr_html_()
    with pytest.raises(CorpusError):
        seqgen.load("toy.model").look("")


def test_a_png_of_pixels_is_read_by_others():
    import io

    from matplotlib.image import imread

    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    assert np.array_equal(np.round(imread(io.BytesIO(png(pixels)))[..., :3] * 255), pixels)


def test_a_heat_map_of_few_squares_is_large_and_of_long_names_readable():
    few, many = (Heat("h", np.eye(n), [str(k) for k in range(n)], ["x"] * n, "row", "letter read") for n in (4, 40))
    sizes = [int(re.search(r'<svg class="chart heat" width="(\d+)"', heat_html(each))[1]) for each in (few, many)]
    assert sizes[0] > 4 * 28
    assert sizes[1] > 40 * 12
    narrow = heat_html(Heat("h", np.eye(1), ["a"], ["x"], "row", "letter read"))
    assert int(re.search(r'width="(\d+)"', narrow)[1]) > 7 * len("letter read")  # its axis is not cut off
    assert "rotate(-90)" not in heat_html(few)
    assert heat_html(Heat("h", np.eye(4), list("abcd"), ["PITCH_60"] * 4)).count("rotate(-90)") == 4


def test_colours_of_a_heat_map_are_told():
    both = heat_html(Heat("h", np.array([[0.5, -2.0]]), ["a"], ["x", "y"]))
    assert '<span class="up">2</span><span class="down">-2</span>white is 0' in both
    assert 'class="down"' not in heat_html(Heat("h", np.eye(2), ["a", "b"], ["x", "y"]))
    assert "legend" not in heat_html(Heat("h", np.zeros((1, 2)), ["a"], ["x", "y"]))


def test_passages_have_one_element_for_neighbours_of_one_colour():
    assert (
        coloured([b"a", b"b", b"<"], np.array([3, 3, 5], np.uint8)) == '<i class="t p3">ab</i><i class="t p5">&lt;</i>'
    )
    assert coloured([], np.array([], np.uint8)) == ""
