"""What the studio says: no sentence names a flag of the command line, which nobody can type on a page."""
# ruff: noqa: F401, F811 (fixtures are imported, and are the names of arguments)

import ast
from pathlib import Path

import pytest
from studio_server import flags, running, toy

import seqgen
from seqgen.errors import CorpusError, UsageError
from seqgen.jobs.train.form import form
from seqgen.studio.hall import sentence
from seqgen.studio.wording import KNOWN, on_page, worded, worded_event

pytestmark = pytest.mark.sockets
ROOT = Path(seqgen.__file__).parent
PLACEHOLDER = "{{fill}}"


def literals():
    """Every text in the rooms below the command line, with a placeholder for what is put in; no docstrings."""
    for path in sorted(ROOT.rglob("*.py")):
        if path.relative_to(ROOT).parts[0] in ("cli", "selftest") or path.name == "wording.py":
            continue
        tree = ast.parse(path.read_text("utf-8"))
        parts = {id(part) for each in ast.walk(tree) if isinstance(each, ast.JoinedStr) for part in each.values}
        docs = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
        for each in ast.walk(tree):
            if id(each) in parts | docs:
                continue
            if isinstance(each, ast.JoinedStr):
                yield "".join(v.value if isinstance(v, ast.Constant) else PLACEHOLDER for v in each.values)
            elif isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield each.value


def test_no_text_of_any_job_reaches_a_page_with_a_flag():
    told = [each for each in literals() if flags({"message": each})]
    assert len(told) > 200
    for each in told:
        said = sentence(UsageError(each, each))
        assert said["message"].strip() or each.startswith(("Next: ", "Go on with: ")), each
        assert flags(said) == [], each
        assert flags({"message": worded(each)}) == [], each


def test_what_is_said_anew_is_what_jobs_say():
    texts = "\n".join(" ".join(each.split()) for each in literals())
    assert [said for said, _ in KNOWN if said not in texts] == []


@pytest.mark.parametrize(
    ("said", "page"),
    [
        ("Codec char, guessed from the files; -c names another.",
         "Codec char, guessed from the files; “Codec” names another."),
        ("It will not see the whole corpus: give it more time, or a smaller model (--preset tiny).",
         "It will not see the whole corpus: give it more time, or choose the size tiny."),
        ("float32; 0.4 GB of memory. Seed 3. Ctrl-C\nstops and saves.",
         "float32; 0.4 GB of memory. Seed 3. Stop ends it, and all is saved."),
        ("Next: seqgen generate checkpoints/plays", ""),
        ("Go on with: seqgen train --resume -o checkpoints/plays", ""),
        (" --all reads what is hidden or made by a tool. -c char reads any text.", "The codec char reads any text."),
        ("try another codec, or --all", "try another codec"),
        ("Try more dropout (-P dropout 0.4), a smaller model (-P hidden 64) or more text.",
         "Try more dropout (dropout 0.4), a smaller model (hidden 64) or more text."),
        ("A list: each line is a document (a, b, …); --documents file takes each file as one.",
         "A list: each line is a document (a, b, …)."),
        ("choose a smaller model, -P window or -P batch", "choose a smaller model, window or batch"),
        ("try --encoding latin-1", "save it as UTF-8"),
        ("wait until it has ended, stop it, or choose another -o",
         "wait until it has ended, stop it, or choose another name"),
        ("leave --density or the prompt out", "leave density or the prompt out"),
        ("the torch engine: --engine torch, or the numpy one", "the numpy one"),
        ("bring the file in again", "bring the file in again"),
        ("from 3 - 1 to -5 or ‘a-b’", "from 3 - 1 to -5 or ‘a-b’"),
    ],
)  # fmt: skip
def test_hints_and_remarks_in_terms_of_the_page(said, page):
    assert worded(said) == page


def test_events_of_a_run():
    assert worded_event({"event": "note", "message": "Next: seqgen generate x"}) is None
    error = {"event": "error", "message": "--model is 'a', but the checkpoint is of b", "hint": "leave it out"}
    assert worded_event(error)["message"] == "cell is 'a', but the checkpoint is of b"
    rows = [("fields", "a, b"), ("", "--field NAME takes the text of each record from one")]
    assert worded_event({"event": "described", "rows": rows})["rows"] == [("fields", "a, b")]
    assert worded_event({"event": "stepped", "step": 3}) == {"event": "stepped", "step": 3}
    assert (
        on_page(CorpusError("x: is binary", "codec byte takes any file: -c byte")).hint == "codec byte takes any file"
    )


def test_what_a_page_is_greeted_with_and_its_forms_name_no_flags(running):
    with running.page() as page:
        hello = page.until("hello")
    told = [each["help"] or "" for each in hello["controls"]]
    told += [about for room in hello["rooms"] for _, about in room.get("presets", ())]
    for codec in ("char", "midi_bar", "subword", "c_source"):
        told += [
            field[part] for group in form(None, codec) for field in group["fields"] for part in ("help", "expected")
        ]
    assert len(told) > 100
    assert [each for each in told if flags({"message": each})] == []


WRONG = (
    {"do": "train.begin", "name": "a", "source": "", "minutes": 0.1},
    {"do": "train.begin", "name": "a", "source": ".", "codec": "morse"},
    {"do": "train.begin", "name": "a", "source": ".", "minutes": -1},
    {"do": "play.start", "checkpoint": "no-such-model"},
    {"do": "play.start", "checkpoint": "bach-chorales", "prompt": "a"},
    {"do": "play.start", "checkpoint": "bach-chorales", "values": {"scale": "dorian"}},
    {"do": "play.live", "checkpoint": "tiny-shakespeare"},
    {"do": "fill.open", "checkpoint": "no-such-model"},
    {"do": "fill.take", "take": "no-such-take"},
    {"do": "inside.look", "checkpoint": "no-such-model", "text": "a"},
    {"do": "inside.look", "checkpoint": "tiny-shakespeare"},
    {"do": "takes.open", "take": "no-such-take"},
)


def test_a_long_name_leaves_what_is_wrong_with_it():
    said = sentence(UsageError("é" * 5000 + ": there is no such checkpoint", "a" * 9000))
    assert said["message"].endswith(": there is no such checkpoint")
    assert (len(said["message"]), len(said["hint"])) == (300, 600)


def test_errors_of_every_room_name_no_flag(running, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with running.page() as page:
        for asked in WRONG:
            page.say(**asked)
            assert page.until("error", 60)["message"], asked  # which looks for flags


@pytest.mark.parametrize(
    "asked",
    [
        {"do": "train.begin", "name": "a", "source": "no-such-folder", "minutes": 0.1},
        {"do": "train.begin", "name": "a", "source": ".", "minutes": 0.1, "settings": {"hiden": "3"}},
        {"do": "train.resume", "name": "none"},
    ],
)
def test_errors_of_a_run_name_no_flag(running, tmp_path, monkeypatch, asked):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("some words\n" * 300)
    with running.page() as page:
        page.say(**asked)
        assert page.until("train.error", 300)["message"]
