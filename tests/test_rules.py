"""What every rule promises, over the registry, and what each does, against its definition."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from seqgen import registry, rules
from seqgen.errors import SettingError, UsageError
from seqgen.generation.sampling import Race
from seqgen.rules import Contract, Rule, Scope
from seqgen.rules.repetition import Repetition
from seqgen.rules.temperature import Temperature
from seqgen.rules.top_k import TopK
from seqgen.rules.top_p import TopP

NAMES = registry.names("rules")
BY_CLASS = ("low=0.3", "low=0,0.7,high=2")  # temperatures that need a vocabulary with classes


def contract(name: str) -> Contract:
    """What a rule states of itself; of one that states nothing, or does not load, its own tests fail."""
    found: Contract | None = registry.load("rules", name).contract
    assert found is not None, f"the rule {name} states no contract: its neutral value, and values to try"
    return found


def values(name: str) -> list[Any]:
    """The values to try of a rule, none of one without a contract."""
    try:
        return [*contract(name).values, *(BY_CLASS if name == "temperature" else ())]
    except Exception:  # told by `test_every_rule_states_its_contract`
        return []


CASES = [(name, value) for name in NAMES for value in values(name)]
CHANCES = np.array([0.30, 0.22, 0.18, 0.12, 0.08, 0.06, 0.04])
NONE = np.empty((1, 0), np.int64)
POSITION = 2  # of a sample of LENGTH tokens, so that a ramp has gone half its way and a cycle of 8 too
LENGTH = 5


def scope(size: int) -> Scope:
    """A vocabulary of letters in two classes and some of none."""
    token = np.arange(size)
    names = [chr(97 + each) for each in range(size)]
    classes = {"low": token < 3, "high": (token >= 3) & (token < 6)}
    return Scope(names, [name.encode() for name in names], classes, LENGTH)


def made(name: str, value: Any, size: int) -> Rule:
    """A rule as it is in the midst of a sample."""
    return rules.parse(name, value).bind(scope(size)).at(POSITION)


def by_class(p: Any, text: str) -> Any:
    """Each named class keeps its chance at the others' temperature and deals it out by its own."""
    tempered = contract("temperature").chances
    assert tempered is not None
    parts = {name: float(value) for name, _, value in (item.rpartition("=") for item in text.split(","))}
    out = tempered(p, parts.get("", 1), ())
    for name, mask in scope(7).classes.items():
        if name in parts:
            inner = tempered(p[mask], parts[name], ())
            out[mask] = out[mask].sum() * inner / inner.sum()
    return out / out.sum()


def aimed(p: Any, text: str, nats: float, history: Sequence[int]) -> Any:
    """What completes the text is so many nats likelier."""
    said = "".join(chr(97 + token) for token in history)
    completes = [bool(text) and (said + chr(97 + token)).endswith(text) for token in range(7)]
    return np.where(completes, p * np.exp(nats), p)


def expected(name: str, value: Any, history: list[int]) -> Any:
    """The distribution that a rule promises for CHANCES, from its definition; None where it has tests of its own."""
    p, definition = CHANCES.copy(), contract(name).chances
    if name == "ban":
        kept = aimed(p, value, -np.inf, history)
    elif name == "bias":
        text, _, nats = value.rpartition("=")
        kept = aimed(p, text, float(nats), history)
    elif value in BY_CLASS:
        kept = by_class(p, value)
    elif definition is None:
        return None
    else:
        begin, _, end = str(value).partition("/")[0].replace("~", "..").partition("..")
        kept = definition(p, (float(begin) + float(end)) / 2 if end else value, history)  # made half way, see POSITION
    return kept / kept.sum()


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_states_its_contract(name: str) -> None:
    assert len(contract(name).values) >= 2
    for value in (contract(name).neutral, *contract(name).values):
        rules.parse(name, value)


@pytest.mark.parametrize(("name", "value"), CASES)
def test_shape_and_type_stay_and_something_is_left(name: str, value: Any) -> None:
    rule = made(name, str(value), 50)
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
    rule = made(name, contract(name).neutral, 40)
    logits = np.random.default_rng(2).standard_normal((3, 40)).astype(np.float32)
    np.testing.assert_array_equal(rule(logits, np.zeros((3, rule.window), np.int64)), logits)


@pytest.mark.parametrize(("name", "value"), CASES)
def test_what_is_drawn_has_the_promised_distribution(name: str, value: Any) -> None:
    rule, history = made(name, value, 7), [0, 0, 2, 0, 4, 0]
    with np.errstate(over="ignore", under="ignore"):
        chances = expected(name, value, history)
    if chances is None:
        pytest.skip("more than chances and tokens decide; the rule has tests of its own")
    past = np.array([([-1] * rule.window + history)[-rule.window :]]) if rule.window else NONE
    logits = rule(np.log(CHANCES)[None].astype(np.float32) + 5, past)
    race = Race(seed=1, streams=[0], vocab_size=7)
    counts = np.bincount([int(race.draw(logits)[0]) for _ in range(4_000)], minlength=7)
    possible = chances > 0
    assert counts[~possible].sum() == 0
    statistic = ((counts - 4_000 * chances)[possible] ** 2 / (4_000 * chances[possible] + 1e-9)).sum()
    assert statistic < 22.46  # chi-square, 6 degrees of freedom, p = 0.001


def test_a_chain_of_all_rules_in_any_order_leaves_something() -> None:
    rng = np.random.default_rng(5)
    for _ in range(300):
        chain = [made(name, value, 12) for name, value in (CASES[i] for i in rng.permutation(len(CASES)))]
        logits = (rng.choice([0.1, 3, 1000]) * rng.standard_normal((2, 12))).astype(np.float32)
        for rule in chain:
            logits = rule(logits, rng.integers(-1, 12, (2, rule.window)))
        assert np.isfinite(logits).any(axis=-1).all()


def test_rows_do_not_see_one_another() -> None:
    rng = np.random.default_rng(6)
    logits = rng.standard_normal((5, 30)).astype(np.float32)
    for name, value in CASES:
        rule = made(name, value, 30)
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
        ("top_k", "-1", "rule top_k: k is -1, expected 0 (all) or more"),
        ("top_k", "2.5", "rule top_k: k is '2.5', expected a whole number"),
        ("top_p", "1.1", "rule top_p: p is 1.1, expected 0 to 1"),
        ("top_p", "nan", "rule top_p: p is nan, expected 0 to 1"),
        ("min_p", "much", "rule min_p: p is 'much', expected a number"),
        ("temperature", "-0.1", "temperature is -0.1, expected 0 to 100"),
        ("temperature", "inf", "temperature is inf, expected 0 to 100"),
        ("typical", "-1", "rule typical: p is -1.0, expected 0 to 1"),
        ("repetition", "0.5", "rule repetition: penalty is 0.5, expected 1 to 100"),
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


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_has_one_field(name: str) -> None:
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


def along(value: str, length: int | None = 5) -> list[float]:
    """The temperature after 0, 1, 2 … tokens, told from what it does to a logit."""
    rule = rules.parse("temperature", value).bind(Scope(["a", "b"], length=length))
    return [
        round(float(1 / rule.at(position)(np.array([[1.0, 0]], np.float32), NONE)[0, 0]), 3) for position in range(9)
    ]


def test_a_ramp_goes_evenly_over_the_sample_or_its_span() -> None:
    assert along("0.5..1.5") == [0.5, 0.75, 1, 1.25, 1.5, 1.5, 1.5, 1.5, 1.5]
    assert along("2..1/4", None) == [2, 1.75, 1.5, 1.25, 1, 1, 1, 1, 1]
    assert along("0.5..1.5", 1)[0] == 0.5


def test_a_cycle_comes_back() -> None:
    half = round(0.5 + (1 - np.cos(np.pi / 4)) / 2, 3)
    assert along("0.5~1.5/8", None) == [0.5, half, 1, round(2 - half, 3), 1.5, round(2 - half, 3), 1, half, 0.5]


def test_any_rule_follows_a_schedule() -> None:
    ramp = rules.parse("top_k", "1..5").bind(scope(7))
    logits = np.log(CHANCES)[None].astype(np.float32)
    assert [int(np.isfinite(ramp.at(position)(logits, NONE)).sum()) for position in range(6)] == [1, 2, 3, 4, 5, 5]
    repetition = rules.parse("repetition", "1..2/4")
    assert repetition.window == Repetition.window
    assert repetition.bind(scope(7)).at(2)(logits, np.array([[3]]))[0, 3] == pytest.approx(logits[0, 3] - np.log(1.5))


def test_a_class_may_follow_a_schedule_of_its_own() -> None:
    rule = rules.parse("temperature", "1, low=0.5..1.5").bind(scope(7))
    logits = np.log(CHANCES)[None].astype(np.float32)
    for position, value in ((0, 0.5), (2, 1), (9, 1.5)):
        out = np.exp(rule.at(position)(logits, NONE)[0])
        np.testing.assert_allclose(out / out.sum(), by_class(CHANCES.copy(), f"low={value}"), rtol=1e-5)


def test_if_all_classes_have_one_temperature_it_is_that_of_all() -> None:
    logits = np.random.default_rng(7).standard_normal((2, 9)).astype(np.float32)
    alike = rules.parse("temperature", "0.6,low=0.6,high=0.6").bind(scope(9))(logits, NONE)
    np.testing.assert_array_equal(alike, Temperature(0.6)(logits, NONE))


def test_a_banned_text_never_comes_however_it_is_cut() -> None:
    pieces = [b"c", b"a", b"b", b"ab", b"ba", b"aba", "é".encode(), b"\xc3", b"\xa9"]
    for text in ("a", "ab", "aab", "abab", "é"):
        rule = rules.parse("ban", text).bind(Scope([str(piece) for piece in pieces], pieces))
        race, past = Race(seed=3, streams=[0], vocab_size=9), [3, 1]
        for _ in range(300):
            history = np.array([([-1] * rule.window + past)[len(past) :]]) if rule.window else NONE
            past.append(int(race.draw(rule(np.zeros((1, 9), np.float32), history))[0]))
        assert text.encode() not in b"".join(pieces[token] for token in past[2:])
        assert len(set(past[2:])) > 4


def test_where_tokens_spell_nothing_bans_and_biases_take_classes_and_names() -> None:
    music = Scope(["PITCH_1", "PITCH_2", "END"], None, {"pitch": np.array([True, True, False])})
    logits = np.zeros((1, 3), np.float32)
    assert rules.parse("ban", "pitch").bind(music)(logits, NONE).tolist() == [[-np.inf, -np.inf, 0]]
    assert rules.parse("bias", "PITCH_2=-3").bind(music)(logits, NONE).tolist() == [[0, -3, 0]]
    with pytest.raises(SettingError) as caught:
        rules.parse("ban", "pich").bind(music)
    assert caught.value.message == "no token and no class of tokens is called 'pich'"
    assert "did you mean 'pitch'?" in caught.value.hint


def test_no_ngram_comes_twice() -> None:
    for n in (1, 2, 4):
        rule, race, past = rules.parse("no_repeat", n), Race(seed=4, streams=[0], vocab_size=9), [2, 1]
        for _ in range(7 if n == 1 else 50):
            history = np.array([([-1] * rule.window + past)[len(past) :]])
            past.append(int(race.draw(rule(np.zeros((1, 9), np.float32), history))[0]))
        grams = [tuple(past[at : at + n]) for at in range(len(past) - n + 1)]
        assert len(grams) == len(set(grams))
        assert n == 1 or len({*past}) < len(past)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("temperature", "0.5..", "temperature is '0.5..', expected a number"),
        ("temperature", "x..1", "temperature is 'x..1', expected a number, or a schedule such as"),
        ("temperature", "0.6~1.2", "temperature is '0.6~1.2', a cycle without its length"),
        ("top_k", "1..nan", "rule top_k: k is 1..nan, expected a schedule between finite numbers"),
        ("no_repeat", "0..1e400", "rule no_repeat: n is 0..1e400, expected a schedule between finite numbers"),
        ("temperature", "inf~1/20", "temperature is inf~1/20, expected a schedule between finite numbers"),
        ("temperature", "0.6..1.2/0", "temperature is 0.6..1.2/0, expected a span of at least one token"),
        ("temperature", "0.6..1000", "temperature is 1000.0, expected 0 to 100"),
        ("temperature", "low=-1", "temperature is -1.0, expected 0 to 100"),
        ("temperature", "1,2", "temperature is '1,2', in which '2' is one too many"),
        ("temperature", "low=1,low=2", "temperature is 'low=1,low=2', in which 'low' is one too many"),
        ("temperature", "middle=1", "no class of tokens is called 'middle'"),
        ("top_p", "0.5..1.5", "rule top_p: p is 1.5, expected 0 to 1"),
        ("no_repeat", "-1", "rule no_repeat: n is -1, expected 0 (off) to 1024"),
        ("bias", "e", "bias is 'e', expected TEXT=NATS"),
        ("bias", "e=lots", "bias is 'lots', expected a number"),
        ("bias", "e=200", "bias is 200, expected -100 to 100 nats"),
        ("bias", "e=nan", "bias is nan, expected -100 to 100 nats"),
        ("ban", "x" * 300, "the text is of 300 bytes, expected at most 256"),
    ],
)
def test_schedules_classes_and_texts_out_of_range_are_one_sentence(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        rules.parse(name, value).bind(scope(7))
    assert caught.value.message.startswith(message)


def test_a_ramp_over_a_sample_without_end_needs_a_span() -> None:
    with pytest.raises(SettingError) as caught:
        rules.parse("temperature", "0.6..1.2").bind(Scope(["a"]))
    assert caught.value.hint == "give it a span: 0.6..1.2/500"


def test_an_added_temperature_stands_behind_the_early_rules() -> None:
    given = [("top_k", 3), ("no_repeat", 2), ("repetition", "1..2"), ("ban", "a")]
    kinds = [type(rule).__name__ for rule in rules.chain(0.5, given, scope(7))]
    assert kinds == ["NoRepeat", "Scheduled", "Aimed", "Temperature", "TopK"]
    logits = np.log(CHANCES)[None].astype(np.float32)
    for rule in rules.chain(0, [("ban", "a")], scope(7)):
        logits = rule(logits, NONE)
    assert logits.argmax() == 1, "the likeliest that is not banned, not the likeliest of all"


def test_a_temperature_that_is_given_keeps_its_place() -> None:
    given = [("top_k", 3), ("temperature", 2), ("no_repeat", 2)]
    assert [type(rule).__name__ for rule in rules.chain(0.5, given, scope(7))] == ["TopK", "Temperature", "NoRepeat"]
