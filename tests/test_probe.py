"""Labels read out of the hidden state, naive Bayes beside it, and what cannot be probed."""

import csv
import json
import random
from pathlib import Path

import numpy as np
import pytest

from seqgen.catalogue.layouts import reviews
from seqgen.cli import run
from seqgen.inside.bayes import Bayes, token_grams, word_grams
from seqgen.inside.measures import told, wilson
from seqgen.music.score import Score
from seqgen.music.write import write_score
from seqgen.selftest import _materials

GOOD, BAD = ("good", "fine", "lovely", "great"), ("bad", "poor", "dull", "awful")


def rows(count, seed):
    rng = random.Random(seed)
    for number in range(count):
        label = number % 2
        words = [rng.choice((BAD, GOOD)[label]), rng.choice(("film", "play", "day")), rng.choice(("it", "was", "so"))]
        yield ("negative", "positive")[label], " ".join(rng.sample(words, 3))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _materials.checkpoint().save("toy.model")
    with Path("reviews.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("sentiment", "text"))
        table.writerows(rows(400, 1))
        table.writerows([("mixed", "so so")] * 5)
    return tmp_path


def test_naive_bayes_is_that_of_the_book():
    """Manning et al. 2008, section 13.3, with each n-gram counted once a document, by hand."""
    documents = [{"a", "b"}, {"a"}, {"c"}]
    model = Bayes(documents, np.array([0, 0, 1]), 2)
    first = np.log(2 / 3) + np.log((2 + 1) / (3 + 3))
    second = np.log(1 / 3) + np.log((0 + 1) / (1 + 3))
    assert first > second
    assert model.predict([{"a"}, {"c"}, {"unknown"}]).tolist() == [0, 1, 0]
    assert model._logs["a"].tolist() == pytest.approx([np.log(3 / 6), np.log(1 / 4)])
    assert word_grams(b"Not bad, not") == {b"not", b"bad", (b"not", b"bad"), (b"bad", b"not")}
    assert (1, 2, 3) in token_grams([1, 2, 3])


def test_measures():
    found = told("x", np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), 2)
    assert found.accuracy == 0.75
    assert found.f1 == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert wilson(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)


def test_labels_are_read_out_of_a_table(here, capsys):
    words = ["probe", "toy.model", "reviews.csv", "--field", "text", "--label-field", "sentiment"]
    more = ["--tune", "--sentence", "a good day", "-o", "page.html", "--json"]
    assert run([*words, *more]) == 0
    out, err = capsys.readouterr()
    data = json.loads(out)
    assert data["labels"] == ["negative", "positive"]
    assert "Left out the label 'mixed': it has 5 documents, fewer than 50" in err
    results = data["results"]
    assert list(results) == ["chance", "naive Bayes", "read-out", "end to end"]
    assert results["naive Bayes"]["accuracy"] > 0.95
    assert results["read-out"]["accuracy"] > 0.8
    assert results["end to end"]["accuracy"] > 0.8
    assert results["chance"]["low"] < results["chance"]["accuracy"] < results["chance"]["high"]
    (sentence,) = data["sentences"]
    assert sentence["label"] in data["labels"]
    assert len(sentence["tokens"]) == len(sentence["speaks_for"]) == 1 + len("a good day")
    page = Path("page.html").read_text("utf-8")
    assert "“a good day”" in page
    assert "Gradient × input" in page


def test_labels_are_folders_too_and_what_is_held_out_can_be_given(here, capsys):
    for label, text in rows(240, 2):
        Path("docs", label).mkdir(parents=True, exist_ok=True)
        Path("docs", label, f"{len(list(Path('docs', label).iterdir()))}.txt").write_text(text)
    table = ["--val", "reviews.csv", "--field", "text", "--label-field", "sentiment"]
    assert run(["probe", "toy.model", "docs", *table, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["results"]["read-out"]["examples"] == 400


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["reviews.csv"], "which columns are text and label?"),
        (["one.csv", "--field", "text", "--label-field", "sentiment"], "there are not two labels to tell apart"),
        (["few.csv", "--field", "text", "--label-field", "sentiment"], "there are not two labels to tell apart"),
        (["plain.txt"], "no document has a label"),
        (["nowhere"], "no such file, folder or corpus"),
    ],
)
def test_what_cannot_be_probed_is_one_sentence(here, capsys, words, sentence):
    Path("one.csv").write_text("sentiment,text\n" + "positive,good\n" * 60)
    Path("few.csv").write_text("sentiment,text\n" + "positive,good\nnegative,bad\n" * 9)
    Path("plain.txt").write_text("no label")
    assert run(["probe", "toy.model", *words]) in (1, 2)
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said


def put(label, name, data):
    Path("found", label).mkdir(parents=True, exist_ok=True)
    Path("found", label, name).write_bytes(data)


def results(capsys, checkpoint):
    assert run(["probe", checkpoint, "found", "--json"]) == 0
    return json.loads(capsys.readouterr().out)["results"]


def test_registers_are_told_of_music(here, capsys):
    rng = np.random.default_rng(1)
    for number in range(120):
        label, lowest = (("low", 45), ("high", 70))[number % 2]
        pitches = rng.integers(lowest, lowest + 12, 8).tolist()
        score = Score.from_notes(480, [(place * 480, 480, pitch, 64, 0) for place, pitch in enumerate(pitches)])
        put(label, f"{number}.mid", write_score(score))
    found = results(capsys, "bach-chorales")
    assert found["chance"]["accuracy"] < 0.8
    assert found["read-out"]["accuracy"] == found["naive Bayes"]["accuracy"] == 1


def test_libraries_are_told_of_code(here, capsys):
    rng = random.Random(1)
    for number in range(120):
        label, head = (("sqlite", "static int sqlite3"), ("libuv", "void uv__"))[number % 2]
        word = "".join(rng.choices("abcdefgh", k=6))
        put(label, f"{number}.c", f"{head}{word}(int {word[:2]}){{ {word[:2]}++; }}\n".encode())
    assert results(capsys, "sqlite-c")["read-out"]["accuracy"] == 1


def test_music_has_no_sentences(here, capsys):
    assert run(["probe", "bach-chorales", "reviews.csv", "--sentence", "x"]) == 2
    assert "--sentence is for models of text" in capsys.readouterr().err


def test_reviews_become_a_table():
    data = b'1\t2.27\tA "fine" film, and  more.\r\n2\t-0.6\tEffective, but\n3\t0\tSo so\n'
    ((name, made),) = reviews.files([("snippets.txt", data)])
    assert name == "snippets.csv"
    assert list(csv.reader(made.decode().splitlines())) == [
        ["rating", "sentiment", "text"],
        ["2.27", "positive", 'A "fine" film, and more.'],
        ["-0.6", "negative", "Effective, but"],
        ["0", "neutral", "So so"],
    ]


def test_a_run_keeps_what_goes_on_inside_for_its_page(here):
    Path("play.txt").write_text(_materials.PLAY * 20)
    small = ["-P", "hidden", "12", "-P", "batch", "4", "-P", "window", "16"]
    train = ["train", "play.txt", "-c", "char", "--seed", "1", "--device", "cpu", *small]
    assert run([*train, "-o", "plain", "--steps", "8"]) == 0
    assert run([*train, "-o", "seen", "--steps", "8", "--report", "page.html"]) == 0
    assert Path("plain/log.jsonl").read_bytes() == Path("seen/log.jsonl").read_bytes()  # looking changes nothing
    assert not Path("plain/inside.jsonl").exists()
    lines = [json.loads(line) for line in Path("seen/inside.jsonl").read_text().splitlines()]
    checks = [json.loads(line) for line in Path("seen/log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [
        line["step"] for line in checks if line.get("validation_nats") is not None
    ]
    assert set(lines[0]["gates"]) == {f"layer 1, {gate}" for gate in ("input", "forget", "output")}
    assert all(norm > 0 for norm in lines[-1]["gradients"].values())
    page = Path("page.html").read_text("utf-8")
    assert "<h2>Inside, through time</h2>" in page
    assert "The nearest tokens by embedding" in page
    assert run(["train", "--resume", "-o", "seen", "--steps", "12", "--report", "page.html"]) == 0
    steps = [json.loads(line)["step"] for line in Path("seen/inside.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))
    assert steps[-1] == 12
