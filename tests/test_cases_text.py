"""Corpora of text that programs like this one are known to take wrongly, each of a kind, by the user's own commands.

What each command has to come to is tested part by part elsewhere, too. All corpora are made up here.
"""

import json
import random
import re
from pathlib import Path

import pytest

import seqgen
from seqgen.cli import run
from seqgen.stream import TokenStream
from seqgen.training.recorded import recorded

SMALL = ["-P", "hidden", "16", "-P", "embedding", "8", "-P", "batch", "4", "-P", "window", "16", "--seed", "1"]


def train(source: Path, out: Path, steps: int, *more: str) -> None:
    assert run(["train", str(source), "-o", str(out), "--steps", str(steps), *SMALL, *more]) == 0


def words(seed: int, count: int) -> str:
    chance = random.Random(seed)
    return " ".join(chance.choice(("heron", "water", "stands", "moves", "reed", "a", "the")) for _ in range(count))


@pytest.mark.parametrize("more", [[], ["-c", "char"]])
def test_programs_beside_a_readme_are_read(tmp_path: Path, more: list[str]) -> None:
    folder = tmp_path / "app"
    (folder / "src").mkdir(parents=True)
    (folder / "README.md").write_text("# An app\n\nIt adds.\n")
    for name in ("add", "main", "sums"):
        (folder / f"src/{name}.js").write_text(f"export function {name}(a, b) {{ return a + b }}\n" * 9)
    assert run(["tokenize", str(folder), "-o", str(tmp_path / "x.tokens"), *more]) == 0
    stream = TokenStream.load(tmp_path / "x.tokens")
    assert stream.documents == 4
    assert stream.report.left_out == {}


def test_of_a_book_beside_a_note_a_tenth_is_held_out_for_every_seed(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "book.txt").write_text(words(1, 2000))
    (folder / "note.txt").write_text(words(2, 50))
    total = sum(path.stat().st_size for path in folder.iterdir()) + 2
    for seed in range(1, 7):
        train(folder, tmp_path / str(seed), 3, "--seed", str(seed))
        assert recorded(tmp_path / str(seed)).held.tokens == pytest.approx(total / 10, rel=0.1)


@pytest.mark.parametrize("text", ["a" * 2000, "The heron waits. The water moves.\n" * 60])
def test_what_is_known_by_heart_is_called_so(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.txt").write_text(text)
    train(tmp_path / "x.txt", tmp_path / "run", 500, "-P", "learning_rate", "0.03", "-P", "dropout", "0")
    said = " ".join(capsys.readouterr().err.split())
    assert "It knows the corpus by heart" in said
    assert "far from knowing" not in said


VERSE = "春眠不觉晓,处处闻啼鸟。\n夜来风雨声,花落知多少。\nمی\u200cخواهم نامهٔ تو را\n" * 20
NAMES = "".join(f"Bel{middle}{end}\n" for middle in ("mar", "ro", "ris") for end in ("an", "do", "us", "é")) * 40


@pytest.mark.parametrize("corpus", [VERSE, NAMES])
def test_samples_are_utf8_and_of_the_corpus_s_characters(tmp_path: Path, corpus: str) -> None:
    (tmp_path / "x.txt").write_text(corpus, "utf-8")
    train(tmp_path / "x.txt", tmp_path / "run", 20, "-c", "byte", "--documents", "file")
    for temperature in ("0.8", "1.2", "1.5"):
        how = ["-n", "10", "-l", "120", "-t", temperature, "--seed", "1", "-o", f"{tmp_path}/{temperature}/"]
        assert run(["generate", str(tmp_path / "run"), *how]) == 0
        made = sorted((tmp_path / temperature).iterdir())
        assert len(made) == 10
        letters = set("".join(path.read_bytes().decode("utf-8") for path in made))
        assert letters  # no byte of another's is drawn; those of several may be joined anew
        assert {letter for letter in letters if letter < "\x80"} <= set(corpus)


def test_bytes_that_are_no_utf8_get_a_remark_from_each_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("Où êtes-vous allé cet été ? À l’école, déjà.\n".encode("cp1252") * 40)
    for command in (["tokenize", "-o", str(tmp_path / "x.tokens")], ["inspect"]):
        assert run([command[0], str(path), *command[1:]]) == 0
        shown = capsys.readouterr()
        assert "likely cp1252" in " ".join((shown.out + shown.err).split())
    train(path, tmp_path / "run", 2)
    assert "likely cp1252" in " ".join(capsys.readouterr().err.split())


def test_sorted_and_shuffled_items_are_told_as_a_list_and_split_alike(tmp_path: Path) -> None:
    chance = random.Random(1)
    items = sorted({"".join(chance.choices(("bel", "mar", "ro", "ris", "an", "do"), k=3)).title() for _ in range(400)})
    held, losses = [], []
    for name in ("sorted", "shuffled"):
        (tmp_path / f"{name}.txt").write_text("\n".join(items) + "\n")
        train(tmp_path / f"{name}.txt", tmp_path / name, 60)
        losses.append(float(seqgen.load(tmp_path / name).checkpoint.metrics["nats_per_token"]))
        about = json.loads((tmp_path / name / "training.json").read_text())
        stream, out = TokenStream.load(about["stream"]), recorded(tmp_path / name).held
        assert stream.documents == len(items)
        held.append({bytes(stream.ids[begin:end].astype("uint8")) for begin, end in zip(out.begin, out.end)})
        chance.shuffle(items)
    assert held[0] == held[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_the_first_of_several_lines_is_as_good_as_later_ones(tmp_path: Path) -> None:
    chance = random.Random(1)
    foods = ("plum", "oats", "leek", "rice")
    recipes = [
        f"Title: {first} {chance.choice(('stew', 'pie'))}\n- {chance.randint(1, 9)} cups {first}\nBake it.\n"
        for first in (chance.choice(foods) for _ in range(300))
    ]
    (tmp_path / "x.txt").write_text("\n".join(recipes))
    how = ["--documents", "blank", "-P", "learning_rate", "0.02", "-P", "dropout", "0", "-P", "hidden", "48"]
    train(tmp_path / "x.txt", tmp_path / "run", 400, *how)
    out = tmp_path / "made.txt"
    assert run(["generate", str(tmp_path / "run"), "-n", "60", "--seed", "1", "-o", str(out)]) == 0
    made = out.read_text().strip("\n").split("\n\n")
    good = re.compile(r"Title: (\w+) (stew|pie)\n- \d cups (\w+)\nBake it\.")
    assert len(made) == 60
    assert sum(bool(good.fullmatch(item)) for item in made) >= 57  # every item is a sample's first one


def test_what_is_no_text_is_said_before_it_is_learned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wide.txt").write_text("Hello there, this is wide.\n" * 20, "utf-16")
    assert run(["inspect", str(tmp_path / "wide.txt")]) == 0
    assert "byte order mark of utf-16; pass --encoding utf-16" in " ".join(capsys.readouterr().out.split())
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)
    for command in (["inspect"], ["tokenize", "-o", str(tmp_path / "x.tokens")]):
        assert run([command[0], str(tmp_path / "pictures"), *command[1:]]) == 0
        shown = capsys.readouterr()
        assert "as nothing here is text or music" in " ".join((shown.out + shown.err).split())
