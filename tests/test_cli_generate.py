"""`seqgen generate`: what it prints and writes, and what it refuses."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqgen
from seqgen.api import sampler
from seqgen.api.model import load
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.codecs.byte import Byte
from seqgen.codecs.char import Char, CharOptions
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.errors import OutputError
from seqgen.generation.stopping import StopStrings
from seqgen.jobs.sample import preparing
from seqgen.jobs.sample.paths import paths
from seqgen.jobs.sample.preparing import labels_of, primer
from seqgen.jobs.sample.preparing import prompts as as_prompts
from seqgen.jobs.sample.settings import SampleJob
from seqgen.models import ModelSettings, weight_shapes
from seqgen.music.read import read_score
from seqgen.music.score import Score
from seqgen.music.write import write_score
from seqgen.terminal.sinks import Pipe, Terminal
from seqgen.tokenizer import Tokenizer

SHAPE = ModelSettings(hidden=8)


def save(folder: Path, tokenizer: Tokenizer, scale: float = 0.1, **likely: float) -> str:
    """A checkpoint with random weights; `likely` raises the output bias of single bytes."""
    rng = np.random.default_rng(0)
    shapes = weight_shapes(LSTM(), SHAPE, tokenizer.vocab_size)
    weights = {name: (scale * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    weights["output.bias"][tokenizer.document_id] = -30
    for character, bias in likely.items():
        weights["output.bias"][ord(character)] = bias
    folder.mkdir(exist_ok=True)
    Checkpoint("lstm", LSTM(), SHAPE, tokenizer, weights).save(folder / "model.safetensors")
    return str(folder)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model of characters that likes a, b and c."""
    codec = Char.fit(["aé€".encode()], CharOptions())
    return save(tmp_path_factory.mktemp("text"), Tokenizer(codec, "char", ("bach", "verdi")), a=9, b=9, c=9)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that writes any byte with equal chance."""
    return save(tmp_path_factory.mktemp("raw"), Tokenizer(Byte(), "byte"))


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(tmp_path_factory.mktemp("music"), Tokenizer(Midi(MidiOptions()), "midi"))


def output(capsysbinary: Any, *arguments: str, code: int = 0) -> bytes:
    assert run(["generate", *arguments]) == code
    return capsysbinary.readouterr().out


def refusal(capsys: Any, *arguments: str, code: int) -> str:
    assert run(["generate", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err


def test_a_sample_is_the_prompt_and_what_follows(capsysbinary: Any, text: str) -> None:
    made = output(capsysbinary, text, "-p", "Où, été €?", "-l", "40", "--seed", "1", "-t", "0.5")
    prompt = "Où, été €?".encode()
    assert made.startswith(prompt)
    assert len(made) == len(prompt) + 40
    assert set(made[len(prompt) :]) <= set(b"abc")


def test_the_default_is_a_thousand_tokens_and_the_same_seed_the_same_text(capsysbinary: Any, text: str) -> None:
    made = output(capsysbinary, text, "--seed", "5", "-r", "top_k", "3")
    assert len(made) == 1000
    assert output(capsysbinary, text, "--seed", "5", "-r", "top-k", "3") == made
    assert output(capsysbinary, text, "--seed", "6", "-r", "top_k", "3") != made


def test_a_fresh_seed_is_told_and_makes_the_same_again(capsysbinary: Any, text: str) -> None:
    run(["generate", text, "-l", "30"])
    first = capsysbinary.readouterr()
    seed = first.err.decode().split("Seed: ")[1].split("\n")[0]
    assert output(capsysbinary, text, "-l", "30", "--seed", seed) == first.out


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_temperature_zero_needs_no_luck(capsysbinary: Any, text: str, engine: str) -> None:
    options = [text, "-l", "30", "-t", "0", "--engine", engine, "--device", "cpu"]
    assert len({output(capsysbinary, *options, "--seed", str(seed)) for seed in range(3)}) == 1


def test_a_temperature_among_the_rules_replaces_the_default(capsysbinary: Any, text: str) -> None:
    cold = output(capsysbinary, text, "-l", "30", "--seed", "1", "-r", "temperature", "0")
    assert cold == output(capsysbinary, text, "-l", "30", "--seed", "1", "-t", "0")


@pytest.mark.parametrize("prompt", [b"", b"\0\xff\xfe\xc3", "不 seen ☃".encode(), b"\r\n\x1b[31m"])
def test_any_prompt_works_and_is_kept_byte_by_byte(
    capsysbinary: Any, text: str, tmp_path: Path, monkeypatch: Any, prompt: bytes
) -> None:
    file = tmp_path / "prompt"
    file.write_bytes(prompt)
    made = output(capsysbinary, text, "--prompt-file", str(file), "-l", "5", "--seed", "1")
    assert made.startswith(prompt)
    assert len(made) >= len(prompt) + 5
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(prompt)))
    assert output(capsysbinary, text, "--prompt-file", "-", "-l", "5", "--seed", "1") == made


def test_a_pipe_gets_raw_bytes(capsysbinary: Any, raw: str) -> None:
    assert len(set(output(capsysbinary, raw, "-l", "3000", "--seed", "2", "-t", "1"))) == 256


def test_stop_ends_after_the_string_across_tokens(capsysbinary: Any, text: str) -> None:
    made = output(capsysbinary, text, "-p", "abc", "--stop", "cab", "--stop", "zzz", "--seed", "3", "-l", "5000")
    assert made.endswith(b"cab")
    assert made.count(b"cab") == 1
    assert 6 < len(made) < 5000


def test_stop_strings_cut_inside_a_token() -> None:
    stop = StopStrings([b"the ca", b"b in", b"aab"], [b"cab", b"b i"])
    assert not stop(0, 0)
    assert not stop(1, 2)
    assert stop(0, 1)
    assert stop.excess == {0: 3}
    assert not stop(1, 2)
    assert StopStrings([b"x"], [b"x"])(0, 0)


def test_several_samples_become_several_files(capsysbinary: Any, text: str, tmp_path: Path) -> None:
    common = [text, "-n", "3", "-l", "20", "--seed", "1", "-p", "x"]
    assert output(capsysbinary, *common, "-o", str(tmp_path / "out.txt")) == b""
    made = [(tmp_path / f"out-{number}.txt").read_bytes() for number in (1, 2, 3)]
    assert len(set(made)) == 3
    assert {len(each) for each in made} == {21}
    output(capsysbinary, *common, "-o", str(tmp_path / "new/"))
    output(capsysbinary, *common, "-o", f"{tmp_path}/new/")
    assert [(tmp_path / "new" / f"{number}.txt").read_bytes() for number in (1, 2, 3)] == made
    assert output(capsysbinary, *common) == b"\n\n".join(made)
    assert output(capsysbinary, *common[:1], *common[3:]) == made[0], "a stream does not depend on the others"


def test_where_samples_go(tmp_path: Path) -> None:
    assert paths(None, 2, ".txt") is None
    assert paths("-", 1, ".txt") is None
    assert paths(f"{tmp_path}/a", 1, ".mid") == [tmp_path / "a"]
    assert paths(f"{tmp_path}/a", 2, ".mid") == [tmp_path / "a-1.mid", tmp_path / "a-2.mid"]
    assert paths(str(tmp_path), 1, ".mid") == [tmp_path / "1.mid"]
    with pytest.raises(OutputError, match="there is no folder"):
        paths(f"{tmp_path}/none/a.txt", 1, ".txt")


def test_json_has_a_line_a_sample(capsysbinary: Any, text: str, tmp_path: Path) -> None:
    lines = output(capsysbinary, text, "-n", "2", "-l", "20", "--seed", "4", "-p", "é", "--json").splitlines()
    first, second = map(json.loads, lines)
    assert (first["sample"], second["sample"], first["seed"], first["tokens"]) == (1, 2, 4, 20)
    assert first["text"].startswith("é")
    assert first["text"] != second["text"]
    assert first["tokens_per_second"] > 0
    assert first["finished"] == "length"
    path = str(tmp_path / "a.txt")
    record = json.loads(output(capsysbinary, text, "-l", "20", "--seed", "4", "-p", "é", "--json", "-o", path))
    assert record["path"] == path
    assert Path(path).read_text("utf-8") == first["text"]


def test_no_tokens_is_the_prompt(capsysbinary: Any, text: str) -> None:
    assert output(capsysbinary, text, "-p", "abc", "-l", "0", "--seed", "1") == b"abc"
    record = json.loads(output(capsysbinary, text, "-p", "abc", "-l", "0", "--seed", "1", "--json"))
    assert (record["text"], record["tokens"], record["finished"]) == ("abc", 0, "length")


def test_a_label_begins_its_document(capsysbinary: Any, tmp_path: Path) -> None:
    model = save(tmp_path / "model", Tokenizer(Byte(), "byte", ("bach", "verdi")), scale=2)
    made = {
        output(capsysbinary, model, "-l", "50", "--seed", "1", *label)
        for label in (["--label", "verdi"], ["--label", "bach"])
    }
    assert len(made) == 2


def test_music_is_a_file_and_continues_a_file(capsysbinary: Any, music: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first.mid", tmp_path / "second.mid"
    assert output(capsysbinary, music, "-l", "200", "--seed", "1", "-o", str(first)) == b""
    assert first.read_bytes()[:4] == b"MThd"
    output(capsysbinary, music, "-l", "200", "--seed", "2", "--prompt-file", str(first), "-o", str(second))
    assert second.stat().st_size > first.stat().st_size
    assert output(capsysbinary, music, "-l", "200", "--seed", "1")[:4] == b"MThd", "a pipe may have it"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["-r", "topp", "0.9"], 2, "no rule is called 'topp'"),
        (["-r", "top_p", "2"], 2, "rule top_p: p is 2.0, expected 0 to 1"),
        (["-t", "bold"], 2, "temperature is 'bold', expected a number\nHint: it takes a number, or a schedule"),
        (["-t", "-1"], 2, "temperature is -1.0, expected 0 to 100"),
        (["-t", "nan"], 2, "temperature is nan"),
        (["-l", "-3"], 2, "'-3' is not a number of tokens"),
        (["-l", "many"], 2, "'many' is not a number of tokens"),
        (["-l", "inf", "-n", "2"], 2, "--length inf goes with a single sample"),
        (["-n", "0"], 2, "0 is not in the range"),
        (["--stop", ""], 2, "--stop is empty"),
        (["--label", "bch"], 2, "no label is called 'bch'"),
        (["-p", "a", "--prompt-file", "b"], 2, "both --prompt and --prompt-file"),
        (["--prompt-file", "no-such-file"], 1, "no-such-file: cannot be read (No such file"),
        (["--engine", "numpy", "--device", "cuda"], 2, "the numpy engine runs on the cpu"),
        (["--device", "toaster"], 2, "device 'toaster' cannot be used here"),
        (["-o", "no-such-folder/a.txt"], 1, "there is no folder no-such-folder"),
    ],
)
def test_what_does_not_fit_is_one_sentence(capsys: Any, text: str, options: list[str], code: int, message: str) -> None:
    assert message in refusal(capsys, text, "--seed", "1", *options, code=code)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--stop", "x"], "--stop is for text"),
        (["-p", "a.mid", "--prompt-file", "b.mid"], "both --prompt and --prompt-file"),
        (["--json"], ".mid files are not for the terminal"),
        (["-n", "2"], ".mid files are not for the terminal"),
    ],
)
def test_what_does_not_fit_music_is_one_sentence(capsys: Any, music: str, options: list[str], message: str) -> None:
    assert message in refusal(capsys, music, "--seed", "1", *options, code=2)


def test_music_does_not_go_to_a_terminal(capsys: Any, music: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "Hint: name a file: -o song.mid" in refusal(capsys, music, "--seed", "1", code=2)


def test_a_terminal_gets_whole_harmless_characters() -> None:
    stream = io.BytesIO()
    sink = Terminal(stream, "utf-8")
    for piece in (
        b"a\x1b]0;",
        "€".encode()[:1],
        "€".encode()[1:],
        "\u202e\u009bن\u200cم👩\u200d🚀".encode(),
        b"\n\xc3",
    ):
        sink.write(piece)
    sink.finish()
    assert stream.getvalue().decode() == "a\\x1b]0;€\\u202e\\x9bن\u200cم👩\u200d🚀\n\ufffd\n"  # joiners pass
    narrow = io.BytesIO()
    Terminal(narrow, "ascii").write("é!".encode())
    assert narrow.getvalue() == b"?!"


def test_a_pipe_is_flushed_while_it_runs(monkeypatch: Any) -> None:
    flushed = []
    stream = io.BytesIO()
    stream.flush = lambda: flushed.append(stream.tell())  # type: ignore[method-assign]
    sink = Pipe(stream)
    sink.write(b"a")
    sink.flushed -= 1
    sink.write(b"b")
    assert flushed == [2]


def interrupt(monkeypatch: Any, after: int) -> None:
    """Ctrl-C after some steps."""
    sample = sampler.generate

    def generate(*arguments: Any, **options: Any) -> Any:
        for number, step in enumerate(sample(*arguments, **options)):
            if number == after:
                raise KeyboardInterrupt
            yield step

    monkeypatch.setattr(sampler, "generate", generate)


def test_ctrl_c_keeps_what_was_sampled(capsysbinary: Any, text: str, tmp_path: Path, monkeypatch: Any) -> None:
    whole = output(capsysbinary, text, "-l", "20", "--seed", "1")
    interrupt(monkeypatch, after=7)
    file = tmp_path / "a.txt"
    assert output(capsysbinary, text, "-l", "20", "--seed", "1", "-o", str(file), code=1) == b""
    assert file.read_bytes() == whole[:7]
    assert output(capsysbinary, text, "-l", "20", "--seed", "1", code=1) == whole[:7]
    record = json.loads(output(capsysbinary, text, "-l", "20", "--seed", "1", "--json", code=1))
    assert (record["tokens"], record["finished"]) == (7, "interrupted")
    assert record["tokens_per_second"] > 0


def test_ctrl_c_before_the_first_token_writes_nothing(text: str, tmp_path: Path, monkeypatch: Any) -> None:
    interrupt(monkeypatch, after=0)
    (tmp_path / "a.txt").write_text("old")
    assert run(["generate", text, "--seed", "1", "-o", str(tmp_path / "a.txt")]) == 1
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_a_cold_start_imports_neither_torch_nor_a_renderer(text: str) -> None:
    code = (
        "import sys; from seqgen.cli import run\n"
        f"assert run(['generate', {text!r}, '-l', '100', '--seed', '1']) == 0\n"
        "heavy = {'torch', 'symusic', 'matplotlib', 'mido', 'sentencepiece', 'tqdm'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_a_closed_pipe_is_no_error(text: str) -> None:
    command = f"{sys.executable} -m seqgen generate {text} --label bach -l inf --seed 1 | head -c 2000"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=True)
    assert len(done.stdout) == 2000
    assert done.stderr == b""


def test_unlimited_text_goes_on_until_ctrl_c(text: str, tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "seqgen", "generate", text, "-l", "inf", "--seed", "1"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert len(process.stdout.read(5000)) == 5000
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"Stopped." in errors
    assert b"Traceback" not in errors


def test_on_a_terminal_no_control_character_arrives(raw: str) -> None:
    ours, theirs = pty.openpty()
    arguments = [sys.executable, "-m", "seqgen", "generate", raw, "-l", "600", "--seed", "1", "-t", "2"]
    process = subprocess.Popen(arguments, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    seen, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # what Linux says when the other side is closed
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    assert process.wait(timeout=60) == 0
    assert b"\\x1b" in seen
    assert not [byte for byte in seen if byte < 0x20 and byte not in b"\r\n\t"]


def test_a_file_too_long_for_a_prompt_is_refused_unread(capsys: Any, text: str, tmp_path: Path) -> None:
    long = tmp_path / "long.txt"
    with long.open("wb") as file:
        file.truncate(100_000_000)
    said = refusal(capsys, text, "--prompt-file", str(long), code=1)
    assert "long.txt: is longer than a prompt may be (16 MB)" in said
    assert "Hint: give its end: tail -c" in said
    assert "Seed:" not in said, "where nothing is sampled no seed is needed"


def test_a_long_prompt_is_told_of_before_it_is_read(
    capsysbinary: Any, text: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(preparing, "LONG_PROMPT", 50)
    (tmp_path / "long.txt").write_text("a" * 60)
    assert run(["generate", text, "--prompt-file", str(tmp_path / "long.txt"), "-l", "5"]) == 0
    assert b"Reading a prompt of 62 tokens first" in capsysbinary.readouterr().err
    assert run(["generate", text, "-p", "abc", "-l", "5"]) == 0
    assert b"Reading" not in capsysbinary.readouterr().err


def test_rules_that_leave_nothing_end_the_document_or_give_way(capsysbinary: Any, text: str, raw: str) -> None:
    banned = [option for letter in "aé€" for option in ("-r", "ban", letter)]
    assert run(["generate", text, "-l", "20", "--seed", "1", *banned]) == 0
    made = capsysbinary.readouterr()
    assert not set("aé€") & set(made.out.decode())
    steep = ["-r", "typical", "0", "-r", "top_p", "0", "-r", "top_k", "1", "-r", "min_p", "1", "-r", "no_repeat", "1"]
    assert len(output(capsysbinary, raw, "-l", "300", "--seed", "1", *steep)) <= 300


def test_a_document_that_ends_at_once_is_told(capsys: Any, tmp_path: Path) -> None:
    codec = Char.fit([b"ab"], CharOptions())
    model = Checkpoint.load(save(tmp_path / "short", Tokenizer(codec, "char")))
    model.weights["output.bias"][model.tokenizer.document_id] = 30
    model.save(tmp_path / "short" / "model.safetensors")
    assert run(["generate", str(tmp_path / "short"), "--seed", "1"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "A document ended before its first token" in printed.err


def test_music_goes_on_from_a_file_that_either_flag_names(tmp_path: Path, music: str) -> None:
    song = write_score(Score.from_notes(480, [(0, 480, 60, 80, 0), (480, 480, 64, 80, 0)]))
    (tmp_path / "song.mid").write_bytes(song)
    for flag in ("-p", "--prompt-file"):
        out = tmp_path / f"{flag.strip('-')}.mid"
        assert (
            run(["generate", music, flag, str(tmp_path / "song.mid"), "-l", "20", "--seed", "1", "-o", str(out)]) == 0
        )
        assert read_score(out.read_bytes()).pitch[:2].tolist() == [60, 64]
    assert (tmp_path / "p.mid").read_bytes() == (tmp_path / "prompt-file.mid").read_bytes()


def test_a_prompt_without_notes_is_refused(capsys: Any, tmp_path: Path, music: str) -> None:
    (tmp_path / "silence.mid").write_bytes(write_score(Score.from_notes(480, [])))
    message = refusal(capsys, music, "--seed", "1", "-p", str(tmp_path / "silence.mid"), "-o", "x.mid", code=1)
    assert "silence.mid: holds no note to go on from" in message


def test_where_documents_have_labels_each_sample_gets_one(text: str) -> None:
    def asking(**change: Any) -> SampleJob:
        return SampleJob(**{"checkpoint": text, "samples": 40, "temperature": 1.0, "seed": 1} | change)

    model = load(text)
    tokenizer = model.tokenizer

    def prompts(asked: Any) -> Any:
        return as_prompts(model, asked, labels_of(model, asked), *primer(model, asked))

    drawn = [int(prompt[1]) for prompt in prompts(asking())]
    assert set(drawn) == {tokenizer.label_id("bach"), tokenizer.label_id("verdi")}
    assert drawn[:5] == [int(prompt[1]) for prompt in prompts(asking(samples=5))]
    asked = prompts(asking(label="verdi", prompt="aé"))
    assert {int(prompt[1]) for prompt in asked} == {tokenizer.label_id("verdi")}
    assert asked[0][2:].tolist() == tokenizer.encode("aé".encode()).tolist()


def test_a_backslash_that_the_corpus_never_had_gets_a_remark(tmp_path, capsys):
    (tmp_path / "plain.txt").write_text("so it is\n" * 60)
    (tmp_path / "code.txt").write_text('print("so\\n")\n' * 60)
    for name, remarks in (("plain", 2), ("code", 0)):
        run_folder = tmp_path / name
        small = {"hidden": 8, "batch": 2, "window": 8}
        seqgen.train(tmp_path / f"{name}.txt", run_folder, steps=2, seed=1, device="cpu", settings=small)
        run(["generate", str(run_folder), "-l", "5", "--seed", "1", "-p", r"so\n", "--stop", r"is\t"])
        said = capsys.readouterr().err
        assert said.count("The corpus has no backslash") == remarks, said
        assert (r"-p $'\n'" in said) == (r"--stop $'\t'" in said) == bool(remarks)
