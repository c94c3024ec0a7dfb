"""Where C may be cut so that a hole is whole statements or blocks: a look at bytes, quick enough for training.

It does what the lexer does as far as a piece of a file allows, which may begin anywhere: a piece that begins inside a
comment or a literal is cut less sensibly until that ends.
"""

import re

import numpy as np

from seqgen.infilling import NO_CUT, Cuts

BEGINS = re.compile(rb"/\*|//|[\"']")
STOPS = {quote: re.compile(rb"[\\\n" + quote + rb"]") for quote in (b'"', b"'")}
OPENS, CLOSES = np.frombuffer(b"([{", np.uint8), np.frombuffer(b")]}", np.uint8)
ENDS = np.frombuffer(b";{}", np.uint8)


def statement_cuts(text: bytes) -> Cuts:
    """(1, n + 1) the depth of brackets where a line begins behind a statement or a brace; NO_CUT elsewhere.

    Args:
        text: (n,) C, in which each byte is a token.
    """
    code = np.frombuffer(blanked(text), np.uint8)
    opens, closes = np.isin(code, OPENS), np.isin(code, CLOSES)
    depth = np.concatenate([[0], np.cumsum(opens.astype(np.int64) - closes)])
    depth -= depth.min()
    white = np.isin(code, np.frombuffer(b" \t\r\n\f\v", np.uint8))
    last = np.maximum.accumulate(np.where(white, 0, np.arange(len(code)))) if len(code) else code.astype(np.int64)
    line = code == ord("\n")
    ended = line & np.isin(code[last], ENDS)
    braced = code == ord("}")  # a place of its own, so that nothing lies between two branches that is lower than both
    found = np.full((1, len(code) + 1), NO_CUT, np.int64)
    found[0, 1:] = np.where(ended | braced, depth[1:], NO_CUT)
    found[0, 0] = depth[0]
    return found


def blanked(text: bytes) -> bytes:
    """The same with spaces in the place of comments and literals, line breaks in them included."""
    pieces, at = list[bytes](), 0
    while found := BEGINS.search(text, at):
        end = _end(text, found[0], found.end())
        pieces += [text[at : found.start()], b" " * (end - found.start())]
        at = end
    return b"".join([*pieces, text[at:]])


def _end(text: bytes, begun: bytes, at: int) -> int:
    """Where a comment or a literal ends of which what begins it was read."""
    if begun == b"/*":
        found = text.find(b"*/", at)
        return len(text) if found < 0 else found + 2
    if begun == b"//":
        found = text.find(b"\n", at)
        return len(text) if found < 0 else found
    while stop := STOPS[begun].search(text, at):
        if stop[0] != b"\\":
            return stop.end() if stop[0] == begun else stop.start()
        at = stop.end() + 1  # past what is escaped
    return len(text)
