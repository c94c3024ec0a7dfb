"""The `c_source` codec and its lexical grammar."""

import re

import numpy as np
import pytest

from seqgen.codecs._code.grammar import CodeGrammar
from seqgen.codecs._code.lexer import Lexer
from seqgen.codecs._code.state import DEPTH, FRAMES, State
from seqgen.codecs.c_source import CSource, CSourceOptions
from seqgen.codecs.c_source.language import LANGUAGE
from seqgen.errors import SettingError
from seqgen.report import Report

SAMPLE = rb"""/* A queue of jobs: it's "first in, first out" } ) ] */
#ifndef QUEUE_H
#define QUEUE_H
#include <stdio.h>   // for printf("%d)"
#include "jobs.h"

#define BEGIN {
#define MOST(a, b) \
    (((a) > (b)) ? \
     (a) : (b))
#define QUOTE '"'
#error don't worry, (it is only a test
#if defined(__cplusplus) && !defined(PLAIN)
extern "C" {
#endif

static const char *names[] = {"one)", "two}", "th\"ree\\", "long \
string", ""};

/**/ /***/ /* * / ** */
typedef struct job {
    int id; /* unique */
    char mark;
    struct job *next;
} job;

int run(job *first, int many)
{
    char quote = '"', tick = '\'', slash = '\\', nul = '\0', wide = L'\x41';
    for (int i = 0; i < many; i++) {
#ifdef DEBUG
        if (first->mark == '{') {
            puts("{[(");
#elif defined(TRACE) /* nothing is opened twice */
        if (trace(first)) {
#else
        if (first) {
#endif // DEBUG
            first = first->next;
        } else if (names[i % 5][0] == ']') {
            return quote / 2 / tick % slash;
        }
    }
# /* the null directive */
  /* before a directive */ #  undef QUOTE
    return nul \
        + wide;
}

#if 0
int unfinished(void) { return (1
#if NESTED
[[[
#else
{{{
#endif
#else
int mended(void) { return MOST(1, 2); }
#endif

int last(void) { return "a" "b" [0] != 'b' ? ~0u : 1 << 3; } // the end: \
this line too is a comment (
#if defined(__cplusplus) && !defined(PLAIN)
}
#endif
#endif
"""

BYTES = [bytes([value]) for value in range(256)]
TOKENS = [
    *BYTES,
    *[b"\n#if X\n", b"\n#ifndef X\n", b"\n#else\n", b"\n#elif (Y)\n", b"\n#endif\n", b"\n#else\n}", b"#endif\n)("],
    *[
        b"})",
        b"({[",
        b"};\n",
        b'("',
        b'")',
        b"/*",
        b"*/",
        b"//",
        b"'{'",
        b"\\\n",
        "é水".encode(),
        b"",
        b"return (",
        b"}{",
    ],
]
AMALGAMATION = b"""/* All of it. */
int zero;
/************** Begin file one.h ***********************/
int one;
/************** End of one.h ***************************/
/************** Begin file two.c ***********************/
int two; /* Begin file nothing */
"""


def fits(lexer: Lexer, state: State, token: str) -> bool:
    """Whether each byte of a token is allowed in its turn."""
    for char in token:
        state, fine = lexer.advance(state, char)
        if not fine:
            return False
    return bool(token)


@pytest.fixture(scope="module")
def grammar() -> CodeGrammar:
    return CodeGrammar(LANGUAGE, BYTES)


def walk(grammar: CodeGrammar, data: bytes, state: State | None = None) -> State:
    state = grammar.start() if state is None else state
    for value in data:
        state = grammar.step(state, value)
    return state


def first_refused(grammar: CodeGrammar, data: bytes) -> int:
    """The place of the first byte that is not allowed, or -1."""
    state = grammar.start()
    for place, value in enumerate(data):
        if not grammar.allowed(state)[value]:
            return place
        state = grammar.step(state, value)
    return -1


def sample_tokens(grammar: CodeGrammar, count: int, rng: np.random.Generator) -> tuple[list[int], State]:
    """Tokens drawn at temperature 1 from random logits under the mask."""
    state, tokens = grammar.start(), []
    for _ in range(count):
        mask = grammar.allowed(state)
        assert mask.any()
        logits = np.where(mask, rng.normal(0, 2, len(mask)), -np.inf)
        tokens.append(int(np.argmax(logits + rng.gumbel(size=len(mask)))))
        state = grammar.step(state, tokens[-1])
    return tokens, state


COMMENT = r"/\*.*?\*/|//(?:\\\r*\n|[^\n])*"
LITERAL = r"""\"(?:\\\r*.|[^"\\\n])*"?|'(?:\\\r*.|[^'\\\n])*'?"""
LEXEME = re.compile(rf"{COMMENT}|{LITERAL}|\\[ \t\r\v\f]*\n|[ \t\r\v\f]+|.", re.DOTALL)


def balanced(data: bytes) -> bool:
    """Brackets match outside comments, literals and directives: a second opinion. Takes no conditionals."""
    line_begins, directive, brackets = True, False, ""
    for lexeme in LEXEME.findall(data.decode("latin-1")):
        if lexeme == "\n":
            line_begins, directive = True, False
        elif lexeme[0] in " \t\r\v\f\\" or lexeme[:2] in ("/*", "//"):
            continue
        else:
            directive = directive or (line_begins and lexeme == "#")
            line_begins = False
            brackets += lexeme if lexeme in "()[]{}" and not directive else ""
    while (shorter := re.sub(r"\(\)|\[\]|\{\}", "", brackets)) != brackets:
        brackets = shorter
    return not brackets


def test_real_looking_c_is_allowed(grammar: CodeGrammar) -> None:
    assert first_refused(grammar, SAMPLE) == -1
    assert grammar.may_end(walk(grammar, SAMPLE))
    crlf = SAMPLE.replace(b"\n", b"\r\n")
    assert first_refused(grammar, crlf) == -1
    assert grammar.may_end(walk(grammar, crlf))


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        (b"(]", 1),
        (b"{)", 1),
        (b"}", 0),
        (b"f(a[1)]", 5),
        (b'"abc\n', 4),
        (b"'a\n", 2),
        (b"''", 1),
        (b"int a @", 6),
        (b"a # b", 2),
        (b"a \\b", 3),
        (b"x\0", 1),
        (b"\xc3\xa9", 0),
        (b'"\x00', 1),
        (b"#endif", 2),
        (b"#else", 2),
        (b"\n#if 1\n{\n#else\n}", 15),
    ],
)
def test_what_c_forbids_is_refused(grammar: CodeGrammar, data: bytes, refused: int) -> None:
    assert first_refused(grammar, data) == refused


@pytest.mark.parametrize(
    "data",
    [
        b"/* ' \" ( */",
        b"// ' ( \\\n ) \n",
        b'"//"',
        b"'/*'",
        b"a / b",
        b"#error it's\n",
        b'"\xc3\xa9"',
        b"#e\n",
        b"'\\''",
    ],
)
def test_what_c_permits_is_allowed(grammar: CodeGrammar, data: bytes) -> None:
    assert first_refused(grammar, data) == -1
    assert grammar.may_end(walk(grammar, data))


@pytest.mark.parametrize(
    "data", [b"{", b"/*", b"/* *", b"//", b"/", b'"a', b"'", b"'a", b"#if 1\n", b"#define a", b"a\\"]
)
def test_a_file_does_not_end_in_the_middle_and_can_be_closed(grammar: CodeGrammar, data: bytes) -> None:
    state = walk(grammar, data)
    assert not grammar.may_end(state)
    ending = grammar.closing(state)
    assert ending
    assert first_refused(grammar, data + ending) == -1
    assert grammar.may_end(walk(grammar, ending, state))


def test_closing_adds_what_is_missing_and_no_more(grammar: CodeGrammar) -> None:
    assert grammar.closing(walk(grammar, b'int f(void) { g("a')) == b'");}'
    assert grammar.closing(walk(grammar, b"{\n#if A\n(")) == b");\n#endif\n}"
    assert grammar.closing(walk(grammar, b"int a[] = {1, {2,")) == b"}}"
    assert grammar.closing(walk(grammar, b"struct s { int a")) == b";}"
    assert grammar.closing(walk(grammar, b"int a;")) == b""


def test_each_branch_of_a_conditional_begins_with_the_same_brackets(grammar: CodeGrammar) -> None:
    state = walk(grammar, b"{\n#if A\n(\n#elif B\n[\n#else\n")
    assert state.stack == "{"
    assert walk(grammar, b"((\n#endif\n", state).stack == "{(("
    assert walk(grammar, b"#ifx\n#iffy\n#endiff\n").frames == ()


def test_depth_is_bounded_and_the_state_stays_hashable(grammar: CodeGrammar) -> None:
    state = walk(grammar, b"(" * 1000)
    assert len(state.stack) == DEPTH
    assert not grammar.allowed(state)[ord("(")]
    assert grammar.allowed(state)[ord(")")]
    frames = walk(grammar, b"#if 1\n" * 100)
    assert len(frames.frames) == FRAMES
    assert not grammar.allowed(walk(grammar, b"#i", frames))[ord("f")]
    assert len({state, frames, grammar.start()}) == 3


def test_step_takes_any_bytes(grammar: CodeGrammar) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        some = [SAMPLE[place : place + 9] for place in rng.integers(0, len(SAMPLE), 6)]
        state = walk(grammar, b"".join(some) + rng.bytes(20))
        assert first_refused(grammar, b"") == -1
        assert grammar.may_end(walk(grammar, grammar.closing(state), state))


def test_a_mismatched_bracket_closes_what_stands_between(grammar: CodeGrammar) -> None:
    assert walk(grammar, b"{([}").stack == ""
    assert walk(grammar, b"{()]").stack == "{"


@pytest.mark.parametrize("seed", range(4))
def test_random_samples_closed_greedily_are_balanced(grammar: CodeGrammar, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(50):
        tokens, state = sample_tokens(grammar, 400, rng)
        data = bytes(tokens) + grammar.closing(state)
        assert grammar.may_end(walk(grammar, data))
        assert first_refused(grammar, data) == -1
        assert balanced(data)


def test_the_second_opinion_can_disagree() -> None:
    assert balanced(b"f(\"(\", ')', [1]); /* ( */ // (\n#define A (\n")
    assert not balanced(b"f(")
    assert not balanced(b'f("(")]')


def test_masks_of_longer_tokens_are_those_of_their_bytes() -> None:
    grammar = CodeGrammar(LANGUAGE, TOKENS)
    rng = np.random.default_rng(1)
    for _ in range(20):
        state = grammar.start()
        for _ in range(120):
            mask = grammar.allowed(state)
            assert mask.tolist() == [fits(grammar.lexer, state, token.decode("latin-1")) for token in TOKENS]
            likely = np.where(mask, rng.random(len(mask)) * (1 + 9 * (np.arange(len(mask)) >= 256)), -1)
            state = grammar.step(state, int(likely.argmax()))
        assert grammar.may_end(walk(grammar, grammar.closing(state), state))


def test_masks_are_kept_and_protected(grammar: CodeGrammar) -> None:
    mask = grammar.allowed(grammar.start())
    assert mask is grammar.allowed(State(stack=""))
    with pytest.raises(ValueError, match="read-only"):
        mask[0] = True


def test_an_amalgamation_is_split_and_nothing_is_lost() -> None:
    codec = CSource.fit([AMALGAMATION], CSourceOptions())
    parts = codec.documents(AMALGAMATION)
    assert b"".join(parts) == AMALGAMATION
    assert [part.splitlines()[1] for part in parts] == [b"int zero;", b"int one;", b"int two; /* Begin file nothing */"]
    assert codec.documents(SAMPLE) == [SAMPLE]
    whole = CSource.fit([AMALGAMATION], CSourceOptions(split=False))
    assert list(whole.documents(AMALGAMATION)) == [AMALGAMATION]
    assert whole.boundary(AMALGAMATION) == len(AMALGAMATION)
    assert CSource.fit([], CSourceOptions(strip_licence=True)).boundary(AMALGAMATION) == 0


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b"/* Copyright 1999 */\n\nint a;\n", b"int a;\n"),
        (b"\n// SPDX-License-Identifier: MIT\n// more\nint a;", b"int a;"),
        (b"/* LICENCE */ /* copyright */ /* what it does */ int a;", b"/* what it does */ int a;"),
        (b"/* what it does */\n/* Copyright */\n", b"/* what it does */\n/* Copyright */\n"),
        (b"\n\nint licence; /* licence */", b"\n\nint licence; /* licence */"),
        (b"/* licence, never closed", b"/* licence, never closed"),
        (b"/* licence */", b""),
        (b"", b""),
    ],
)
def test_licence_comments_at_the_head_are_left_out_when_asked(data: bytes, kept: bytes) -> None:
    codec = CSource.fit([data], CSourceOptions(strip_licence=True))
    report = Report()
    assert codec.decode(codec.encode(data, report)) == kept == codec.normalize(data)
    assert codec.normalize(kept) == kept
    assert report.dropped["licence comment"] == (kept != data)
    assert CSource.fit([data], CSourceOptions()).normalize(data) == data


def test_the_grammar_knows_the_codecs_characters() -> None:
    codec = CSource.fit(['// é\nchar *s = "水";\n'.encode()], CSourceOptions())
    grammar = codec.grammar()
    state = grammar.start()
    for id in codec.encode('"é水'.encode()).tolist():
        assert grammar.allowed(state)[id]
        state = grammar.step(state, id)
    assert grammar.allowed(state).shape == (codec.vocab_size,)
    assert not grammar.allowed(grammar.start())[256:].any()
    assert not grammar.may_end(state)


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(SettingError, match="max_characters is 99999"):
        CSourceOptions(max_characters=99_999)
