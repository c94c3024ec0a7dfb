"""`seqgen generate --mix` and `--blend`: weights as typed, labels, and what is refused."""

import json

import numpy as np
import pytest

from seqgen import load, registry
from seqgen.api.mixture import Voice, mix
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.errors import CheckpointError, UsageError
from seqgen.models import ModelSettings, weight_shapes
from seqgen.tokenizer import Tokenizer, require_same_tokens


def save(path, codec="byte", text=b"", labels=(), seed=1):
    """A checkpoint with random weights."""
    kind = registry.load("codecs", codec)
    tokenizer = Tokenizer(kind.fit([text], kind.Options()), codec, labels)
    settings, rng = ModelSettings(hidden=8), np.random.default_rng(seed)
    shapes = weight_shapes(LSTM(), settings, tokenizer.vocab_size)
    weights = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    Checkpoint("lstm", LSTM(), settings, tokenizer, weights).save(path)
    return str(path)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEQGEN_GENERATE_NO_TAKE", "1")
    save("plays.safetensors", labels=("comedies", "tragedies"))
    save("code.safetensors", seed=2)
    return tmp_path


def made(capsys, *arguments, seed="3"):
    assert run(["generate", *arguments, "--seed", seed, "-l", "60", "--no-grammar", "--json"]) == 0
    return [json.loads(line)["text"] for line in capsys.readouterr().out.splitlines()]


def refusal(capsys, *arguments):
    assert run(["generate", *arguments]) != 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    return printed.err


def test_no_weight_changes_nothing_and_all_the_weight_is_the_other(place, capsys):
    plain = [made(capsys, name) for name in ("plays.safetensors", "code.safetensors")]
    alone = made(capsys, "code.safetensors", "--mix", "plays.safetensors:0")
    assert alone == plain[1]
    assert made(capsys, "plays.safetensors", "--mix", "code.safetensors:1") == plain[1]
    half = made(capsys, "plays.safetensors", "--mix", "code.safetensors:0.5")
    assert half == made(capsys, "plays.safetensors", "--mix", "code.safetensors") != plain[1]
    assert half != made(capsys, "plays.safetensors", "--mix", "code.safetensors", "--average", "probabilities")


def test_samples_side_by_side_and_alone_are_the_same(place, capsys):
    mixing = ("plays.safetensors", "--mix", "code.safetensors:0.2..0.9", "--label", "comedies")
    assert made(capsys, *mixing, "-n", "3")[:1] == made(capsys, *mixing)
    assert made(capsys, *mixing, seed="4") != made(capsys, *mixing)


def test_a_fade_begins_with_the_one_and_ends_with_the_other(place, capsys):
    mixing = ("code.safetensors", "--mix", "plays.safetensors:0..1", "--label", "comedies")
    alone = made(capsys, "code.safetensors")[0]
    late, early = made(capsys, *mixing, "--fade", "100000")[0], made(capsys, *mixing, "--fade", "0")[0]
    assert late == alone
    assert early == made(capsys, "plays.safetensors", "--blend", "comedies")[0]
    assert early != alone
    assert made(capsys, *mixing) == made(capsys, *mixing, "--fade", "60")


def test_seeds_of_one_model_make_an_ensemble(place, capsys):
    names = [save(f"seed{seed}.safetensors", seed=seed) for seed in (5, 6, 7)]
    alone = [made(capsys, name)[0] for name in names]
    together = made(capsys, names[0], "--mix", names[1], "--mix", names[2])[0]
    assert together not in alone
    order = made(capsys, names[2], "--mix", names[0], "--mix", names[1], "-t", "0")
    assert order == made(capsys, names[0], "--mix", names[1], "--mix", names[2], "-t", "0")
    assert made(capsys, names[0], "--mix", f"{names[0]}:0.4", "-t", "0") == made(capsys, names[0], "-t", "0")


def test_a_take_holds_what_was_mixed_and_how(place, capsys, monkeypatch):
    monkeypatch.delenv("SEQGEN_GENERATE_NO_TAKE")
    mixing = ["plays.safetensors", "--mix", "code.safetensors:0.2..0.9", "--fade", "20", "--label", "comedies"]
    made(capsys, *mixing, "--best-of", "2")
    assert run(["takes", "show", "last", "--json"]) == 0
    take = json.loads(capsys.readouterr().out)
    assert take["settings"]["best_of"] == 2
    mixture = take["settings"]["mixture"]
    assert (mixture["fade"], mixture["average"]) == (20, "logits")
    plays, code = mixture["voices"]
    assert (plays["checkpoint"], plays["label"]) == ("plays.safetensors", "comedies")
    assert plays["weight"] == pytest.approx([0.8, 0.1])
    assert (code["checkpoint"], code["label"], code["weight"]) == ("code.safetensors", None, [0.2, 0.9])
    assert code["hash"] == load("code.safetensors").digest
    assert run(["takes", "show", "last"]) == 0
    shown = capsys.readouterr().out
    assert "mixture.voices.2.weight: [0.2, 0.9]" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_labels_blended(place, capsys):
    one = made(capsys, "plays.safetensors", "--label", "tragedies")
    assert made(capsys, "plays.safetensors", "--blend", "comedies:0,tragedies:1") == one
    both = made(capsys, "plays.safetensors", "--blend", "comedies:0.7,tragedies:0.3")
    assert both != one
    assert both == made(capsys, "plays.safetensors", "--blend", "comedies:7, tragedies:3")


def test_the_api_mixes_too(place, capsys):
    plays, code = load("plays.safetensors"), load("code.safetensors")
    both = mix([Voice(plays, 1, 1, "comedies"), Voice(code, 1, 1)])
    found = both.sample(seed=3, length=60, grammar=False).text
    assert found == made(capsys, "plays.safetensors", "--mix", "code.safetensors", "--label", "comedies")[0]
    assert both.name == "plays.safetensors[comedies]:1 + code.safetensors:1"
    assert both.tokenizer.labels == ()
    assert plays.tokenizer.labels == ("comedies", "tragedies"), "the models themselves are left alone"
    with pytest.raises(UsageError, match="has no voice"):
        mix([])


def test_codecs_whose_tokens_are_the_same_bytes_go_together(place, capsys):
    save("c.safetensors", "c_source", b"int x;", seed=4)
    save("text.safetensors", "char", b"To be", seed=5)
    assert made(capsys, "text.safetensors", "--mix", "c.safetensors")


def test_what_differs_is_named(place):
    kinds = [("char", "aé".encode()), ("char", "añ".encode()), ("byte", b""), ("midi", b"")]
    tokenizers = []
    for name, text in kinds:
        kind = registry.load("codecs", name)
        tokenizers.append(Tokenizer(kind.fit([text], kind.Options()), name))
    acute, tilde, byte, midi = tokenizers
    with pytest.raises(CheckpointError, match="a and b have different vocabularies: only a has 'é'; only b has 'ñ'"):
        require_same_tokens(["a", "b"], [acute, tilde])
    with pytest.raises(CheckpointError, match="a and c have different vocabularies: only a has 'é'"):
        require_same_tokens(["a", "b", "c"], [acute, acute, byte])
    with pytest.raises(CheckpointError, match="different codecs, byte and midi"):
        require_same_tokens(["a", "b"], [byte, midi])
    labelled = Tokenizer(byte.codec, "byte", ("owls",))
    require_same_tokens(["a", "b"], [byte, labelled])
    with pytest.raises(CheckpointError, match="a and b have different labels: only b has 'owls'"):
        require_same_tokens(["a", "b"], [byte, labelled], exactly=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mix", "code.safetensors:0..1", "-l", "inf"], "a fade over a sample without end never ends"),
        (["--mix", "code.safetensors:0.7", "--mix", "code.safetensors:0.7"], "come to 1.4, expected 1 at most"),
        (["--mix", "code.safetensors:0.7", "--mix", "code.safetensors"], "some --mix have a weight and some have none"),
        (["--mix", "code.safetensors:-1"], "a weight is -1, expected 0 or more"),
        (["--mix", "code.safetensors:0..nan"], "a weight is 0..nan, expected 0 or more"),
        (["--mix", "nowhere:0.5"], "nowhere: there is no such checkpoint"),
        (["--mix", "code.safetensors", "--label", "odes"], "no label is called 'odes'"),
        (["--mix", "code.safetensors:0.5", "--fade", "9"], "--fade was given, but no weight changes"),
        (["--fade", "9"], "--fade was given without --mix or --blend"),
        (["--blend", "comedies:0.5", "--mix", "code.safetensors"], "both --mix and --blend were given"),
        (["--blend", "comedies:0.5", "--label", "comedies"], "both --label and --blend were given"),
        (["--blend", "comedies:0.5,odes:0.5"], "no label is called 'odes'"),
        (["--blend", "comedies:0,tragedies:0"], "weights are 0.0, 0.0, expected numbers of 0 or more, not all 0"),
    ],
)
def test_refusals(place, capsys, arguments, said):
    assert said in refusal(capsys, "plays.safetensors", "--seed", "1", *arguments)
