"""What fills a hole in C: it closes what it opened and nothing else, whatever the model would rather say."""

import numpy as np
import pytest

from seqgen.codecs._code.grammar import CodeGrammar
from seqgen.codecs._code.hole import CodeHole, demanded
from seqgen.codecs._code.lexer import Lexer
from seqgen.codecs.c_source.language import LANGUAGE

BYTES = [bytes([value]) for value in range(256)]
LEXER = Lexer(LANGUAGE, tidy=True)
GRAMMAR = CodeGrammar(LANGUAGE, BYTES, tidy=True)


@pytest.mark.parametrize(
    ("right", "brackets", "frames"),
    [
        ("}\n", "}", 0),
        ("  return a;\n  }\n}\nint g(void) { return 1; }\n", "}}", 0),
        (" + 1), b[2]);\n}\n", "}))", 0),
        ('"}" /* ) */ ; // ]\n}\n', "}", 0),
        ("int b;\n#endif\n}\n", "}", 1),
        ("#else\n  }\n#endif\n", "}", 1),
        ("#if A\n  }\n#else\n  }\n#endif\n}\n", "}}", 0),
        ("int g(void)\n{\n}\n", "", 0),
    ],
)
def test_what_a_right_side_closes_is_known(right, brackets, frames):
    assert demanded(LEXER, right) == (brackets, frames)


def hole(left, right, length=40):
    return CodeHole(GRAMMAR, left, right, length)


def accepted(machine, text):
    """Whether each byte may follow, and then the end."""
    state = machine.start()
    for byte in text.encode():
        if not machine.allowed(state)[byte]:
            return False
        state = machine.step(state, byte)
    return machine.may_end(state)


BODY = hole("int f(int a)\n{\n", "}\n\nint g(void)\n{\n    return 1;\n}\n", 400)


@pytest.mark.parametrize(
    ("filling", "fine"),
    [
        ("    return a;\n", True),
        ("    if (a) {\n        a = 1;\n    }\n", True),
        ("    a = b[1];\n", True),
        ("    if (a) {\n", False),
        ("    return a;\n}\n", False),
        ("    return a", False),
        ("    return (a;\n", False),
        ("    /* open\n", False),
        ('    a = "open;\n', False),
        ("#if A\n    a = 1;\n", False),
        ("#if A\n    a = 1;\n#endif\n", True),
        ("    a = 1;\n#endif\n", False),
    ],
)
def test_a_body_is_filled_by_whole_statements(filling, fine):
    assert accepted(BODY, filling) == fine


def test_what_the_right_side_leaves_open_is_closed_by_the_filling():
    machine = hole("int f(int a)\n{\n  if (a) {\n    b = 1;\n", "}\n")
    assert accepted(machine, "  }\n")
    assert not accepted(machine, "    c = 2;\n")


def test_an_expression_is_filled_up_to_what_follows():
    machine = hole("int f(int a)\n{\n  a = g(", ", 2);\n}\n")
    assert accepted(machine, "a + 1")
    assert not accepted(machine, "a +")
    assert not accepted(machine, "a)")


def test_a_hole_in_a_comment_ends_in_the_comment():
    machine = hole("int a; /* it ", " */\nint b;\n")
    assert accepted(machine, "is }")


def random_filling(machine, seed):
    random, state, made = np.random.default_rng(seed), machine.start(), []
    for _ in range(machine.longest):
        mask = machine.allowed(state)
        if machine.may_end(state) and (random.random() < 0.05 or not mask.any()):
            return bytes(made).decode("latin-1")
        token = int(random.choice(np.flatnonzero(mask)))
        made.append(token)
        state = machine.step(state, token)
    raise AssertionError("it did not end")


@pytest.mark.parametrize("seed", range(12))
def test_any_filling_ends_and_balances(seed):
    left, right = "int f(int a)\n{\n  while (a) {\n", "  }\n  return 0;\n}\n"
    machine = hole(left, right)
    state, fine = machine.inner.start(), True
    for byte in (left + random_filling(machine, seed) + right).encode("latin-1"):
        state, follows = LEXER.advance(state, chr(byte))
        fine = fine and follows
    assert fine
    assert machine.inner.may_end(state)


def test_a_language_without_braces_has_no_such_grammar():
    from seqgen.codecs.python import Python

    assert Python.hole_over(BYTES, b"if a:\n", b"", 10) is None
