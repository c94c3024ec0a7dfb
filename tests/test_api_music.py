"""Music in and out of the Python API as the objects that other libraries hold: pretty_midi, mido, files, bytes."""

import subprocess
import sys

import mido
import numpy as np
import pretty_midi
import pytest

import seqgen
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.codecs.char import Char, CharOptions
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.codecs.midi_bar import MidiBar
from seqgen.codecs.midi_bar.codec import MidiBarOptions
from seqgen.errors import CorpusError, DataError, UsageError
from seqgen.models import ModelSettings, weight_shapes
from seqgen.music.read import read_score
from seqgen.music.request import Music
from seqgen.tokenizer import Tokenizer

SHAPE = ModelSettings(hidden=8)
LENGTH = 60


def loaded(folder, tokenizer):
    rng = np.random.default_rng(0)
    shapes = weight_shapes(LSTM(), SHAPE, tokenizer.vocab_size)
    weights = {name: (0.1 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    weights["output.bias"][tokenizer.document_id] = -30
    Checkpoint("lstm", LSTM(), SHAPE, tokenizer, weights).save(folder / "model.safetensors")
    return seqgen.load(folder)


@pytest.fixture(scope="module", params=["midi", "midi_bar"])
def model(request, tmp_path_factory):
    codec = Midi(MidiOptions()) if request.param == "midi" else MidiBar(MidiBarOptions())
    return loaded(tmp_path_factory.mktemp(request.param), Tokenizer(codec, request.param))


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return loaded(tmp_path_factory.mktemp("text"), Tokenizer(Char.fit([b"abc"], CharOptions()), "char"))


def duet():
    """Two bars at 100 of a flute and a cello."""
    made = pretty_midi.PrettyMIDI(initial_tempo=100, resolution=480)
    for program, name, low in ((73, "Flute", 72), (42, "Cello", 48)):
        part = pretty_midi.Instrument(program, name=name)
        part.notes = [pretty_midi.Note(80, low + step, 0.6 * step, 0.6 * step + 0.5) for step in range(8)]
        made.instruments.append(part)
    return made


def heard(made):
    return sorted((note.pitch, round(note.start, 2)) for part in made.instruments for note in part.notes)


def test_tempo_programs_and_names_survive_pretty_midi(model):
    sample = model.sample(duet(), seed=1, length=LENGTH)
    made = sample.pretty_midi()
    assert isinstance(made, pretty_midi.PrettyMIDI)
    assert made.get_tempo_changes()[1].tolist() == pytest.approx([100], rel=1e-3)
    assert {part.program for part in made.instruments} == {73, 42}
    names = {"Flute", "Cello"} if model.tokenizer.codec_name == "midi_bar" else {"flute", "cello"}
    assert {part.name for part in made.instruments} == names, "midi_bar has parts, midi only programs"
    assert set(heard(duet())) <= set(heard(made))
    assert len(heard(made)) > 16, "the sample goes on"


def test_names_that_the_corpus_has_survive(tmp_path):
    duet().write(str(tmp_path / "duet.mid"))
    codec = MidiBar.fit([(tmp_path / "duet.mid").read_bytes()] * 2, MidiBarOptions())
    model = loaded(tmp_path, Tokenizer(codec, "midi_bar"))
    made = model.sample(duet(), seed=1, length=LENGTH).pretty_midi()
    assert {(part.program, part.name) for part in made.instruments} >= {(73, "Flute"), (42, "Cello")}
    assert {part.name for part in made.instruments} == {"Flute", "Cello"}


def test_mido_has_the_messages_of_the_file(model):
    sample = model.sample(duet(), seed=1, length=LENGTH)
    made = sample.mido()
    assert isinstance(made, mido.MidiFile)
    tempos = [message.tempo for track in made.tracks for message in track if message.type == "set_tempo"]
    assert tempos == [600_000]
    notes = sum(message.type == "note_on" and message.velocity > 0 for track in made.tracks for message in track)
    assert notes == len(read_score(sample.bytes))


def test_prompts_of_every_kind_are_the_same_prompt(model, tmp_path):
    path = tmp_path / "duet.mid"
    duet().write(str(path))
    prompts = [duet(), mido.MidiFile(path), path.read_bytes(), path, str(path)]
    made = [model.sample(prompt, seed=3, length=LENGTH).bytes for prompt in prompts]
    assert made == made[:1] * 5
    streamed = [list(model.generate(prompt=prompt, seed=3, length=LENGTH)) for prompt in prompts[:2]]
    assert len(streamed[0]) == LENGTH
    assert streamed[0] == streamed[1]
    assert [token.text for token in model.tokens(duet(), seed=3, length=LENGTH)] == streamed[0]


def test_a_sample_is_a_prompt_again(model):
    first = model.sample(seed=5, length=LENGTH)
    again = [model.sample(prompt, seed=6, length=20).bytes for prompt in (first.mido(), first.bytes)]
    assert again[0] == again[1]


def test_asked_tempos_hold_without_a_prompt(model):
    made = model.sample(seed=1, length=LENGTH, music=Music(tempo=90)).pretty_midi()
    assert made.get_tempo_changes()[1][0] == pytest.approx(90, rel=1e-3)


@pytest.mark.parametrize("empty", [pretty_midi.PrettyMIDI, mido.MidiFile])
def test_what_holds_no_note_is_nothing_to_go_on_from(model, empty):
    with pytest.raises(DataError):
        model.sample(empty(), seed=1, length=5)


def test_what_the_library_cannot_write_is_one_sentence(model):
    broken = duet()
    broken.instruments[0].notes[0].pitch = 300
    with pytest.raises(CorpusError, match=r"pretty_midi\.PrettyMIDI cannot be written as a MIDI file"):
        model.sample(broken, length=5)


def test_other_things_are_no_prompts(model, text):
    with pytest.raises(UsageError, match="the prompt is a int"):
        model.sample(7)
    with pytest.raises(UsageError, match=r"is a pretty_midi\.PrettyMIDI, this model goes on from text"):
        text.sample(duet())
    for name in ("pretty_midi", "mido"):
        with pytest.raises(UsageError, match="text is no music"):
            getattr(text.sample("a", length=3), name)()


def test_neither_library_is_imported_before_it_is_asked_for(model):
    code = (
        f"import sys, seqgen; model = seqgen.load({str(model.folder)!r}); model.sample(length=9).bytes; "
        "print(sorted({'mido', 'pretty_midi'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
