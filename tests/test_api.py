"""The Python API: `seqgen.load`, what it samples, and how a sample looks."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import seqgen
from seqgen.api import primer as primer_module
from seqgen.api.primer import read_prompt
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.codecs.byte import Byte
from seqgen.codecs.char import Char, CharOptions
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.container import read_header
from seqgen.errors import CheckpointError, CorpusError, UsageError
from seqgen.models import ModelSettings, weight_shapes
from seqgen.music.read import read_score
from seqgen.tokenizer import Tokenizer

SHAPE = ModelSettings(hidden=8)


def save(folder, tokenizer, **likely):
    rng = np.random.default_rng(0)
    shapes = weight_shapes(LSTM(), SHAPE, tokenizer.vocab_size)
    weights = {name: (0.1 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    weights["output.bias"][tokenizer.document_id] = -30
    for character, bias in likely.items():
        weights["output.bias"][ord(character)] = bias
    folder.mkdir(exist_ok=True)
    Checkpoint("lstm", LSTM(), SHAPE, tokenizer, weights).save(folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    codec = Char.fit(["aé€".encode()], CharOptions())
    return save(tmp_path_factory.mktemp("text"), Tokenizer(codec, "char"), a=9, b=9, c=9)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return seqgen.load(save(tmp_path_factory.mktemp("raw"), Tokenizer(Byte(), "byte")))


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    return seqgen.load(save(tmp_path_factory.mktemp("music"), Tokenizer(Midi(MidiOptions()), "midi")))


def test_loading_names_the_checkpoint(text):
    model = seqgen.load(text)
    assert model.digest == read_header(text / "model.safetensors", CheckpointError).metadata["data_sha256"]
    assert seqgen.load(text / "model.safetensors").digest == model.digest
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        seqgen.load("nowhere")


def test_pieces_are_the_sample_and_what_the_command_prints(text, capsysbinary):
    model = seqgen.load(text)
    how = {"temperature": 0.7, "rules": [("top_k", 3)], "length": 40}
    pieces = "".join(model.generate("Où?", seed=5, **how))
    sample = model.sample("Où?", seed=5, **how)
    assert sample.text == "Où?" + pieces
    assert len(sample) == len(pieces) == 40
    options = ["-p", "Où?", "-t", "0.7", "-r", "top_k", "3", "-l", "40", "--seed", "5"]
    assert run(["generate", str(text), *options]) == 0
    assert capsysbinary.readouterr().out == sample.bytes


def test_a_seed_makes_the_same_again_and_none_makes_another(text):
    model = seqgen.load(text)
    assert model.sample(seed=3, length=50).text == model.sample(seed=3, length=50).text
    drawn = model.sample(length=50)
    assert model.sample(length=50).text != drawn.text
    assert model.sample(seed=drawn.seed, length=50).text == drawn.text


def test_tokens_have_scores(text):
    model = seqgen.load(text)
    tokens = list(model.tokens("a", seed=1, length=30))
    sample = model.sample("a", seed=1, length=30)
    assert [token.id for token in tokens] == sample.ids.tolist()
    assert np.allclose([token.log_probability for token in tokens], sample.log_probabilities)
    assert all(0 < token.entropy < np.log(model.tokenizer.vocab_size) for token in tokens)
    three = np.log(3)
    assert np.mean(sample.entropies) == pytest.approx(three, abs=0.25), "a, b and c are about equally likely"


def test_pieces_are_whole_characters(raw):
    pieces = list(raw.generate(seed=2, length=400, temperature=1))
    sample = raw.sample(seed=2, length=400, temperature=1)
    assert "".join(pieces) == sample.bytes.decode("utf-8", "replace")
    assert len(pieces) < 400


def test_a_stop_string_ends_text_and_sample_alike(text):
    model = seqgen.load(text)
    for stop in (["cab", "zzz"], "cab"):
        sample = model.sample("x", seed=3, stop=stop, length=5000)
        assert sample.finished == "stop"
        assert sample.text.endswith("cab")
        assert sample.text == "x" + "".join(model.generate("x", seed=3, stop=stop, length=5000))


def test_unlimited_pieces_go_on_until_nobody_asks(text):
    pieces = seqgen.load(text).generate(seed=1, length=float("inf"))
    assert len([next(pieces) for _ in range(3000)]) == 3000


def test_nothing_at_all(text):
    sample = seqgen.load(text).sample("ab", length=0, seed=1)
    assert (sample.text, len(sample), sample.finished) == ("ab", 0, "length")
    assert sample.log_probabilities.shape == sample.entropies.shape == (0,)
    assert "0 tokens" in repr(sample)
    assert "<div" in sample._repr_html_()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"rules": [("topp", 1)]}, "no rule is called 'topp'"),
        ({"temperature": -1}, "temperature is -1.0"),
        ({"stop": [""]}, "--stop is empty"),
        ({"length": float("inf")}, "a finished sample of length inf never comes"),
        ({"label": "bach"}, "no label is called 'bach'"),
    ],
)
def test_what_does_not_fit_is_a_usage_error(text, how, message):
    with pytest.raises(UsageError, match=message):
        seqgen.load(text).sample(**how)


def test_a_sample_is_saved_as_it_is(text, tmp_path):
    sample = seqgen.load(text).sample("é", seed=1, length=5)
    sample.save(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == sample.bytes == sample.text.encode()


def test_text_is_coloured_by_surprise_and_escaped(text):
    model = seqgen.load(text)
    sample = model.sample("<b>&", seed=1, length=30, temperature=3, rules=[("top_k", 200)])
    page = sample._repr_html_()
    assert "&lt;b&gt;&amp;" in page
    assert "<b>" not in page
    assert page.count("rgba(") == 30
    depths = [float(part.split(")")[0]) for part in page.split("40, ")[1:]]
    order = np.argsort(sample.log_probabilities)
    assert depths[order[0]] >= depths[order[-1]]
    assert max(depths) <= 1


def test_music_is_a_file_a_picture_and_a_player(music, tmp_path):
    sample = music.sample(seed=1, length=150)
    assert len(read_score(sample.bytes)) > 5
    names = list(music.generate(seed=1, length=150))
    assert len(names) == len(sample)
    assert any(name.startswith("PITCH") for name in names)
    page = sample._repr_html_()
    assert "data:image/png;base64,iVBOR" in page
    assert "data:audio/wav;base64,UklGR" in page
    sample.save(tmp_path / "a.mid")
    again = music.sample(str(tmp_path / "a.mid"), seed=2, length=20)
    assert len(again.prompt_ids) > 20
    assert again.prompt_ids.tolist() == music.sample(sample.bytes, seed=2, length=20).prompt_ids.tolist()
    with pytest.raises(UsageError, match="music has no text"):
        sample.text
    assert "nothing to hear" in music.sample(seed=1, length=0)._repr_html_()


def test_a_prompt_that_is_too_long_or_not_there_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(primer_module, "MAX_PROMPT", 10)
    (tmp_path / "long").write_bytes(b"x" * 11)
    (tmp_path / "short").write_bytes(b"x" * 10)
    assert read_prompt(tmp_path / "short") == b"x" * 10
    with pytest.raises(CorpusError, match="is longer than a prompt may be"):
        read_prompt(tmp_path / "long")
    with pytest.raises(CorpusError, match="cannot be read"):
        read_prompt(tmp_path / "none")


def test_the_package_stays_light_and_knows_its_names():
    code = "import sys, seqgen; print(sorted({n.split('.')[0] for n in sys.modules} & {'numpy', 'torch', 'sqlite3'}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
    for name in seqgen.__all__:
        assert getattr(seqgen, name) is not None
        assert name in dir(seqgen)
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        seqgen.lode


def test_sampling_needs_no_torch(text):
    code = (
        f"import sys, seqgen; seqgen.load({str(text)!r}).sample(length=9)._repr_html_(); print('torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent)
    assert ran.stdout == "False\n", ran.stderr
