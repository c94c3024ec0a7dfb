"""Sound: never silent, never clipped, bounded, a readable WAV file; FluidSynth is asked politely."""

import io
import os
import sys
import types
import wave
from pathlib import Path

import numpy as np
import pytest

from seqgen.errors import MidiError, UsageError
from seqgen.music.score import DRUMS, Score
from seqgen.render import audio, fluid, synth, timbres, window

RATE = 8000


def score(*notes, **rest):
    return Score.from_notes(480, notes, **rest)


def pitch_of(samples, rate):
    """The strongest frequency below 2 kHz, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples, 4 * rate))[: 8 * 1000]
    return float(spectrum.argmax()) / 4


@pytest.mark.parametrize("program", [*range(0, 128, 8), DRUMS])
def test_no_family_is_silent_or_clipped(program):
    sound = audio.synthesize(score((0, 960, 60, 80, program)), rate=RATE)
    assert sound.shape == (int((1 + audio.TAIL) * RATE), 2)
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() == pytest.approx(10 ** (-1 / 20), abs=1e-4)
    assert np.sqrt((sound[: RATE // 10] ** 2).mean()) > 0.01
    assert np.abs(sound[-1]).max() == 0


@pytest.mark.parametrize("program", [0, 19, 48, 73])
def test_a_note_has_its_pitch(program):
    sound = audio.synthesize(score((0, 1920, 69, 80, program)), rate=RATE).mean(1)
    assert pitch_of(sound[: 2 * RATE], RATE) == pytest.approx(440, rel=0.01)


def test_a_note_begins_and_ends_where_the_tempo_map_says():
    tempo = {"tempo_tick": np.array([0, 480]), "tempo": np.array([500_000, 1_000_000])}
    sound = np.abs(audio.synthesize(score((960, 480, 60, 90, 19), **tempo), rate=RATE)).max(1)
    assert sound[: int(1.49 * RATE)].max() < 1e-6  # half a second, then a second
    assert sound[int(1.6 * RATE) : int(2.4 * RATE)].max() > 0.8
    assert sound[int(3.5 * RATE) :].max() < 0.1


def test_velocity_is_loudness():
    sound = np.abs(audio.synthesize(score((0, 480, 60, 30, 19), (1920, 480, 60, 120, 19)), rate=RATE)).max(1)
    assert sound[:RATE].max() < 0.3 * sound[2 * RATE :].max()


def test_no_click_where_seconds_of_a_long_note_meet_or_at_its_end():
    for program in (0, 19, 48):
        sound = audio.synthesize(score((0, 480 * 7, 57, 90, program)), rate=RATE).astype(np.float64)
        bend = np.abs(np.diff(sound, 2, axis=0)).max(1)
        for at in (1, 2, 3, 3.5):
            near = bend[int(at * RATE) - 20 : int(at * RATE) + 20].max()
            assert near < 1.5 * bend[: RATE // 2].max()


def test_high_pitches_do_not_alias_and_do_not_vanish():
    sound = audio.synthesize(score((0, 960, 127, 100, 0)), rate=RATE)
    assert np.abs(sound[:RATE]).max() > 0.3


def test_same_score_same_sound():
    notes = [(0, 480, 60, 90, 0), (0, 480, 36, 90, DRUMS), (240, 480, 67, 90, 40)]
    first, second = (audio.synthesize(score(*order), rate=RATE) for order in (notes, notes[::-1]))
    assert (first == second).all()


def test_rendering_in_blocks_is_convolution():
    rng = np.random.default_rng(1)
    long = rng.standard_normal((2, RATE * 30)).astype(np.float32)
    whole = synth._room(long.copy(), RATE)
    impulse = np.zeros((2, RATE * 3), np.float32)
    impulse[0, 0] = 1
    echo = synth._room(impulse.copy(), RATE) - impulse
    at = 17 * RATE
    expected = long[:, at] + [
        echo[side, ::-1][-at - 1 :] @ long.sum(0)[at + 1 - echo.shape[1] : at + 1] for side in (0, 1)
    ]
    np.testing.assert_allclose(whole[:, at], expected, rtol=1e-3, atol=1e-3)


def test_every_percussion_key_sounds_and_every_program_has_a_family():
    assert len(timbres.FAMILIES) == 16
    for pitch in range(128):
        assert np.abs(synth._hit(pitch, RATE)).max() > 0.1


def test_a_score_without_notes_is_refused():
    with pytest.raises(MidiError, match="has no notes"):
        audio.synthesize(score())


def test_a_day_of_music_is_cut_and_it_is_said():
    day = score((0, 480, 60, 90, 0), (480 * 2 * 86_400, 480, 60, 90, 0))
    assert window.window(day) == (0.0, window.MAX_SECONDS)
    assert window.shortened(day) == "the piece lasts 24:00:00; only 0:00 to 30:00 is rendered"
    assert window.shortened(score((0, 480, 60, 90, 0))) == ""


def test_a_piece_that_begins_after_the_limit_is_heard_from_there():
    late = score((480 * 2 * 7200, 480, 60, 90, 0))
    sound = audio.synthesize(late, rate=RATE)
    assert len(sound) < 3 * RATE
    assert np.abs(sound[: RATE // 2]).max() > 0.3


def test_an_absurdly_dense_score_is_refused_before_any_work():
    notes = np.tile([0, 480 * 2 * 3600, 60, 90, 0], (5000, 1))
    with pytest.raises(MidiError, match="too dense to render: its notes sound for 2,501 hours"):
        audio.synthesize(Score.from_notes(480, notes))


def test_many_notes_are_bounded():
    notes = np.zeros((150_000, 5), np.int64)
    notes[:, 0] = np.arange(150_000)
    notes[:, 1:] = (1, 60, 90, 0)
    dense = Score.from_notes(480, notes)
    assert window.window(dense)[1] == pytest.approx(100_000 / 960)
    assert len(window.rows(dense)) == 100_000


def test_wav_files_hold_what_was_given(tmp_path):
    samples = np.array([[0.5, -0.5], [1.0, -1.0], [2.0, 0.0]], np.float32)
    audio.write_wav(tmp_path / "a.wav", samples, 22050)
    assert (tmp_path / "a.wav").read_bytes() == audio.wav_bytes(samples, 22050)
    with wave.open(io.BytesIO(audio.wav_bytes(samples, 22050))) as file:
        assert file.getparams()[:4] == (2, 2, 22050, 3)
        frames = np.frombuffer(file.readframes(3), "<i2").tolist()
    assert frames == [16384, -16384, 32767, -32767, 32767, 0]
    with wave.open(io.BytesIO(audio.wav_bytes(samples[:, 0]))) as mono:
        assert mono.getparams()[:4] == (1, 2, 44100, 3)


class FakeSynth:
    """What pyfluidsynth offers, for tests: each sounding note adds one step of 1000 to the left channel."""

    log: list = []

    def __init__(self, gain, samplerate, channels):
        self.sounding = 0

    def sfload(self, path):
        return -1 if "bad" in path else 3

    def program_select(self, channel, font, bank, preset):
        self.log.append(("program", channel, font, bank, preset))
        return 0

    def noteon(self, channel, pitch, velocity):
        self.sounding += 1

    def noteoff(self, channel, pitch):
        self.sounding -= 1

    def get_samples(self, count):
        return np.tile(np.array([1000 * self.sounding, 0], np.int16), count)

    def delete(self):
        self.log.append("deleted")


@pytest.fixture
def soundfont(tmp_path, monkeypatch):
    path = tmp_path / "a.sf2"
    path.write_bytes(b"RIFF\x04\x00\x00\x00sfbk")
    monkeypatch.setitem(sys.modules, "fluidsynth", types.SimpleNamespace(Synth=FakeSynth))
    monkeypatch.setattr(FakeSynth, "log", [])
    monkeypatch.delenv("SEQGEN_SOUNDFONT", raising=False)
    return path


def test_fluidsynth_plays_on_and_off_at_the_right_samples(soundfont):
    two = score((0, 960, 60, 90, 40), (480, 480, 36, 90, DRUMS), (480, 480, 64, 90, 40), kit=8)
    sound = audio.synthesize(two, soundfont, RATE)
    left = sound[:, 0] / sound.max()
    assert left[: RATE // 2] == pytest.approx(1 / 3)
    assert left[RATE // 2 : RATE] == pytest.approx(1)
    assert left[RATE:].max() == 0
    assert FakeSynth.log == [("program", 40, 3, 0, 40), ("program", 128, 3, 128, 8), "deleted"]


def test_a_repeated_note_is_closed_before_it_is_struck_again():
    notes = synth.Notes(*(np.array(column) for column in ([0.0, 1.0], [1.0, 2.0], [60, 60], [90, 90], [0, 0])))
    at, order = fluid._events(notes, RATE)
    assert order.tolist() == [0, 2, 1, 3]
    assert at[order].tolist() == [0, RATE, RATE, 2 * RATE]


def test_soundfont_is_looked_for(soundfont, monkeypatch):
    monkeypatch.setattr(fluid, "USUAL_FOLDERS", (str(soundfont.parent),))
    (soundfont.parent / "larger.sf3").write_bytes(soundfont.read_bytes() * 2)
    assert fluid.find() == soundfont.parent / "larger.sf3"
    monkeypatch.setenv("SEQGEN_SOUNDFONT", str(soundfont))
    assert fluid.find() == soundfont
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    with pytest.raises(UsageError, match="needs FluidSynth, which is not installed"):
        fluid.find()
    monkeypatch.delenv("SEQGEN_SOUNDFONT")
    assert fluid.find() is None


def test_what_is_no_soundfont_is_refused(soundfont, tmp_path):
    with pytest.raises(UsageError, match=r"x\.sf2: cannot be read \(No such file"):
        fluid.find(tmp_path / "x.sf2")
    (tmp_path / "text.sf2").write_text("hello")
    with pytest.raises(UsageError, match="is not a SoundFont"):
        fluid.find(Path(tmp_path / "text.sf2"))
    (tmp_path / "bad.sf2").write_bytes(soundfont.read_bytes())
    with pytest.raises(UsageError, match="cannot load this SoundFont"):
        audio.synthesize(score((0, 480, 60, 90, 0)), tmp_path / "bad.sf2", RATE)
    assert FakeSynth.log == ["deleted"]


def test_no_library_is_loaded_from_the_current_folder(tmp_path, monkeypatch):
    """What pyfluidsynth does on Windows when it is imported, here on any system."""
    asked = []
    monkeypatch.setattr(os, "add_dll_directory", asked.append, raising=False)
    code = "import os\nos.add_dll_directory(os.getcwd())\nos.add_dll_directory('C:/tools/fluidsynth/bin')\n"
    (tmp_path / "fluidsynth.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "fluidsynth", None)  # so that what was there, or nothing, is there again
    del sys.modules["fluidsynth"]
    assert fluid.installed()
    assert asked == ["C:/tools/fluidsynth/bin"]
    assert os.add_dll_directory == asked.append
