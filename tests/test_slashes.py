"""Slashes of JavaScript and TypeScript: which divide and which begin a regular expression, by the lexer and by the
second reader. A quote or a bracket behind the slash makes the difference: in a regular expression it is one sign."""

import importlib.util
from pathlib import Path

import pytest

from seqgen.codecs._code.grammar import CodeGrammar
from seqgen.codecs.javascript import JavaScript

SPEC = importlib.util.spec_from_file_location(
    "code_check", Path(__file__).parent.parent / "benchmarks" / "_code_check.py"
)
assert SPEC is not None
assert SPEC.loader is not None
CHECK = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(CHECK)

DIVIDES = [  # up to the slash
    "a = i++ ",
    "a = i-- ",
    "a = b--\n",
    "a = x[0] ",
    "a = f(x) ",
    "x = (a, b) ",
    "a = {b: 1} ",
    "f({a: {b: 1} ",
    "a.return ",
    "a?.if ",
    "a.for(b) ",
    "a = 1. ",
    "a = .5 ",
    "a = 0x1f ",
    "a = $ ",
    "a = b$ ",
    "$return ",
    "if_ ",
    "a = b! ",
    "a = `b${c / 2}` ",
    "a = 'b' ",
    "a = /b/ ",
    "a = b + /* c */ +d ",
    "a = this ",
]
QUOTES = [
    "",
    "a = ",
    "a = b + +",
    "a = b\n+ ",
    "a = b - ",
    "a ||= ",
    "if (x) ",
    "while ((x)) ",
    "for (;;) ",
    "for await (x of y) ",
    "with (x) ",
    "if (a) { b } else if (c) ",
    "else ",
    "do ",
    "{ a }\n",
    "function f() {}\n",
    "x = y => { return 1 }\n",
    "x => ",
    "switch (a) { case 1: {} ",
    "return ",
    "return\n",
    "x = typeof ",
    "throw ",
    "a in ",
    "case ",
    "a = b && !",
    "b\n!",
    "a = b ? ",
    "a = b ? c : ",
    "[",
    "f(",
    "`${",
]


@pytest.fixture(scope="module")
def grammar() -> CodeGrammar:
    return JavaScript.grammar_over([bytes([value]) for value in range(256)])


def whole(grammar: CodeGrammar, text: str) -> bool:
    """Whether the lexer allows it all, and lets the file end there."""
    state = grammar.start()
    for value in text.encode():
        if not grammar.allowed(state)[value]:
            return False
        state = grammar.step(state, value)
    return grammar.may_end(state)


def closed(before: str) -> str:
    """What closes what is open."""
    opened: list[str] = []
    for sign in before:
        if sign in "([{":
            opened.append({"(": ")", "[": "]", "{": "}"}[sign])
        elif sign in ")]}":
            opened.pop()
    return "".join(reversed(opened)) + "`" * (before.count("`") % 2)


@pytest.mark.parametrize("before", DIVIDES)
def test_a_slash_divides_behind_a_value(grammar: CodeGrammar, before: str) -> None:
    for text, fits in (("/ 2 / '/' ", True), ("/'/ ", False), ("/(/ ", False)):
        shown = f"{before}{text}{closed(before)};\n"
        assert (whole(grammar, shown), CHECK.balanced("javascript", shown)) == (fits, fits), shown


@pytest.mark.parametrize("before", QUOTES)
def test_a_slash_begins_a_regular_expression_elsewhere(grammar: CodeGrammar, before: str) -> None:
    for text, fits in (("/'/.test(x)", True), (r"/[/'\]]\/(/", True), (r"/[\s/']/", True), ("/ 2 - '/' ", False)):
        shown = f"{before}{text}{closed(before)}\n"
        assert (whole(grammar, shown), CHECK.balanced("javascript", shown)) == (fits, fits), shown


@pytest.mark.parametrize(
    "text", ["a = <b>c</b>;", "a = <b c={d} />;", "a = <></>;", "a = b.replace(/>/g, '&gt;')", "a = b < /'/"]
)
def test_tags_are_no_regular_expressions(grammar: CodeGrammar, text: str) -> None:
    assert whole(grammar, text + "\n")
    assert CHECK.balanced("javascript", text + "\n")
