"""`seqgen takes`, and what `seqgen generate` leaves in it, by the command line alone."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from test_api import save

from seqgen.cli import run
from seqgen.codecs.char import Char, CharOptions
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.music.annotation import annotation
from seqgen.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    codec = Char.fit(["aé€".encode()], CharOptions())
    return str(save(tmp_path_factory.mktemp("text"), Tokenizer(codec, "char"), a=9, b=9, c=9))


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    return str(save(tmp_path_factory.mktemp("music"), Tokenizer(Midi(MidiOptions()), "midi")))


@pytest.fixture
def said(capfdbinary):
    """What a command line prints, and its errors."""

    def call(*arguments, code=0):
        assert run([str(argument) for argument in arguments]) == code
        out, err = capfdbinary.readouterr()
        assert b"Traceback" not in err
        return out, err.decode()

    return call


def table(said):
    return json.loads(said("takes", "list", "--all", "--json")[0])


def test_every_sample_is_a_take_that_replays(said, text, tmp_path):
    made = said("generate", text, "-p", "Où? ☃", "-l", "40", "--seed", "1", "-r", "top_p", "0.9")[0]
    said("generate", text, "-n", "3", "-l", "20", "--seed", "2", "-o", tmp_path / "out.txt")
    record = json.loads(said("generate", text, "-l", "20", "--seed", "3", "--json")[0])
    found = table(said)
    assert [(take["seed"], take["sample"]) for take in found] == [(3, 1), (2, 3), (2, 2), (2, 1), (1, 1)]
    assert found[0]["id"] == record["take"]
    assert said("takes", "replay", record["take"])[0] == record["text"].encode()
    assert said("takes", "replay", found[-1]["id"])[0] == made
    for number in (1, 2, 3):
        said("takes", "replay", found[4 - number]["id"], "-o", tmp_path / "again.txt")
        assert (tmp_path / "again.txt").read_bytes() == (tmp_path / f"out-{number}.txt").read_bytes()
    assert found[-1]["settings"]["rules"] == [["top_p", "0.9"]]


def test_a_take_holds_all_that_made_it(said, text):
    c = ("--grammar", "c", "--balanced", "--best-of", "2", "--no-prompt-in-output", "-r", "top_p", "0.9..1")
    made = said("generate", text, "-p", "é", "-l", "20", "--seed", "1", "--stop", "zzz", *c)[0]
    settings = table(said)[0]["settings"]
    expected = {"grammar": "c", "balanced": True, "best_of": 2, "no_prompt": True, "stop": ["zzz"], "length": 20}
    assert settings == {"temperature": 0.8, "rules": [["top_p", "0.9..1"]], "label": None, **expected}
    assert said("takes", "replay", "last")[0] == made
    made = said("generate", text, "-l", "20", "--seed", "1", "--beam", "3", "--no-grammar")[0]
    assert table(said)[0]["settings"]["beam"] == 3
    assert table(said)[0]["settings"]["grammar"] is False
    assert said("takes", "replay", "last")[0] == made
    assert b"              beam: 3\n" in said("takes", "show", "last")[0]


def test_no_take_leaves_none(said, text, music, tmp_path):
    made = said("generate", text, "-l", "20", "--seed", "3", "--json", "--no-take")[0]
    assert json.loads(made)["take"] is None
    assert said("takes", "list")[1].startswith("No takes yet")
    assert said("takes", "list", "--json")[0] == b"[]\n"
    said("generate", music, "-l", "50", "--seed", "3", "--no-take", "-o", tmp_path / "a.mid")
    assert annotation((tmp_path / "a.mid").read_bytes()) is None
    assert not Path(os.environ["SEQGEN_TAKES"]).exists()


def test_a_midi_file_names_its_take(said, music, tmp_path):
    song, again = tmp_path / "song.mid", tmp_path / "again.mid"
    options = ["-l", "200", "--seed", "4", "-t", "1.1", "-r", "top_p", "0.95", "-o"]
    said("generate", music, *options, song)
    carried = json.loads(annotation(song.read_bytes()).removeprefix("seqgen "))
    (take,) = table(said)
    assert carried["take"] == take["id"]
    assert (carried["seed"], carried["temperature"], carried["rules"]) == (4, 1.1, [["top_p", "0.95"]])
    assert carried["checkpoint"] == take["source"]
    said("takes", "replay", song, "-o", again)
    assert again.read_bytes() == song.read_bytes()
    said("generate", music, *options, again)
    assert again.read_bytes() == song.read_bytes(), "the same command makes the same file, take and all"
    assert b"seed          4" in said("takes", "show", song)[0]
    (tmp_path / "other.mid").write_bytes(b"MThd")
    assert "names no take" in said("takes", "show", tmp_path / "other.mid", code=1)[1]


def test_show_and_list_fit_a_terminal_and_hold_no_escapes(said, text):
    said("generate", text, "-p", "\x1b[31m\nred" + "x" * 300, "-l", "5", "--seed", "1")
    listed, shown = said("takes", "list")[0], said("takes", "show", "last")[0]
    assert b"\x1b" not in listed + shown
    assert max(map(len, listed.decode().splitlines())) <= 100
    about = json.loads(said("takes", "show", "last", "--json")[0])
    assert about["prompt"].startswith("\x1b[31m\nred")
    assert about["artifact"] == ".txt"
    assert about["tokens"] == 5
    for key in ("corpus", "checkpoint", "versions", "created", "seed", "settings", "source"):
        assert key in about


def test_stars_and_export_and_import(said, text, tmp_path, monkeypatch):
    made = [said("generate", text, "-l", "20", "--seed", seed)[0] for seed in (1, 2, 3)]
    ids = [take["id"] for take in table(said)][::-1]
    said("takes", "star", ids[0], ids[2])
    said("takes", "star", "--off", ids[2])
    assert [take["id"] for take in json.loads(said("takes", "list", "--starred", "--json")[0])] == [ids[0]]
    assert said("takes", "list")[0].decode().splitlines()[-1].startswith(f"* {ids[0]}")
    said("takes", "export", "--starred", "-o", tmp_path / "one.jsonl")
    said("takes", "export", "--all", "-o", tmp_path / "all.jsonl")
    assert said("takes", "export", ids[1])[0].count(b'"kind":"take"') == 1
    monkeypatch.setenv("SEQGEN_TAKES", str(tmp_path / "other.sqlite"))
    assert "1 new, 0 known" in said("takes", "import", tmp_path / "one.jsonl")[1]
    assert "2 new, 1 known" in said("takes", "import", tmp_path / "all.jsonl")[1]
    assert [said("takes", "replay", id)[0] for id in ids] == made
    said("takes", "delete", ids[0], ids[0])
    assert len(table(said)) == 2
    assert "expected takes by name" in said("takes", "export", code=2)[1]
    assert "is no export of takes" in said("takes", "import", tmp_path / "other.sqlite", code=1)[1]


@pytest.mark.parametrize("word", ["off", "OFF", "none", "0"])
def test_takes_are_turned_off_by_a_word(said, text, tmp_path, monkeypatch, word):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("SEQGEN_TAKES", word)
    _, err = said("generate", text, "-l", "5", "--seed", "1")
    assert "seqgen takes" not in err
    assert not (tmp_path / word).exists()
    assert not (tmp_path / "data").exists()
    _, err = said("takes", "list", code=1)
    assert f"takes are turned off, as SEQGEN_TAKES is '{word}'" in " ".join(err.split())
    monkeypatch.setenv("SEQGEN_TAKES", f"./{word}")
    said("generate", text, "-l", "5", "--seed", "1")
    assert (tmp_path / word).is_file()


def test_a_list_that_cannot_be_written_stops_nothing(said, text, tmp_path, monkeypatch):
    plain = said("generate", text, "-l", "20", "--seed", "1")[0]
    (tmp_path / "bad.sqlite").write_bytes(b"nonsense" * 1000)
    for bad in (tmp_path / "bad.sqlite", "/proc/none/takes.sqlite"):
        monkeypatch.setenv("SEQGEN_TAKES", str(bad))
        out, err = said("generate", text, "-l", "20", "-n", "2", "--seed", "1")
        assert out.startswith(plain)
        assert err.count("This take is not kept") == 1
        assert said("takes", "list", code=1 if "bad" in str(bad) else 0)


def test_a_locked_list_is_waited_for(text, tmp_path):
    path = tmp_path / "takes.sqlite"
    assert run(["generate", text, "-l", "5", "--seed", "1"]) == 0
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("BEGIN IMMEDIATE")
    arguments = [sys.executable, "-m", "seqgen", "generate", text, "-l", "5", "--seed", "2"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        base.execute("COMMIT")
        _, errors = process.communicate(timeout=60)
    assert b"not kept" not in errors
    assert base.execute("SELECT count(*) FROM takes").fetchone() == (2,)
    base.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_take_is_a_take_of_just_what_went_out(said, text, number):
    arguments = [sys.executable, "-m", "seqgen", "generate", text, "-l", "inf", "--seed", "1"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        out = process.stdout.read(100) + process.stdout.read(100)
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"Stopped." in errors
    (take,) = table(said)
    assert take["finished"] == "interrupted"
    assert said("takes", "replay", "last")[0] == out + rest


def test_a_closed_pipe_leaves_a_take(said, text):
    command = f"{sys.executable} -m seqgen generate {text} -l inf --seed 1 | head -c 2000"
    out = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=True).stdout
    (take,) = table(said)
    assert take["finished"] == "interrupted"
    assert said("takes", "replay", "last")[0].startswith(out)


def test_replay_needs_no_checkpoint_and_no_torch(said, text, tmp_path):
    model = tmp_path / "gone"
    save(model, Tokenizer(Char.fit(["aé€".encode()], CharOptions()), "char"), a=9)
    made = said("generate", model, "-l", "50", "--seed", "1")[0]
    (model / "model.safetensors").unlink()
    code = "import sys; from seqgen.cli import run; run(['takes', 'replay', 'last']); assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == made


MEMORY = """
import resource, sys
from seqgen.cli import run
from seqgen.generation import loop
count, peaks, total = 0, [], int(sys.argv[2])
class Enough(Exception): pass
class Out:
    encoding = "utf-8"
    class buffer:
        def write(data):
            global count
            count += 1
            if count in (total // 10, total):
                peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            if count == total:
                raise Enough
        flush = staticmethod(lambda: None)
    isatty = staticmethod(lambda: False)
    flush = staticmethod(lambda: None)
shown, sys.stdout = sys.stdout, Out
try:
    run(["generate", sys.argv[1], "-l", "inf", "--seed", "1", *sys.argv[3:]])
except Enough:
    shown.write(str(peaks[1] - peaks[0]))
"""


@pytest.mark.parametrize(("tokens", "options"), [(200_000, ()), (50_000, ("--events",))])
def test_unlimited_text_runs_in_constant_memory(said, text, tokens, options):
    arguments = [sys.executable, "-c", MEMORY, text, str(tokens), *options]
    ran = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=True)
    assert int(ran.stdout) < 2500, "kilobytes"
    (take,) = table(said)
    assert take["tokens"] >= tokens - 5
