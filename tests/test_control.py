"""Control lines: what they mean, and that no line does harm."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqgen.api.control import MAX_LINE, Control, changed, parse_control
from seqgen.errors import UsageError
from seqgen.jobs.sample.controls import BLOCKS, Controls, Lines


def line(**fields):
    return json.dumps(fields).encode()


def test_what_a_line_asks_for():
    assert parse_control(line(temperature=0.9)) == Control(temperature=0.9)
    assert parse_control(line(temperature="0.6..1.2")) == Control(temperature="0.6..1.2")
    assert parse_control(line(rules={"top-p": 0.9, "top_k": None})) == Control(rules=(("top_p", 0.9), ("top_k", None)))
    assert parse_control(line(prompt="é\n")) == Control(prompt="é\n".encode())
    assert parse_control(line(reset=True, prompt="a")) == Control(reset=True, prompt=b"a")
    assert parse_control(b' {"pause": true}\r') == Control(pause=True)
    assert parse_control(line(resume=True)) == Control(resume=True)
    assert parse_control(line(stop=True)) == Control(stop=True)
    assert parse_control(b"{}") == Control()


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"", "no JSON"),
        (b"nonsense", "no JSON"),
        (b"\xff{}", "no UTF-8"),
        (b"[" * 60_000, "nested too deeply"),
        (b"[1]", "no JSON object"),
        (b"9" * 5000, "no UTF-8, or nested"),
        (b'{"tempreture": 1}', "no control is called 'tempreture'"),
        (b'{"temperature": -1}', "temperature is -1.0, expected 0 to 100"),
        (b'{"temperature": NaN}', "temperature is nan"),
        (b'{"temperature": 1e999}', "temperature is inf"),
        (b'{"temperature": true}', "is True, expected a number"),
        (b'{"temperature": [1]}', "expected a number"),
        (b'{"temperature": ' + b"9" * 400 + b"}", "…, expected a smaller number"),
        (b'{"rules": 3}', "rules is 3, expected an object"),
        (b'{"rules": {"topp": 1}}', "no rule is called 'topp'"),
        (b'{"rules": {"' + b"a" * 50_000 + b'": 1}}', "no rule is called"),
        (b'{"rules": {"top_p": 3}}', "p is 3.0, expected 0 to 1"),
        (b'{"rules": {"__init__": 3}}', "no rule is called"),
        (json.dumps({"rules": {str(number): 1 for number in range(65)}}).encode(), "at most 64"),
        (b'{"prompt": 3}', "prompt is 3, expected text"),
        (b'{"reset": 1}', "reset is 1, expected true"),
        (b'{"pause": true, "resume": true}', "both pause and resume"),
        (b" " * (MAX_LINE + 1), "longer than 65,536 bytes"),
    ],
)
def test_what_makes_no_sense_is_one_short_sentence(bad, message):
    with pytest.raises(UsageError) as caught:
        parse_control(bad)
    assert message in caught.value.message
    assert len(str(caught.value)) < 1500


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_control_or_a_usage_error(data):
    with contextlib.suppress(UsageError):
        assert isinstance(parse_control(data), Control)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["temperature", "rules", "prompt", "reset", "pause", "resume", "stop"])
RULES = st.dictionaries(st.sampled_from(["top_p", "top_k", "min-p", "temperature", "repetition", "typical"]), VALUES)


@given(st.dictionaries(KEYS, VALUES | RULES, max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_json_is_a_control_or_a_usage_error(value):
    with contextlib.suppress(UsageError):
        assert isinstance(parse_control(json.dumps(value).encode()), Control)


def test_rules_change_in_their_place():
    rules = (("top_p", "0.9"), ("top_k", "5"))
    assert changed(rules, (("min_p", 0.1), ("top_p", 0.5))) == (("top_p", 0.5), ("top_k", "5"), ("min_p", 0.1))
    assert changed(rules, (("top_p", None), ("typical", None))) == (("top_k", "5"),)
    twice = (("ban", "a"), ("ban", "b"), ("top-k", "5"))
    assert changed(twice, (("top_k", 3),)) == (("ban", "a"), ("ban", "b"), ("top_k", 3)), "others stay as they are"
    assert changed(twice, (("ban", "c"),)) == (("ban", "c"), ("top-k", "5"))
    assert changed((), (("top_k", 3), ("top_k", 4))) == (("top_k", 4),)


def test_lines_are_put_together_from_blocks():
    lines = Lines()
    assert lines.split(b"ab") == []
    assert lines.split(b"c\nd\n\ne") == [b"abc", b"d", b""]
    assert lines.split(b"f") == []
    assert lines.split(b"") == [b"ef"]
    assert lines.split(b"") == []


def test_a_line_that_is_too_long_is_not_kept():
    lines = Lines()
    for _ in range(1000):
        assert lines.split(b"x" * 10_000) == []
        assert len(lines._kept) <= MAX_LINE + 1
    (long,) = lines.split(b"y\n")
    assert len(long) == MAX_LINE + 1
    assert lines.split(b"{}\n") == [b"{}"], "the next line is whole again"


def controls(*blocks, ready=True):
    left = list(blocks)
    return Controls(lambda wait: ready or wait, lambda count: left.pop(0) if left else b"")


def test_controls_come_in_order_and_bad_ones_as_errors():
    found = controls(b'{"stop"', b': true}\n\nbad\n{"reset": true}')
    assert found.take(wait=False) == Control(stop=True)
    assert isinstance(found.take(wait=False), UsageError)
    assert found.take(wait=False) == Control(reset=True), "the last line needs no end"
    assert found.take(wait=True) is None
    assert found.over


def test_nothing_is_waited_for_unless_asked():
    found = controls(b"{}\n", ready=False)
    assert found.take(wait=False) is None
    assert not found.over
    assert found.take(wait=True) == Control()


@pytest.mark.parametrize("flood", [b"x" * 10_000, b"\n" * 10_000])
def test_a_flood_without_a_line_is_left_for_the_next_token(flood):
    reads = []
    found = Controls(lambda wait: True, lambda count: reads.append(count) or flood)
    assert found.take(wait=False) is None
    assert len(reads) == BLOCKS
    assert not found.over
    assert len(found._waiting) == 0
    assert len(found._lines._kept) <= MAX_LINE + 1


def test_an_input_that_fails_has_ended():
    def fail(count):
        raise OSError(5, "gone")

    found = Controls(lambda wait: True, fail)
    assert found.take(wait=True) is None
    assert found.over
