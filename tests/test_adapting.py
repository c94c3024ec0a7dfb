"""Learning while playing: a prompt adapts the weights, a sample goes on from it, and the model is as it was."""

import io
import json
import os
import sys

import numpy as np
import pytest
import torch

from seqgen.api.adapting import RATE, Adapting
from seqgen.api.model import Model
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.codecs.char import Char, CharOptions
from seqgen.errors import SettingError, UsageError
from seqgen.generation import load as load_engine
from seqgen.models import ModelSettings, weight_shapes
from seqgen.tokenizer import Tokenizer

SHAPE = ModelSettings(hidden=32, layers=2)
PATTERN = "badcfehg" * 800  # nothing that an untrained model would say


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    tokenizer = Tokenizer(Char.fit([b"abcdefgh"], CharOptions()), "char")
    rng = np.random.default_rng(5)
    shapes = weight_shapes(LSTM(), SHAPE, tokenizer.vocab_size)
    weights = {name: (0.3 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    weights["output.bias"][tokenizer.document_id] -= 9
    return Checkpoint("lstm", LSTM(), SHAPE, tokenizer, weights)


@pytest.fixture(scope="module")
def folder(checkpoint, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("adapt")
    checkpoint.save(path / "model.safetensors")
    return str(path)


def refusal(capsys, *arguments: str) -> str:
    assert run([*arguments]) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_a_prompt_that_repeats_itself_helps_its_continuation_and_the_model_forgets_it(checkpoint):
    model = Model(checkpoint)
    plain = model.sample(PATTERN, seed=1, length=40, temperature=0)
    learned = model.sample(PATTERN, seed=1, length=40, temperature=0, adapt=0.003)
    again = model.sample(PATTERN, seed=1, length=40, temperature=0, adapt=0.003)
    afterwards = model.sample(PATTERN, seed=1, length=40, temperature=0)
    assert learned.text == PATTERN + "badcfehg" * 5
    assert plain.text != learned.text
    assert again.text == learned.text
    np.testing.assert_array_equal(again.log_probabilities, learned.log_probabilities)
    assert afterwards.text == plain.text
    np.testing.assert_array_equal(afterwards.log_probabilities, plain.log_probabilities)
    assert learned.log_probabilities.mean() > plain.log_probabilities.mean() + 0.5


def test_the_same_prompt_gives_the_same_weights_whatever_the_threads(checkpoint):
    ids = checkpoint.tokenizer.encode_prompt(PATTERN.encode())
    found, before = [], torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        adapting = Adapting(Model(checkpoint), 0.002)
        adapting.learn(ids)
        assert torch.get_num_threads() == threads
        found.append({name: value.clone() for name, value in adapting.network.state_dict().items()})
    torch.set_num_threads(before)
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_what_it_does_is_dynamic_evaluation(checkpoint):
    """Steps, rate and decay are those of `seqgen.evaluation.dynamic`."""
    from seqgen.evaluation.dynamic import DynamicSettings, dynamic

    ids = checkpoint.tokenizer.encode_prompt(PATTERN.encode())
    adapting = Adapting(Model(checkpoint), 0.002)
    adapting.learn(ids)
    score = adapting._adaptive.read(ids[:2], np.zeros(1, np.int64), "cpu")
    other, used = dynamic(
        checkpoint.network(), np.concatenate([ids, ids[:2]]), np.array([0, len(ids)]),
        DynamicSettings(learning_rate=0.002), (ids, np.array([0])),
    )  # fmt: skip
    settings = DynamicSettings(learning_rate=0.002)
    alone, _ = dynamic(checkpoint.network(), ids, np.array([0]), settings, (ids, np.array([0])))
    assert score.nats == pytest.approx(other.nats - alone.nats, rel=1e-4)
    assert adapting.steps == -(-(len(ids) - 1) // used.segment)
    assert adapting.to_json() == {"rate": 0.002, "steps": adapting.steps, "segment": 64, "decay": 0.003}


def test_without_a_rate_there_is_one_and_without_torch_a_sentence(checkpoint, monkeypatch):
    adapting = Adapting(Model(checkpoint), True)
    adapting.learn(np.arange(2))
    assert adapting.rate == RATE
    monkeypatch.setitem(sys.modules, "seqgen.evaluation.dynamic", None)
    with pytest.raises(UsageError, match="needs torch"):
        Model(checkpoint).sample("ab", adapt=True)


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_an_engine_goes_on_from_the_state_of_another_with_other_weights(checkpoint, engine):
    rng = np.random.default_rng(7)
    moved = {
        name: value + 0.1 * rng.standard_normal(value.shape, np.float32) for name, value in checkpoint.weights.items()
    }
    made = []
    for name in (engine, "torch"):
        old, new = (load_engine(name, LSTM(), SHAPE, weights) for weights in (checkpoint.weights, moved))
        _, state = old.prefill(np.array([1, 2, 3]), old.start(1))
        logits, state = new.step(np.array([4]), new.adopt(state))
        made.append([np.array(logits), np.array(new.step(np.array([5]), state)[0])])
    np.testing.assert_allclose(made[0], made[1], atol=1e-4)


def test_a_take_keeps_how_it_learned_and_is_made_again(folder, tmp_path, capsys):
    made, again = tmp_path / "made.txt", tmp_path / "again.txt"
    arguments = ["generate", folder, "-p", PATTERN, "-l", "30", "--seed", "2", "--adapt", "0.003", "-o"]
    assert run([*arguments, str(made)]) == 0
    assert "Learned from the prompt in 100 steps at a rate of 0.003" in capsys.readouterr().err
    run(["takes", "show", "last", "--json"])
    adapt = json.loads(capsys.readouterr().out)["settings"]["adapt"]
    assert adapt == {"rate": 0.003, "steps": 100, "segment": 64, "decay": 0.003}
    run(["takes", "replay", "last", "-o", str(again)])
    assert again.read_bytes() == made.read_bytes()
    run([*arguments, str(tmp_path / "once-more.txt")])
    assert (tmp_path / "once-more.txt").read_bytes() == made.read_bytes()


def test_the_best_of_several_and_a_beam_have_learned_too(folder, tmp_path):
    for choice in (["--best-of", "2", "-t", "0"], ["--beam", "2"]):
        path = tmp_path / f"{choice[0]}.txt"
        arguments = ["generate", folder, "-p", PATTERN, "-l", "16", "--adapt", "0.003", "--no-prompt-in-output"]
        assert run([*arguments, *choice, "-o", str(path)]) == 0
        assert path.read_text() == "badcfehg" * 2


def test_what_is_played_while_it_runs_is_learned_from(folder, tmp_path, monkeypatch, capsys):
    """A control line's prompt, with `--follow`; without a prompt at the beginning."""

    def followed(*options: str) -> str:
        reader, writer = os.pipe()
        os.write(writer, json.dumps({"prompt": PATTERN}).encode() + b"\n")
        os.close(writer)
        path = tmp_path / "followed.txt"
        asked = ["generate", folder, "--follow", "-l", "24", "-t", "0", "--force", "-o", str(path), *options]
        with io.TextIOWrapper(os.fdopen(reader, "rb")) as lines:
            monkeypatch.setattr(sys, "stdin", lines)
            assert run(asked) == 0, capsys.readouterr().err
        return path.read_text("latin-1")

    assert followed("--adapt", "0.003").endswith("badcfehg" * 3)
    assert not followed().endswith("badcfehg" * 2)


def test_what_cannot_learn_says_so(folder, capsys):
    assert "--adapt has no prompt to learn from" in refusal(capsys, "generate", folder, "--adapt")
    assert "--adapt has no prompt to learn from" in refusal(capsys, "generate", folder, "-p", "a", "--adapt")
    assert "a mixture cannot learn" in refusal(capsys, "generate", folder, "--mix", folder, "-p", "ab", "--adapt")
    assert "no learning rate" in refusal(capsys, "generate", "-p", "ab", "--adapt", folder)
    assert "a learning rate above 0" in refusal(capsys, "generate", folder, "-p", "ab", "--adapt", "0")
    assert "a learning rate above 0" in refusal(capsys, "generate", folder, "-p", "ab", "--adapt", "nan")


def test_a_rate_that_makes_it_diverge_is_told_and_the_default_gives_way(checkpoint, monkeypatch):
    model = Model(checkpoint)
    with pytest.raises(SettingError, match="--adapt 1000 is too much: the model diverges"):
        model.sample(PATTERN * 6, adapt=1000.0)
    monkeypatch.setattr("seqgen.api.adapting.RATE", 0.5)
    adapting = Adapting(model, True)
    adapting.learn(checkpoint.tokenizer.encode_prompt((PATTERN * 6).encode()))
    assert adapting.rate < 0.5
