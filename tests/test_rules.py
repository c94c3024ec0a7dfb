"""What every rule promises, over the registry, and what each does, against its definition."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from seqgen import registry, rules
from seqgen.errors import SettingError, UsageError
from seqgen.generation.sampling import Race
from seqgen.rules import Rule
from seqgen.rules.repetition import Repetition
from seqgen.rules.temperature import Temperature
from seqgen.rules.top_k import TopK
from seqgen.rules.top_p import TopP

NAMES = registry.names("rules")
NEUTRAL = {"temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0, "typical": 1, "repetition": 1}
VALUES: dict[str, list[float]] = {
    "temperature": [0, 1e-300, 1e-6, 0.3, 0.8, 1, 1.7, 100],
    "top_k": [0, 1, 3, 9, 10_000],
    "top_p": [0, 1e-9, 0.25, 0.85, 0.999999, 1],
    "min_p": [0, 1e-9, 0.25, 1],
    "typical": [0, 0.2, 0.95, 1],
    "repetition": [1, 1.3, 100],
}
CASES = [(name, value) for name in NAMES for value in VALUES[name]]
CHANCES = np.array([0.30, 0.22, 0.18, 0.12, 0.08, 0.06, 0.04])
NONE = np.empty((1, 0), np.int64)


def expected(name: str, value: float, history: list[int]) -> Any:
    """The distribution that a rule promises for CHANCES, from its definition in plain words."""
    p = CHANCES
    if name == "temperature":
        kept = p ** (1 / value) if value else (p == p.max()) * 1.0
    elif name == "top_k":
        kept = np.where(np.arange(7) < (value or 7), p, 0)
    elif name == "top_p":
        kept = np.where(np.concatenate([[0], p.cumsum()[:-1]]) < max(value, 1e-12), p, 0)
    elif name == "min_p":
        kept = np.where(p >= value * p.max(), p, 0)
    elif name == "typical":
        entropy = -(p * np.log(p)).sum()
        order = np.argsort(np.abs(-np.log(p) - entropy))
        kept, total = np.zeros(7), 0.0
        for token in order:
            if total < value or not kept.any():
                kept[token] = p[token]
            total += p[token]
    else:
        kept = np.where(np.isin(np.arange(7), history), p / value, p)
    return kept / kept.sum()


def test_every_rule_has_its_cases_here() -> None:
    assert set(NEUTRAL) == set(VALUES) == set(NAMES)


@pytest.mark.parametrize(("name", "value"), CASES)
def test_shape_and_type_stay_and_something_is_left(name: str, value: float) -> None:
    rule = rules.parse(name, str(value))
    rng = np.random.default_rng(1)
    logits = (20 * rng.standard_normal((6, 50))).astype(np.float32)
    logits[1] = 3  # all alike
    logits[2, 1:] = -np.inf  # one possible token
    logits[3, ::2] = -np.inf
    logits[4] *= 1e6
    logits[5] = -1e30
    before, history = logits.copy(), rng.integers(-1, 50, (6, rule.window))
    out = rule(logits, history)
    assert out.shape == logits.shape
    assert out.dtype == np.float32
    assert np.isfinite(out).any(axis=-1).all()
    assert not np.isnan(out).any()
    assert (out[np.isneginf(before)] == -np.inf).all(), "what was impossible stays so"
    np.testing.assert_array_equal(logits, before, "a rule leaves its argument alone")


@pytest.mark.parametrize("name", NAMES)
def test_the_neutral_value_changes_nothing(name: str) -> None:
    rule = rules.parse(name, NEUTRAL[name])
    logits = np.random.default_rng(2).standard_normal((3, 40)).astype(np.float32)
    np.testing.assert_array_equal(rule(logits, np.zeros((3, rule.window), np.int64)), logits)


@pytest.mark.parametrize(("name", "value"), CASES)
def test_what_is_drawn_has_the_promised_distribution(name: str, value: float) -> None:
    rule, history = rules.parse(name, value), [4, 0]
    past = np.array([[-1] * (rule.window - 2) + history]) if rule.window else NONE
    logits = rule(np.log(CHANCES)[None].astype(np.float32) + 5, past)
    race = Race(seed=1, streams=[0], vocab_size=7)
    counts = np.bincount([int(race.draw(logits)[0]) for _ in range(4_000)], minlength=7)
    with np.errstate(over="ignore", under="ignore"):
        chances = CHANCES == 0.30 if name == "temperature" and value < 1e-3 else expected(name, value, history)
    possible = chances > 0
    assert counts[~possible].sum() == 0
    statistic = ((counts - 4_000 * chances)[possible] ** 2 / (4_000 * chances[possible] + 1e-9)).sum()
    assert statistic < 22.46  # chi-square, 6 degrees of freedom, p = 0.001


def test_a_chain_of_all_rules_in_any_order_leaves_something() -> None:
    rng = np.random.default_rng(5)
    for _ in range(300):
        chain = [rules.parse(name, value) for name, value in (CASES[i] for i in rng.permutation(len(CASES)))]
        logits = (rng.choice([0.1, 3, 1000]) * rng.standard_normal((2, 12))).astype(np.float32)
        for rule in chain:
            logits = rule(logits, rng.integers(-1, 12, (2, rule.window)))
        assert np.isfinite(logits).any(axis=-1).all()


def test_rows_do_not_see_one_another() -> None:
    rng = np.random.default_rng(6)
    logits = rng.standard_normal((5, 30)).astype(np.float32)
    for name, value in CASES:
        rule = rules.parse(name, value)
        history = rng.integers(-1, 30, (5, rule.window))
        alone = [rule(logits[row : row + 1], history[row : row + 1])[0] for row in range(5)]
        np.testing.assert_array_equal(rule(logits, history), alone)


def test_the_repetition_window_is_64_tokens() -> None:
    history = np.array([[3] + [5] * 64])
    out = Repetition(2)(np.zeros((1, 8), np.float32), history)
    assert out[0, 3] == 0
    assert out[0, 5] == pytest.approx(-np.log(2))


def test_rules_are_compared_by_value_and_cannot_be_changed() -> None:
    assert TopK(3) == rules.parse("top-k", "3") == rules.parse("top_k", 3)
    with pytest.raises(AttributeError):
        TopK(3).k = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("top_k", "-1", "k is -1, expected 0 (all) or more"),
        ("top_k", "2.5", "k is '2.5', expected a whole number"),
        ("top_p", "1.1", "p is 1.1, expected 0 to 1"),
        ("top_p", "nan", "p is nan, expected 0 to 1"),
        ("min_p", "much", "p is 'much', expected a number"),
        ("temperature", "-0.1", "temperature is -0.1, expected 0 to 100"),
        ("temperature", "inf", "temperature is inf, expected 0 to 100"),
        ("typical", "-1", "p is -1.0, expected 0 to 1"),
        ("repetition", "0.5", "penalty is 0.5, expected 1 to 100"),
    ],
)
def test_values_out_of_range_are_one_sentence(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        rules.parse(name, value)
    assert caught.value.message == message


def test_an_unknown_rule_lists_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        rules.parse("topp", "0.9")
    assert caught.value.exit_code == 2
    assert "no rule is called 'topp'" in caught.value.message
    assert "did you mean 'top_p'?" in caught.value.hint


def test_a_rule_has_one_field() -> None:
    for name in NAMES:
        rule = registry.load("rules", name)
        assert issubclass(rule, Rule)
        assert len(dataclasses.fields(rule)) == 1


def test_a_hair_of_temperature_does_not_overflow() -> None:
    logits = np.array([[3e38, 1, -3e38, -np.inf]], np.float32)
    for value in (0.0, 5e-324, 1e-30, 0.009):
        assert Temperature(value)(logits, NONE).argmax() == 0


def test_top_p_keeps_what_ties_with_the_last() -> None:
    logits = np.log(np.array([[0.4, 0.2, 0.2, 0.2]], np.float32))
    assert np.isfinite(TopP(0.5)(logits, NONE)).sum() == 4
