"""The rule `dry`: what goes on with a repeated passage costs by its length; models of code that look back have it."""

import dataclasses

import numpy as np
import pytest

from seqgen import registry, rules
from seqgen.api.model import Model
from seqgen.api.sampler import Sampler
from seqgen.api.sampling import Sampling
from seqgen.cells.lstm import LSTM
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run
from seqgen.models import ModelSettings, weight_shapes
from seqgen.rules.dry import FREE, LONGEST
from seqgen.takes.store import Takes
from seqgen.tokenizer import Tokenizer

PASSAGE = [0, 1, 2, 3, 4, 1, 3, 2, 0, 4, 2, 1, 0, 3, 1, 4, 3, 0, 2, 4]


def costs(past: list[int], size: int = 6, x: float = 0.5) -> list[float]:
    """By tokens, of logits that are all zero: what they cost for each share of 1 − p."""
    found = -applied(past, np.zeros(size, np.float32), x) / (1 - 1 / size)
    return [round(float(value), 5) for value in found]


def applied(past: list[int], logits: np.ndarray, x: float) -> np.ndarray:
    rule = rules.parse("dry", x)
    history = np.array([([-1] * rule.window + past)[-rule.window :]])
    return rule(logits[None], history)[0]


@pytest.mark.parametrize("length", [14, 15, 16, 17, 19])
def test_what_continues_a_repeated_passage_costs_by_the_length_of_it(length):
    found = costs([*PASSAGE, 5, *PASSAGE[:length]])
    expected = [0.0] * 6
    expected[PASSAGE[length]] = 0.5 * max(0, length - FREE)
    assert found == expected


def test_of_two_passages_that_a_token_continues_the_longest_counts():
    found = costs([*PASSAGE, 5, *PASSAGE[3:], 5, *PASSAGE[:19]])
    assert found == [0, 0, 0, 0, 0.5 * (19 - FREE), 0]


def test_each_token_that_would_go_on_has_the_cost_of_its_own_passage():
    found = costs([*PASSAGE[:18], 1, 5, *PASSAGE[1:18], 0, 5, *PASSAGE[:18]])
    assert found == [0.5 * (17 - FREE), 0.5 * (18 - FREE), 0, 0, 0, 0]


def test_what_is_longer_than_the_longest_costs_no_more():
    assert costs([3] * 1024) == [0, 0, 0, 0.5 * (LONGEST - FREE), 0, 0]
    assert costs([3] * (LONGEST + 1)) == [0, 0, 0, 0.5 * (LONGEST - FREE), 0, 0]


def test_a_token_costs_the_less_the_surer_it_is():
    past, next_one = [*PASSAGE, 5, *PASSAGE[:19]], PASSAGE[19]
    for chance in (0.1, 0.5, 0.99):
        logits = np.log(np.where(np.arange(6) == next_one, chance, (1 - chance) / 5)).astype(np.float32)
        fell = logits - applied(past, logits, 0.5)
        assert fell[next_one] == pytest.approx(0.5 * (19 - FREE) * (1 - chance), abs=1e-5)
        assert np.count_nonzero(fell) == 1


def test_nothing_is_read_before_the_beginning():
    assert costs([2] * 16) == [0.0] * 6  # fifteen tokens came before
    assert costs([2] * 17) == [0, 0, 0.5, 0, 0, 0]


def sampled(codec, memory, given):
    """The rules of samples of a model without weights."""
    documents = [b"int main(void) { return 0; }\n"]
    fitted = registry.load("codecs", codec).fit(documents, registry.load("codecs", codec).Options())
    settings = ModelSettings(hidden=8, memory=memory)
    model = Model(Checkpoint("lstm", registry.load("cells", "lstm")(), settings, Tokenizer(fitted, codec), {}))
    return Sampler(model, Sampling(seed=1, rules=given), [np.zeros(0, np.int64)]).rules


@pytest.mark.parametrize(
    ("codec", "memory", "given", "expected"),
    [
        ("c_source", "lookback", [], ["dry 0.3"]),
        ("rust", "lookback", [("top-k", 5)], ["dry 0.3", "top_k 5"]),
        ("c_source", "lookback", [("dry", 0)], ["dry 0"]),
        ("c_source", None, [], []),
        ("char", "lookback", [], []),
    ],
)
def test_code_that_looks_back_is_sampled_by_it_unless_somebody_says_otherwise(codec, memory, given, expected):
    names = {"Dry": "dry", "TopK": "top_k"}
    found = [(type(rule).__name__, *dataclasses.astuple(rule)) for rule in sampled(codec, memory, given)]
    assert [f"{names[name]} {value:g}" for name, value in found if name in names] == expected


def test_a_take_keeps_the_rules_that_nobody_named(tmp_path, monkeypatch):
    """So it can be drawn again where other rules have become usual."""
    monkeypatch.setenv("SEQGEN_TAKES", str(tmp_path / "takes"))
    rust, settings = registry.load("codecs", "rust"), ModelSettings(hidden=8, memory="lookback")
    tokenizer = Tokenizer(rust.fit([b"fn f() { let a = 1; }\n"], rust.Options()), "rust")
    shapes, drawn = weight_shapes(LSTM(), settings, tokenizer.vocab_size), np.random.default_rng(1)
    weights = {name: drawn.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    Checkpoint("lstm", LSTM(), settings, tokenizer, weights).save(tmp_path / "model.safetensors")
    command = ["generate", str(tmp_path / "model.safetensors"), "-l", "400", "--seed", "1", "-t", "0.1", "-o"]
    assert run([*command, str(tmp_path / "a.rs")]) == 0
    with Takes() as takes:
        (take,) = takes.list(10)
    assert take.beginning.settings["rules"] == [["dry", 0.3]]
    monkeypatch.setattr(rust, "rules", (("dry", 5),))
    again = [part for rule in take.beginning.settings["rules"] for part in ("-r", *map(str, rule))]
    for name, given in (("b.rs", again), ("c.rs", [])):
        assert run([*command[:-1], *given, "--no-take", "-o", str(tmp_path / name)]) == 0
    first, second, other = ((tmp_path / name).read_bytes() for name in ("a.rs", "b.rs", "c.rs"))
    assert first == second
    assert first != other  # by what is usual now
