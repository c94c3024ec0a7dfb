"""`seqgen fill`, `seqgen accompany` and `seqgen vary`, as a person calls them; and what their takes give back."""

import json

import numpy as np
import pytest
from fill_fixtures import TEXT, C, c_checkpoint, chorale, chorales, performances, text_checkpoint

import seqgen
from seqgen.cli import run
from seqgen.errors import CheckpointError, CorpusError, UsageError
from seqgen.music.read import read_score
from seqgen.music.write import write_score

BAR = 1920  # ticks
LEFT, RIGHT = "ANNA:\nGood ", ", how is the b?\n"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    text_checkpoint().save(folder / "text.safetensors")
    text_checkpoint(holes=False).save(folder / "plain.safetensors")
    c_checkpoint().save(folder / "c.safetensors")
    chorales().save(folder / "music.safetensors")
    performances().save(folder / "played.safetensors")
    return folder


@pytest.fixture
def model(saved):
    return lambda name: str(saved / f"{name}.safetensors")


@pytest.fixture
def scene(tmp_path):
    (tmp_path / "scene.txt").write_text(f"{LEFT}{{{{fill}}}}{RIGHT}")
    return "scene.txt"


def test_a_marked_hole_is_filled_and_all_else_stays(model, scene, tmp_path, capsysbinary):
    assert run(["fill", model("text"), scene, "--seed", "3", "-n", "2", "-o", "new.txt"]) == 0
    made = [(tmp_path / f"new-{number}.txt").read_text() for number in (1, 2)]
    assert all(each.startswith(LEFT) and each.endswith(RIGHT) for each in made)
    assert made[0] != made[1]
    assert "{{fill}}" in (tmp_path / scene).read_text()
    assert run(["fill", model("text"), scene, "--seed", "3"]) == 0
    assert capsysbinary.readouterr().out.decode() == made[0]


def test_python_and_the_command_line_fill_alike(model, scene, tmp_path):
    assert run(["fill", model("text"), scene, "--seed", "5", "-o", "new.txt"]) == 0
    found = seqgen.load(model("text")).fill(LEFT, RIGHT, seed=5)
    assert found.text == (tmp_path / "new.txt").read_text()
    assert found.text == LEFT + found.filling + RIGHT


def test_lines_are_filled_by_whole_lines(model, tmp_path):
    (tmp_path / "play.txt").write_text(TEXT[:200])
    lines = TEXT[:200].splitlines(keepends=True)
    assert run(["fill", model("text"), "play.txt", "--lines", "2:3", "--seed", "1", "-o", "new.txt"]) == 0
    made = (tmp_path / "new.txt").read_text()
    before, after = "".join(lines[:1]), "".join(lines[3:])
    assert made.startswith(before)
    assert made.endswith(after)
    assert made[len(before) : len(made) - len(after)].endswith("\n")


@pytest.mark.parametrize("seed", range(3))
def test_a_body_of_c_closes_what_it_opened(model, tmp_path, seed):
    left, right = "int f(int a)\n{\n", "}\n\nint g(void)\n{\n    return 1;\n}\n"
    (tmp_path / "a.c").write_text(left + "{{fill}}" + right)
    assert run(["fill", model("c"), "a.c", "--seed", str(seed), "-l", "60", "-o", "b.c"]) == 0
    made = (tmp_path / "b.c").read_text("latin-1")
    assert made.startswith(left)
    assert made.endswith(right)
    codec = seqgen.load(model("c")).tokenizer.codec
    grammar = codec.grammar()
    state = grammar.start()
    for token in codec.encode(made.encode("latin-1")).tolist():
        state = grammar.step(state, token)
    assert grammar.may_end(state)


def test_music_is_filled_and_accompanied(model, tmp_path):
    (tmp_path / "piece.mid").write_bytes(chorale(3))
    (tmp_path / "tune.mid").write_bytes(chorale(4, names=("Soprano",)))
    assert run(["fill", model("music"), "piece.mid", "--bars", "2:3", "--seed", "1", "-o", "new.mid"]) == 0
    assert (
        run(["fill", model("music"), "piece.mid", "--parts", "bass", "--bars", "2", "--seed", "1", "-o", "b.mid"]) == 0
    )
    parts = ["--parts", "alto,tenor,bass", "--seed", "1", "-o", "four.mid"]
    assert run(["accompany", model("music"), "tune.mid", *parts]) == 0
    for name in ("new.mid", "b.mid", "four.mid"):
        assert run(["takes", "replay", name, "-o", "again.mid"]) == 0
        assert (tmp_path / "again.mid").read_bytes() == (tmp_path / name).read_bytes()


def test_music_is_filled_by_seconds(model, tmp_path, capsys):
    for name, ticks, said in (("music", 24, "bars 2 to 3, 2 to 6 s"), ("played", 480, "2.1 to 6 s")):
        (tmp_path / "piece.mid").write_bytes(chorale(3, ticks=ticks))
        call = ["fill", model(name), "piece.mid", "--seconds", "2.1:6", "--seed", "1", "-o", "new.mid", "--force"]
        assert run(call) == 0
        assert f"Fills {said}." in capsys.readouterr().err
        assert run(["takes", "replay", "new.mid", "-o", "again.mid", "--force"]) == 0
        assert (tmp_path / "again.mid").read_bytes() == (tmp_path / "new.mid").read_bytes()
        assert (tmp_path / "new.mid").read_bytes() != (tmp_path / "piece.mid").read_bytes()


def test_takes_of_a_filling_give_the_same_bytes(model, scene, tmp_path, capsys, monkeypatch):
    assert run(["fill", model("text"), scene, "--seed", "4", "-o", "new.txt", "--json"]) == 0
    take = json.loads(capsys.readouterr().out)["take"]
    assert run(["takes", "replay", take, "-o", "again.txt"]) == 0
    assert (tmp_path / "again.txt").read_bytes() == (tmp_path / "new.txt").read_bytes()
    assert run(["takes", "export", take, "-o", "takes.json"]) == 0
    monkeypatch.setenv("SEQGEN_TAKES", str(tmp_path / "others.sqlite"))
    assert run(["takes", "import", "takes.json"]) == 0
    assert run(["takes", "replay", take, "-o", "third.txt"]) == 0
    assert (tmp_path / "third.txt").read_bytes() == (tmp_path / "new.txt").read_bytes()
    capsys.readouterr()
    assert run(["takes", "show", take]) == 0
    assert len(capsys.readouterr().out) < 4000


def test_variations_keep_what_they_do_not_fill(model, tmp_path):
    lines = TEXT[:400].splitlines(keepends=True)
    (tmp_path / "play.txt").write_text("".join(lines))
    arguments = ["--amount", "0.2", "-n", "2", "--seed", "1", "-o", "new.txt"]
    assert run(["vary", model("text"), "play.txt", *arguments]) == 0
    made = [(tmp_path / f"new-{number}.txt").read_text() for number in (1, 2)]
    assert made[0] != made[1]
    for each in made:
        kept = [line for line in each.splitlines(keepends=True) if line in lines]
        assert len(kept) >= 0.7 * len(lines)
    (tmp_path / "piece.mid").write_bytes(chorale(3))
    more = ["--amount", "0.5", "--like", "piece.mid", "--seed", "1", "-o", "new.mid"]
    assert run(["vary", model("music"), "piece.mid", *more]) == 0
    assert (tmp_path / "new.mid").read_bytes() != (tmp_path / "piece.mid").read_bytes()


def test_the_likeliest_with_what_follows_is_kept(model, scene, tmp_path):
    assert run(["fill", model("text"), scene, "--seed", "2", "--best-of", "4", "-o", "best.txt"]) == 0
    loaded = seqgen.load(model("text"))
    filling = loaded.fill(LEFT, RIGHT, seed=2)
    assert (tmp_path / "best.txt").read_text().startswith(LEFT)
    from seqgen.api.filling import Hole, text_filling
    from seqgen.generation.steps import SampledStream

    hole = text_filling(loaded, Hole(LEFT.encode(), RIGHT.encode()), None, True, None, alone=False)
    best = loaded.tokenizer.encode((tmp_path / "best.txt").read_bytes())[len(LEFT) : -len(RIGHT)]
    scores = hole.judged(loaded.engine, [SampledStream([*map(int, best)]), SampledStream(filling.ids.tolist())])
    assert scores[0] >= scores[1]


def test_any_model_fills_from_the_left_side_alone(model, scene, tmp_path, capsys):
    assert run(["fill", model("plain"), scene]) == 1
    assert "-P infill 0.3" in capsys.readouterr().err
    assert run(["fill", model("plain"), scene, "--left-alone", "-l", "9", "--seed", "1", "-o", "new.txt"]) == 0
    assert len((tmp_path / "new.txt").read_text()) == len(LEFT) + 9 + len(RIGHT)


@pytest.mark.parametrize(("name", "make"), [("bars", chorales), ("played", performances)])
def test_any_model_of_music_fills_from_the_left_side_alone(name, make, tmp_path, capsys):
    """What comes behind the hole is neither read nor changed."""
    make(holes=False).save(tmp_path / "model")
    rest = read_score(chorale(3, ticks=480))
    for part in range(4):
        behind = (rest.part == part) & (rest.onset >= 2 * BAR)
        rest.pitch[behind] = np.roll(rest.pitch[behind], 1)
    (tmp_path / "piece.mid").write_bytes(chorale(3, ticks=480))
    (tmp_path / "other.mid").write_bytes(write_score(rest))
    where = ["--bars", "2"] if name == "bars" else ["--seconds", "2:4"]
    made = []
    for piece in ("piece.mid", "other.mid"):
        call = ["fill", "model", piece, *where, "--seed", "1", "-o", "new.mid", "--force"]
        assert run(call) == 1
        assert "--left-alone" in capsys.readouterr().err
        assert run([*call, "--left-alone"]) == 0
        new, old = read_score((tmp_path / "new.mid").read_bytes()), read_score((tmp_path / piece).read_bytes())
        ticks = new.ticks_per_quarter * 4
        outside = [
            sorted(zip(each.onset.tolist(), each.pitch.tolist())) for each in (new, old)
        ]  # fmt: skip
        kept = [[note for note in notes if not ticks <= note[0] < 2 * ticks] for notes in outside]
        assert kept[0] == kept[1]
        made.append([note for note in outside[0] if ticks <= note[0] < 2 * ticks])
        assert run(["takes", "replay", "last", "-o", "again.mid", "--force"]) == 0
        assert (tmp_path / "again.mid").read_bytes() == (tmp_path / "new.mid").read_bytes()
    assert made[0] == made[1]
    assert made[0] != [note for note in outside[1] if ticks <= note[0] < 2 * ticks]
    if name == "bars":
        assert run(["fill", "model", "piece.mid", "--parts", "bass", "--left-alone", "-o", "new.mid", "--force"]) == 2
        assert "not with --parts" in capsys.readouterr().err


def test_lines_that_end_in_cr_lf_do_so_when_a_hole_is_filled(model, tmp_path):
    before, after = LEFT.replace("\n", "\r\n").encode(), RIGHT.replace("\n", "\r\n").encode()
    (tmp_path / "scene.txt").write_bytes(before + b"{{fill}}" + after)
    (tmp_path / "plain.txt").write_bytes((LEFT + "{{fill}}" + RIGHT).encode())
    for more in ([], ["--left-alone"]):
        for name in ("scene", "plain"):
            call = ["fill", model("text"), f"{name}.txt", "--seed", "3", "-l", "60", "-r", "bias", "\n=9", *more]
            assert run([*call, "-o", f"{name}-new.txt", "--force"]) == 0
        new, plain = (tmp_path / "scene-new.txt").read_bytes(), (tmp_path / "plain-new.txt").read_bytes()
        assert new.startswith(before)
        assert new.endswith(after)
        assert plain.count(b"\n") > 2
        assert new == plain.replace(b"\n", b"\r\n")
        assert run(["fill", model("text"), "scene.txt", *call[3:], "-o", "scene-new.txt", "--force"]) == 0
        assert run(["takes", "replay", "last", "-o", "again.txt", "--force"]) == 0
        assert (tmp_path / "again.txt").read_bytes() == new


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ("no hole\n", [], "has no hole"),
        ("{{fill}} and {{fill}}\n", [], "has 2 holes"),
        ("one\n", ["--lines", "2"], "no line 2"),
        ("one\n", ["--lines", "x"], "expected a first and a last one"),
        ("one\n", ["--lines", "1", "--bars", "2"], "several holes"),
        ("one\n", ["--bars", "2"], "--bars is for music"),
        ("one\n", ["--mark", ""], "--mark is empty"),
        ("one {{fill}}\n", ["-l", "inf"], "never filled"),
        (TEXT, ["--lines", "1:60"], "within 256"),
        ("ΑΒΓΔ {{fill}} ΕΖΗΘ\n", [], "never occurred in training"),
    ],
)
def test_what_cannot_be_filled_is_said_in_a_sentence(model, tmp_path, capsys, text, more, said):
    (tmp_path / "given.txt").write_text(text, "utf-8")
    assert run(["fill", model("text"), "given.txt", "-o", "new.txt", *more]) in (1, 2)
    error = capsys.readouterr().err
    assert said in " ".join(error.split())
    assert "Traceback" not in error
    assert (tmp_path / "given.txt").read_text("utf-8") == text
    assert not (tmp_path / "new.txt").exists()


def test_python_says_the_same(model):
    with pytest.raises(UsageError, match="bars are of music"):
        seqgen.load(model("text")).fill("a", "b", bars=(1, 2))
    with pytest.raises(CheckpointError, match="without holes"):
        seqgen.load(model("plain")).fill("ANNA", "Good")
    with pytest.raises(CorpusError, match="never occurred"):
        seqgen.load(model("text")).fill("ΑΒΓΔ", C[:0])
