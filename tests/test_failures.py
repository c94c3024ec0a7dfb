"""How commands end that do not succeed: streams that take nothing, odd values, odd run folders, the unforeseen."""

import subprocess
import sys
from pathlib import Path

import pytest

from seqgen.cli import _failures, run
from seqgen.errors import SettingError
from seqgen.jobs.selftest import check_apart
from seqgen.selftest import _materials
from seqgen.settings import MOST_TOML, convert, read_toml
from seqgen.terminal import streams

NINES = "9" * 5000


@pytest.mark.parametrize(("name", "count"), [("streams", 6), ("arguments", 60), ("runs", 20)])
def test_the_promise_holds(name, count):
    outcome = check_apart(name, count)
    assert outcome.held, outcome.failures
    assert outcome.cases >= count


@pytest.fixture
def unforeseen(monkeypatch):
    def fails(*_):
        raise RecursionError("too deep\nby far")

    monkeypatch.setattr("seqgen.jobs.describe.facts.describe", fails)


def test_what_nobody_foresaw_names_the_command_and_how_to_see_more(unforeseen, capsys, monkeypatch):
    monkeypatch.delenv(_failures.TRACEBACK, raising=False)
    assert run(["inspect", "x"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        "Error: seqgen inspect: ended by a fault of its own (RecursionError: too deep by far)\nHint: "
    )
    assert "SEQGEN_TRACEBACK=1" in said


def test_its_traceback_can_be_seen(unforeseen, monkeypatch):
    monkeypatch.setenv(_failures.TRACEBACK, "1")
    with pytest.raises(RecursionError, match="too deep"):
        run(["inspect", "x"])


@pytest.mark.skipif(sys.platform == "win32", reason="no shell that closes streams")
@pytest.mark.parametrize("redirected", [">&-", ">&- 2>&- <&-", ">/dev/full"])
def test_a_result_that_nobody_got_is_a_failure_and_a_file_stays_a_file(tmp_path, redirected):
    _materials.checkpoint().save(tmp_path / "toy.model")

    def ended(*more):
        line = [sys.executable, "-m", "seqgen", "generate", "toy.model", "-l", "9", "--seed", "1", "--no-take", *more]
        command = ["sh", "-c", f'"$@" {redirected}', "sh", *line]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    shown = ended()
    assert shown.returncode == 1
    assert "2>&-" in redirected or "Error: standard output: cannot be written (" in shown.stderr
    assert ended("-o", "plain.txt").returncode == 0
    assert run(["generate", str(tmp_path / "toy.model"), "-l", "9", "--seed", "1", "-o", str(tmp_path / "b.txt")]) == 0
    assert (tmp_path / "plain.txt").read_bytes() == (tmp_path / "b.txt").read_bytes()


@pytest.mark.parametrize(
    ("text", "encoding", "written"),
    [("a…é", "latin-1", b"a\\u2026\xe9"), ("a\udcff", "utf-8", b"a\xff"), ("\ud800", "utf-8", b"\\ud800")],
)
def test_letters_that_an_encoding_lacks_are_spelled_out(text, encoding, written):
    import codecs

    codecs.register_error(streams.LETTERS, streams._letters)
    assert text.encode(encoding, streams.LETTERS) == written


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-l", NINES], "expected 0 to 1000000000000000, or inf"),
        (["-l", "1" * 17], "expected 0 to 1000000000000000, or inf"),
        (["--max-copy", NINES], "neither a number of tokens"),
        (["--seed", NINES], "is not a valid integer"),
        (["-r", "top_k", NINES], "expected a whole number"),
        (["-t", f"0.5..1/{NINES}"], "temperature is"),
    ],
    ids=tuple(map(str, range(6))),
)
def test_numbers_of_any_length_are_one_sentence(tmp_path, capsys, arguments, sentence):
    _materials.checkpoint().save(tmp_path / "toy.model")
    assert run(["generate", str(tmp_path / "toy.model"), *arguments]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert max(map(len, said.splitlines())) < 1500


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("a = " + "[" * 500 + "]" * 500, "nested too deeply"),
        (f"length = {NINES}", "more digits than can be read"),
        (f"seed = 0x{'F' * 5000}", "seed is a number of 20,000 bits, expected a smaller one"),
        ("samples = [1]", "samples is a list, expected a single text or number"),
        ("samples = true", "samples is true or false, expected a single text or number"),
        ("samples = 1979-05-27", "samples is a date or a time, expected"),
        ("rules = 'top_p'", "rules is a text, expected a table"),
        ("rules = [['top_p', 0.9, 1]]", "rules holds a list, expected names with a value each"),
        ("balanced = 'x'", "balanced is a text, expected true or false"),
        ('prompt = "a\\u0000"', "prompt holds a NUL"),
        ("#" * (MOST_TOML + 1), "is longer than settings may be"),
    ],
    ids=tuple(map(str, range(11))),
)
def test_odd_configurations_are_one_sentence(tmp_path, capsys, written, sentence):
    _materials.checkpoint().save(tmp_path / "toy.model")
    (tmp_path / "my.toml").write_text(written)
    assert run(["generate", str(tmp_path / "toy.model"), "--config", str(tmp_path / "my.toml")]) == 2
    said = capsys.readouterr().err
    assert "my.toml: " in said or sentence == "nested too deeply"
    assert sentence in said


def test_a_configuration_is_read_as_if_it_had_been_typed(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _materials.checkpoint().save("toy.model")
    Path("my.toml").write_bytes(
        b"\xef\xbb\xbfstop = 'GOOD'\r\nlength = 30\r\nseed = 1\r\nno-take = true\r\n[rules]\r\ntop_k = 5\r\n"
    )
    assert run(["generate", "toy.model", "--config", "my.toml", "-o", "a.txt"]) == 0
    typed = ["--stop", "GOOD", "-l", "30", "--seed", "1", "--no-take", "-r", "top_k", "5", "-o", "b.txt"]
    assert run(["generate", "toy.model", *typed]) == 0
    assert Path("a.txt").read_bytes() == Path("b.txt").read_bytes()


@pytest.mark.parametrize("wanted", [int, float, bool, tuple[int, ...], int | None, str])
@pytest.mark.parametrize(
    "value", [1 << 20_000, [[[]]], {"a": 1}, [1 << 20_000], "x" * 9_999, NINES], ids=tuple(map(str, range(6)))
)
def test_values_of_any_kind_are_refused_in_short(value, wanted):
    if isinstance(value, str) and (wanted is str or (wanted is float and value == NINES)):
        return  # a text, and infinity
    with pytest.raises(SettingError) as caught:
        convert("key", value, wanted)
    assert len(str(caught.value)) < 300


def test_a_file_of_settings_that_cannot_be_read_is_one_sentence(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(SettingError, match="cannot be read"):
            read_toml(path)


def test_a_page_leaves_odd_lines_out_and_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _materials.play(tmp_path)
    assert run(["train", "play.txt", "-o", "run", "--steps", "2", *_materials.TINY]) == 0
    log = Path("run/log.jsonl")
    log.write_bytes(b'{"step": 1, "nats": "x"}\n' + log.read_bytes() + b'{"step": 3, "na')
    lines = len(log.read_bytes().splitlines())
    Path("run/samples.jsonl").write_text('{"step": 1, "nats": 1.0, "test": "a"}\n')
    assert run(["train", "-o", "run", "--report", "page.html"]) == 0
    assert f"log.jsonl: left out of the page, since they make no sense: line 1, {lines}" in (
        said := capsys.readouterr().err
    )
    assert "samples.jsonl: left out of the page, since they make no sense: line 1\n" in said
    assert "validation" in Path("page.html").read_text("utf-8")


@pytest.mark.parametrize("name", ["WORLD_SIZE", "LOCAL_RANK"])
def test_an_environment_of_ranks_that_makes_no_sense(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    _materials.play(tmp_path)
    monkeypatch.setenv(name, NINES)
    assert run(["train", "play.txt", "-o", "run", "--steps", "1", *_materials.TINY]) == 2
    assert f"{name} in the environment is" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="no shell that closes streams")
@pytest.mark.parametrize("line", ["tokenize - -o out.tokens", "inspect -", "takes import -", "render - -o out.svg"])
def test_a_closed_input_is_told_as_such(tmp_path, line):
    command = ["sh", "-c", '"$@" <&-', "sh", sys.executable, "-m", "seqgen", *line.split()]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "Error: standard input: cannot be read (it is closed)" in ran.stderr


@pytest.mark.parametrize("words", [{}, {"COMP_WORDS": "seqgen 'tr", "COMP_CWORD": "x"}])
def test_a_shell_that_asks_wrongly_for_completions_gets_a_sentence(capsys, monkeypatch, words):
    monkeypatch.setenv("_SEQGEN_COMPLETE", "bash_complete")
    for name in ("COMP_WORDS", "COMP_CWORD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in words.items():
        monkeypatch.setenv(name, value)
    assert run([]) == 1
    assert "Error: the shell asks for completions without" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["1e308", "inf", "nan", "1e16", "0", "-1"])
@pytest.mark.parametrize("option", ["--minutes", "--epochs"])
def test_a_budget_beyond_counting_is_refused(tmp_path, capsys, option, value):
    _materials.play(tmp_path)
    assert run(["train", str(tmp_path / "play.txt"), "-o", str(tmp_path / "made"), option, value]) == 2
    assert f"Invalid value for '{option}'" in capsys.readouterr().err
