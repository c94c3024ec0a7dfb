"""Comments at the head of a program that speak of copyright or licence, in whatever language: where they end.

What has to stand first in a file (`#!`, an encoding, `<?php`) stays.
"""

import re

SETTING = "strip_licence"  # of tokenization, where the codec has none of this name
DROPPED = "licence comment"
PROSE = ("", ".txt", ".text", ".md", ".markdown", ".rst", ".adoc", ".csv", ".tsv", ".json", ".html", ".xml", ".log")
_WORDS = re.compile(rb"copyright|licen[cs]e|spdx", re.IGNORECASE)
_FIRST = (b"#!", b"<?php", b"<?xml", b"# -*- coding", b"# coding", b"# frozen_string_literal", b"\xef\xbb\xbf#!")
_PAIRS = ((b"/*", b"*/"), (b"<!--", b"-->"), (b"(*", b"*)"), (b"{-", b"-}"), (b"--[[", b"]]"), (b'"""', b'"""'),
    (b"'''", b"'''"), (b"<#", b"#>"), (b"=begin", b"=end"))  # fmt: skip
_LINES = (b"//", b"#", b"--", b";", b"%", b"!", b"dnl")


def without_licence(data: bytes) -> bytes:
    """The start of a program without the comments at its head that speak of copyright or licence."""
    begin = _first(data)
    end = begin
    while (after := _comment(data, end)) and _WORDS.search(data, end, after):
        end = after
    return data[:begin] + data[end:] if end > begin else data


def _first(data: bytes) -> int:
    """Where the lines end that have to stand first."""
    end = 0
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
