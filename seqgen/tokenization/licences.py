"""Comments at the head of programs that speak of copyright or licence, or that recur from file to file: where they lie.

Whatever the language is; what has to stand first in a file (`#!`, an encoding, `<?php`) stays.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import NamedTuple

SETTING = "strip_licence"  # of tokenization, where the codec has none of this name
DROPPED = "licence comment"
PROSE = ("", ".txt", ".text", ".md", ".markdown", ".rst", ".adoc", ".csv", ".tsv", ".json", ".html", ".xml", ".log")
SEVERAL = 3  # files that begin with the same comment: it is not about what is in them
SHORTEST, MOST = 40, 20  # bytes of a comment that may recur; comments at one head
_YEARS = re.compile(rb"\b(?:19|20)[0-9]{2}\b")
_WORDS = re.compile(rb"copyright|licen[cs]e|spdx", re.IGNORECASE)
_FIRST = (b"#!", b"<?php", b"<?xml", b"# -*- coding", b"# coding", b"# frozen_string_literal")
_BOM = b"\xef\xbb\xbf"
_PAIRS = ((b"/*", b"*/"), (b"<!--", b"-->"), (b"(*", b"*)"), (b"{-", b"-}"), (b"--[[", b"]]"), (b'"""', b'"""'),
    (b"'''", b"'''"), (b"<#", b"#>"), (b"=begin", b"=end"))  # fmt: skip
_LINES = (b"//", b"#", b"--", b";", b"%", b"!", b"dnl")


def is_program(suffix: str) -> bool:
    """Whether a file may be a program, by its ending."""
    return suffix not in PROSE


class Head(NamedTuple):
    """A comment at the head of a program.

    Attributes:
        begin, end: Where it stands in the file's bytes, with the space after it.
        licence: Whether it speaks of copyright or licence.
        key: What tells it from others, years and spaces aside; nothing of one too short to be a licence's.
    """

    begin: int
    end: int
    licence: bool
    key: bytes


def heads(data: bytes) -> list[Head]:
    """The comments at the head of a program, given its start, as far as they lie in it."""
    found, begin = list[Head](), _first(data)
    while (end := _comment(data, begin)) and len(found) < MOST:
        text = b" ".join(_YEARS.sub(b"0", data[begin:end]).split())
        key = hashlib.sha256(text).digest() if len(text) >= SHORTEST else b""
        found.append(Head(begin, end, bool(_WORDS.search(data, begin, end)), key))
        begin = end
    return found


def recurring(programs: Iterable[Sequence[Head]]) -> frozenset[bytes]:
    """The keys of comments that stand at the head of several programs."""
    counts = Counter(key for program in programs for key in {head.key for head in program} if key)
    return frozenset(key for key, count in counts.items() if count >= SEVERAL)


def span(program: Sequence[Head], known: frozenset[bytes] = frozenset()) -> tuple[int, int]:
    """(begin, end) of what is left out at the head of a program; both are 0 where that is nothing.

    Args:
        program: The comments at its head.
        known: The keys of those that recur.
    """
    cut = list(takewhile(lambda head: head.licence or head.key in known, program))
    return (cut[0].begin, cut[-1].end) if cut else (0, 0)


def _first(data: bytes) -> int:
    """Where the lines end that have to stand first."""
    end = len(_BOM) if data.startswith(_BOM) else 0
    while data.startswith(_FIRST, end):
        newline = data.find(b"\n", end)
        end = len(data) if newline < 0 else newline + 1
    return end


def _comment(data: bytes, start: int) -> int:
    """Where the comment at an offset ends, with the space around it; 0: there is none."""
    at = _space(data, start)
    for opening, closing in _PAIRS:
        if data.startswith(opening, at):
            end = data.find(closing, at + len(opening))
            return _space(data, end + len(closing)) if end >= 0 else 0
    prefix = next((prefix for prefix in _LINES if data.startswith(prefix, at)), None)
    end = 0
    while prefix is not None and data.startswith(prefix, at):
        newline = data.find(b"\n", at)
        end = at = len(data) if newline < 0 else newline + 1
        while data[at : at + 1] in (b" ", b"\t"):
            at += 1
    return _space(data, end) if end else 0


def _space(data: bytes, at: int) -> int:
    """Where the space at an offset ends."""
    while data[at : at + 1].isspace():
        at += 1
    return at
