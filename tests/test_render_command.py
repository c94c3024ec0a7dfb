"""`seqgen render`: files in, files out, and one sentence for everything that is wrong."""

import io
import wave

import mido
import pytest

from seqgen.cli import run


@pytest.fixture(autouse=True)
def no_soundfont(monkeypatch):
    monkeypatch.delenv("SEQGEN_SOUNDFONT", raising=False)
    monkeypatch.setattr("seqgen.render.fluid.USUAL_FOLDERS", ())


@pytest.fixture
def tune(tmp_path):
    path = tmp_path / "tune.mid"
    path.write_bytes(midi(60, 64, 67))
    return path


def midi(*pitches, gap=0):
    file, track = mido.MidiFile(ticks_per_beat=480), mido.MidiTrack()
    file.tracks.append(track)
    for pitch in pitches:
        track.append(mido.Message("note_on", note=pitch, velocity=80, time=gap))
        track.append(mido.Message("note_off", note=pitch, velocity=0, time=240))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def test_sound_and_pictures_in_one_go(tune, tmp_path, capsys):
    outputs = [tmp_path / f"tune.{kind}" for kind in ("wav", "png", "SVG")]
    options = [word for output in outputs for word in ("-o", str(output))]
    assert run(["render", str(tune), *options, "--rate", "8000", "--title", "Three notes"]) == 0
    with wave.open(str(outputs[0])) as file:
        assert file.getframerate() == 8000
        assert file.getnframes() == 8000 * 9 // 4
    assert outputs[1].read_bytes()[:4] == b"\x89PNG"
    assert b"Three notes" in outputs[2].read_bytes()
    out, err = capsys.readouterr()
    assert out == ""
    assert "synth: built in" in err
    assert f"wrote {outputs[1]} (" in err


def test_from_standard_input_to_standard_output(tune, monkeypatch, capfdbinary):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(tune.read_bytes())))
    assert run(["render", "-", "-o", "-", "--format", "wav", "--rate", "8000"]) == 0
    assert capfdbinary.readouterr().out[:4] == b"RIFF"


def test_a_day_is_cut_and_it_is_said(tmp_path, capsys):
    (tmp_path / "day.mid").write_bytes(midi(60, 64, gap=480 * 2 * 3600))
    assert run(["render", str(tmp_path / "day.mid"), "-o", str(tmp_path / "day.svg")]) == 0
    assert "only 1:00:00 to 1:30:00 is rendered" in capsys.readouterr().err


KNOWN = "cannot tell what to render from its name, expected one of .wav, .png, .svg"


@pytest.mark.parametrize(
    ("content", "options", "code", "said"),
    [
        pytest.param(midi(60), "-o a.mp3", 2, f"a.mp3: {KNOWN}", id="unknown suffix"),
        pytest.param(midi(60), "-o -", 2, "or give --format", id="standard output without a format"),
        pytest.param(midi(), "-o a.wav", 1, "a.mid: holds no notes", id="no notes"),
        pytest.param(b"", "-o a.wav", 1, "a.mid: byte 0: no file of music: it is empty", id="empty"),
        pytest.param(b"not music at all", "-o a.png", 1, "a.mid: byte 0: no file of music", id="text"),
        pytest.param(midi(60), "-o missing/a.png", 1, "missing/a.png: there is no folder missing", id="no folder"),
        pytest.param(midi(60), "-o a.wav --soundfont no.sf2", 2, "no.sf2: cannot be read", id="no SoundFont"),
        pytest.param(midi(60), "-o a.wav --rate 7", 2, "7 is not in the range", id="rate"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path, monkeypatch, capsys, content, options, code, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mid").write_bytes(content)
    assert run(["render", "a.mid", *options.split()]) == code
    out, err = capsys.readouterr()
    assert said in err
    assert out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["a.mid"]
