"""`seqgen generate --events` and `--follow`: what another program reads, and how it steers."""

import json
import subprocess
import sys

import numpy as np
import pytest
from test_api import save

from seqgen.api.model import load
from seqgen.cli import run
from seqgen.codecs.byte import Byte
from seqgen.codecs.char import Char, CharOptions
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    codec = Char.fit(["aé€".encode()], CharOptions())
    return str(save(tmp_path_factory.mktemp("text"), Tokenizer(codec, "char", ("bach",)), a=9, b=9, c=9))


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return str(save(tmp_path_factory.mktemp("raw"), Tokenizer(Byte(), "byte")))


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    return str(save(tmp_path_factory.mktemp("music"), Tokenizer(Midi(MidiOptions()), "midi")))


def events(capsysbinary, *arguments):
    assert run(["generate", *map(str, arguments)]) == 0
    return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]


def of(found, kind):
    return [event for event in found if event["event"] == kind]


def test_a_sample_is_told_token_by_token(capsysbinary, text):
    how = ["-p", "é", "-l", "30", "--seed", "4", "--label", "bach", "-r", "top_k", "9"]
    found = events(capsysbinary, text, *how, "--events")
    start, *tokens, last = found
    assert (start["event"], start["seed"], start["samples"], start["prompt"]) == ("start", 4, 1, "é")
    assert (start["temperature"], start["rules"], start["label"]) == (0.8, [["top_k", "9"]], "bach")
    assert [event["event"] for event in tokens] == ["token"] * 30
    assert "é" + "".join(event["text"] for event in tokens) == last["text"]
    mine = list(load(text).tokens("é", label="bach", seed=4, length=30, rules=[("top_k", 9)]))
    assert [event["id"] for event in tokens] == [token.id for token in mine]
    assert np.allclose([event["log_probability"] for event in tokens], [token.log_probability for token in mine])
    assert np.allclose([event["entropy"] for event in tokens], [token.entropy for token in mine])
    elapsed = [event["elapsed"] for event in tokens]
    assert elapsed == sorted(elapsed)
    (record,) = events(capsysbinary, text, *how, "--json")
    unsteady = ("tokens_per_second", "event", "take")
    assert {k: v for k, v in last.items() if k not in unsteady} == {
        k: v for k, v in record.items() if k not in unsteady
    }
    assert last["take"].split("-")[0] == record["take"].split("-")[0]


def test_several_samples_are_told_together(capsysbinary, text):
    found = events(capsysbinary, text, "-n", 3, "-l", 10, "--seed", 1, "--events")
    for number in (1, 2, 3):
        said = "".join(event["text"] for event in of(found, "token") if event["sample"] == number)
        assert said == of(found, "sample")[number - 1]["text"]


def test_texts_are_whole_characters(capsysbinary, raw):
    found = events(capsysbinary, raw, "-l", 300, "--seed", 1, "-t", 1, "--events")
    tokens = of(found, "token")
    assert "".join(event["text"] for event in tokens) == found[-1]["text"]
    assert "" in [event["text"] for event in tokens]


def test_music_has_names_and_needs_no_file(capsysbinary, music, tmp_path):
    found = events(capsysbinary, music, "-l", 50, "--seed", 1, "--events")
    names = load(music).tokenizer.vocabulary()
    assert all(event["name"] == names[event["id"]] and "text" not in event for event in of(found, "token"))
    assert found[-1]["text"] is None
    found = events(capsysbinary, music, "-l", 50, "--seed", 1, "--events", "-o", tmp_path / "a.mid")
    assert found[-1]["path"] == str(tmp_path / "a.mid")
    assert (tmp_path / "a.mid").read_bytes()[:4] == b"MThd"


def test_events_come_as_they_happen(text):
    arguments = [sys.executable, "-m", "seqgen", "generate", text, "-l", "inf", "--seed", "1", "--events"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert json.loads(process.stdout.readline())["event"] == "start"
        for _ in range(50):
            assert json.loads(process.stdout.readline())["event"] == "token"
        process.kill()


def test_events_and_json_are_one_or_the_other(capsys, text):
    assert run(["generate", text, "--seed", "1", "--events", "--json"]) == 2
    assert "both --events and --json" in capsys.readouterr().err


def follow(checkpoint, lines, *options):
    """What a steered run says, its control lines being there from the start."""
    arguments = [sys.executable, "-m", "seqgen", "generate", checkpoint, "--follow", *map(str, options)]
    ran = subprocess.run(arguments, input=b"\n".join(lines), capture_output=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert b"Traceback" not in ran.stderr
    return ran


def test_without_a_line_it_is_as_without_follow(text, capsysbinary):
    options = ["-l", "60", "--seed", "1", "--label", "bach"]
    assert run(["generate", text, *options]) == 0
    assert follow(text, [], *options).stdout == capsysbinary.readouterr().out


def test_lines_steer_in_their_order_and_bad_ones_are_told(text):
    lines = [b'{"prompt": "ab\xc3\xa9"}', b"nonsense", b'{"temperature": 0}', b"", b'{"rules": {"top_k": 1}}']
    found = [json.loads(line) for line in follow(text, lines, "-l", 10, "--seed", 1, "--events").stdout.splitlines()]
    assert [event["event"] for event in found[:5]] == ["start", "control", "error", "control", "control"]
    assert "no JSON" in found[2]["message"]
    assert (found[1]["prompt"], found[3]["temperature"], found[4]["rules"]) == ("abé", 0, {"top_k": 1})
    assert found[-1]["text"].startswith("abé")
    assert found[-1]["tokens"] == 10
    cold = load(text).sample("abé", label="bach", temperature=0, length=10).text
    assert found[-1]["text"] == cold


def test_a_temperature_among_the_rules_is_steered_as_well(text):
    lines = [b'{"temperature": 0}']
    ran = follow(text, lines, "-l", 20, "--seed", 1, "-r", "temperature", 2)
    assert ran.stdout == load(text).sample(label="bach", temperature=0, length=20).bytes


def test_a_reset_begins_anew_and_the_take_holds_it_all(text):
    ran = follow(text, [b'{"prompt": "xyz"}', b'{"reset": true, "prompt": "abc"}', b'{"temperature": 0}'], "-l", 10)
    assert ran.stdout == b"xyz" + load(text).sample("abc", label="bach", temperature=0, length=10).bytes
    code = [sys.executable, "-m", "seqgen", "takes", "replay", "last"]
    assert subprocess.run(code, capture_output=True, check=True).stdout == ran.stdout


def test_a_program_drives_and_is_driven(text):
    arguments = [sys.executable, "-m", "seqgen", "generate", text, "-l", "inf", "--seed", "1", "--events", "--follow"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(arguments, **pipes) as process:

        def until(kind):
            for line in process.stdout:
                event = json.loads(line)
                if event["event"] == kind:
                    return event
            return None

        def send(line):
            process.stdin.write(line + b"\n")
            process.stdin.flush()

        assert until("token")
        send(b'{"pause": true}')
        assert until("control") == {"event": "control", "pause": True}
        send(b'{"temperature": 0}')
        assert json.loads(process.stdout.readline()) == {"event": "control", "temperature": 0}, "nothing came between"
        send(b'{"resume": true}')
        assert until("control")
        assert until("token")
        send(b'{"stop": true}')
        assert until("sample")["finished"] == "stop"
        assert process.stdout.read() == b""
        assert process.wait(30) == 0


def test_the_end_of_the_input_ends_control_and_not_the_sample(text):
    ran = follow(text, [b'{"pause": true}'], "-l", 50, "--seed", 1)
    assert len(ran.stdout) == 50, "who paused it is gone"


def test_a_flood_of_lines_does_not_stop_the_sample(text):
    command = f"yes '{{\"temperature\": 0}}' | {sys.executable} -m seqgen generate {text} --follow -l 30 --label bach"
    ran = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60)
    assert ran.stdout == load(text).sample(label="bach", temperature=0, length=30).bytes


def test_music_takes_no_text(music, tmp_path):
    lines = [b'{"prompt": "la la"}', b'{"reset": true}']
    ran = follow(music, lines, "-l", 20, "--seed", 1, "--events", "-o", tmp_path / "a.mid")
    kinds = [json.loads(line)["event"] for line in ran.stdout.splitlines()]
    assert kinds[:3] == ["start", "error", "control"]
    assert (tmp_path / "a.mid").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [(["-n", "2"], "--follow steers a single sample"), (["--prompt-file", "-"], "--follow reads standard input")],
)
def test_what_cannot_be_followed(capsys, text, options, message):
    assert run(["generate", text, "--seed", "1", "--follow", *options]) == 2
    assert message in capsys.readouterr().err
