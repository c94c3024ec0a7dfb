"""Files and takes that a stranger changed: fill, accompany and vary say a sentence, and change nothing."""

import base64
import copy
import struct
import time
from pathlib import Path
from random import Random

import numpy as np
import pytest
from fill_fixtures import NAMES, TEXT, C, c_checkpoint, chorale, chorales, performances, text_checkpoint

import seqgen
from seqgen.api.filling import Hole, text_filling
from seqgen.cli import run
from seqgen.errors import MALFORMED, SeqgenError
from seqgen.selftest._mutations import mutated

ODD = (*MALFORMED, struct.error, SeqgenError)  # what `takes.replay` makes a sentence of


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    made = {"text": text_checkpoint(), "c": c_checkpoint(), "music": chorales(), "played": performances()}
    for name, each in made.items():
        each.save(folder / name)
    return folder


def said(capsys):
    """What the latest call said on standard error."""
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


CALLS = [
    ("piece.mid", "fill", "music", "--bars", "2:3"),
    ("piece.mid", "fill", "music", "--seconds", "1.5:4"),
    ("piece.mid", "fill", "played", "--seconds", "1.5:4"),
    ("piece.mid", "fill", "music", "--parts", "bass"),
    ("tune.mid", "accompany", "music", "--parts", "alto,bass"),
    ("piece.mid", "vary", "music", "--amount", "0.2"),
    ("text.txt", "fill", "text"),
    ("text.txt", "vary", "text", "--amount", "0.2"),
    ("code.c", "fill", "c", "-l", "40"),
]


@pytest.mark.parametrize("call", CALLS)
def test_damaged_files_are_filled_or_refused_in_a_sentence(models, call, capsys):
    name, command, model, *more = call
    middle = TEXT[:80].encode() + b"{{fill}}" + TEXT[80:160].encode()
    whole = {"piece.mid": chorale(3), "tune.mid": chorale(4, names=NAMES[:1]), "text.txt": middle}
    whole["code.c"] = C[:120].encode() + b"{{fill}}" + C[120:].encode()
    codes, random = set(), Random(1)
    for _ in range(12):
        data = mutated(random, whole[name])
        Path(name).write_bytes(data)
        code = run([command, str(models / model), name, *more, "--seed", "1", "--no-take", "-o", "out", "--force"])
        error = said(capsys)
        codes.add(code)
        assert code in (0, 1, 2), error
        assert code == 0 or error.count("Error: ") == 1, error
        assert Path(name).read_bytes() == data
    assert 0 in codes, "some are mended"


@pytest.mark.parametrize(
    ("command", "model", "more", "words"),
    [
        ("fill", "text", ["--lines", "1:999999999"], "no line"),
        ("fill", "text", ["--lines", "1:" + "9" * 400], "first and a last"),
        ("fill", "text", ["--mark", "x" * 1000], "has no hole"),
        ("fill", "music", ["--bars", "1:999999999"], "no bar"),
        ("fill", "music", ["--bars", "0:1"], "count from 1"),
        ("fill", "music", ["--bars", "1e9999"], "first and a last"),
        ("fill", "music", ["--seconds", "99999999:999999999"], "s long"),
        ("fill", "played", ["--seconds", "86399:86400"], "nothing is struck"),
        ("fill", "played", ["--seconds", "nan:nan"], "first and a last"),
        ("fill", "played", ["--seconds", "5:1"], "first and a last"),
        ("fill", "music", ["--parts", ","], "names no part"),
        ("fill", "music", ["--parts", "bass," * 500], "stands twice"),
        ("fill", "music", ["--parts", "\x1b[2J"], "no part is called"),
        ("fill", "music", ["--parts", "bass", "--seconds", "1:2"], "--parts goes with bars"),
        ("fill", "played", ["--bars", "1"], "counts no bars"),
        ("accompany", "played", ["--parts", "bass"], "counts no bars"),
        ("accompany", "music", [], "no part is wanted"),
        ("vary", "played", [], "counts no bars"),
        ("vary", "music", ["--like", "text.txt"], "text.txt: byte 0: no file of music"),
        ("vary", "text", ["--amount", "nan"], "above 0"),
    ],
)
def test_odd_holes_are_said_with_a_hint(models, command, model, more, words, capsys):
    Path("text.txt").write_text(TEXT[:200])
    Path("piece.mid").write_bytes(chorale(3))
    file = "text.txt" if model == "text" else "piece.mid"
    assert run([command, str(models / model), file, *more, "--no-take", "-o", "out"]) in (1, 2)
    error = said(capsys)
    assert words in " ".join(error.split())
    assert "\x1b" not in error
    assert "Hint: " in error or "expected" in error
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("data", "model", "words"),
    [
        (b"", "text", "has no line to vary"),
        (b"\n\n\n", "text", "has no line to vary"),
        (b"MThd", "music", "piece: byte"),
        (b"", "music", "piece: byte 0: no file of music: it is empty"),
        (b"X:1\nK:C\n", "music", "holds no note"),
    ],
)
@pytest.mark.parametrize("command", ["vary", "fill"])
def test_files_with_nothing_in_them_are_said(models, data, model, words, command, capsys):
    Path("piece").write_bytes(data)
    more = [] if command == "vary" else ["--lines", "1"] if model == "text" else ["--bars", "1"]
    if command == "fill" and data == b"\n\n\n":
        pytest.skip("an empty line can be filled")
    assert run([command, str(models / model), "piece", *more, "--no-take", "-o", "out.mid"]) in (1, 2)
    error = " ".join(said(capsys).split())
    assert (words if command == "vary" or model == "music" else "no line 1") in error


def test_a_model_without_holes_says_what_can_be_done(tmp_path, capsys):
    text_checkpoint(holes=False).save(tmp_path / "text")
    chorales(holes=False).save(tmp_path / "music")
    Path("text.txt").write_text("ANNA {{fill}}")
    Path("piece.mid").write_bytes(chorale(3))
    for call, hint in (
        (["fill", "text", "text.txt"], "--left-alone"),
        (["fill", "music", "piece.mid", "--bars", "2"], "--left-alone"),
        (["accompany", "music", "piece.mid", "--parts", "bass"], "train with -P infill 0.3"),
    ):
        assert run([*call, "-o", "out.mid"]) == 1
        assert hint in " ".join(said(capsys).split())


@pytest.mark.parametrize("command", ["fill", "accompany", "vary"])
def test_no_output_replaces_the_input(models, command, capsys):
    Path("piece.mid").write_bytes(chorale(3))
    more = {"fill": ["--bars", "2"], "accompany": ["--parts", "bass"], "vary": []}[command]
    for out in ("piece.mid", "./piece.mid", "there.mid"):
        if out == "there.mid":
            Path(out).symlink_to("piece.mid")
        assert run([command, str(models / "music"), "piece.mid", *more, "-o", out, "--force", "--no-take"]) == 2
        assert "cannot be the output" in said(capsys)
        assert Path("piece.mid").read_bytes() == chorale(3)


@pytest.mark.parametrize(("name", "text"), [("text", TEXT[:400]), ("c", C)])
def test_a_hole_in_a_long_text_costs_what_its_text_costs(models, name, text):
    model, taken = seqgen.load(models / name), []
    for times in (20, 160):
        left = text.encode() * times
        best = []
        for _ in range(3):
            began = time.process_time()
            grammar = text_filling(model, Hole(left, left), None, True, 10, alone=False).grammar({}, None)
            if grammar is not None:
                grammar.allowed(grammar.step(grammar.start(), 0))
            best.append(time.process_time() - began)
        taken.append(min(best))
    assert taken[1] < 30 * taken[0], "eight times the text"


def odd_holes(kept):
    """Ways in which what a take keeps of a hole can be wrong."""
    for name in kept:
        for value in (None, 7, "", "§", "AAA", [], {}, [1], [0, 10**30], ["a", "b"], [[0], [1]], True, -1, {"x": 1}):
            yield {**copy.deepcopy(dict(kept)), name: value}
        yield {key: value for key, value in kept.items() if key != name}
    if "file" in kept:
        whole = base64.b64decode(kept["file"])
        for data in (whole[:30], whole[: len(whole) // 2], b"MThd", whole + whole, bytes(100)):
            yield {**kept, "file": base64.b64encode(data).decode()}
    if kept.get("places") is not None:
        for places in ({"0": 99}, {"-1": 0}, {"99999999": 1}, {"x": 1}, {"0": "x"}, {"0": None}, {"0": -5}):
            yield {**kept, "places": places}


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        ("text", lambda model: {"before": base64.b64encode(b"ANNA").decode(), "after": ""}),
        ("music", lambda model: model.fill(chorale(3), bars=(2, 3), seed=1).hole),
        ("music", lambda model: model.accompany(chorale(3, names=NAMES[:1]), "bass", seed=1).hole),
        ("played", lambda model: model.fill(chorale(3, ticks=480), seconds=(2, 3), seed=1).hole),
    ],
)
def test_what_a_take_keeps_of_a_hole_is_read_with_distrust(models, model, kept):
    loaded, random = seqgen.load(models / model), np.random.default_rng(1)
    tokenizer, hole, refused = loaded.tokenizer, kept(loaded), 0
    for odd in odd_holes(hole):
        ids = random.integers(0, tokenizer.vocab_size, 60)
        try:
            assert isinstance(tokenizer.filled(odd, ids[:20], ids[20:]), bytes)
        except ODD:
            refused += 1
    assert refused > 20
    for _ in range(20):
        ids = random.integers(0, tokenizer.vocab_size, 200)
        assert isinstance(tokenizer.filled(hole, ids[:50], ids[50:]), bytes), "any tokens will do"


@pytest.mark.parametrize(("name", "value"), [("file", "AAAA"), ("bars", [4, 10**9]), ("parts", [500]), ("file", 7)])
def test_a_take_with_a_damaged_hole_is_not_imported(models, name, value, capsys, monkeypatch, tmp_path):
    Path("piece.mid").write_bytes(chorale(3))
    monkeypatch.setenv("SEQGEN_TAKES", str(tmp_path / "theirs.sqlite"))
    call = ["fill", str(models / "music"), "piece.mid", "--bars", "2", "--seed", "1", "-o", "new.mid"]
    from seqgen.api.filling_music import MusicFilling

    real = MusicFilling.kept.fget
    with monkeypatch.context() as patch:  # as a forger would, so that all but the hole fits
        patch.setattr(MusicFilling, "kept", property(lambda self: {**real(self), name: value}))
        assert run(call) == 0
    capsys.readouterr()
    for command in ("export", "replay"):
        assert run(["takes", command, "last", "-o", "none"]) == 1
        assert "is damaged: its hole makes no sense" in " ".join(said(capsys).split())
    with monkeypatch.context() as patch:
        patch.setattr("seqgen.tokenizer.Tokenizer.filled", lambda *given: chorale(3))
        assert run(["takes", "export", "last", "-o", "takes.json"]) == 0
    monkeypatch.setenv("SEQGEN_TAKES", str(tmp_path / "mine.sqlite"))
    said(capsys)
    assert run(["takes", "import", "takes.json"]) == 1
    assert said(capsys).count("Error: ") == 1
    assert run(["takes", "list", "--json"]) == 0
    assert capsys.readouterr().out.strip() == "[]"
