"""Where C may be cut so that a hole is whole statements or blocks: a look at bytes, quick enough for training.

It does what the lexer does as far as a piece of a file allows, which may begin anywhere: a piece that begins inside a
comment or a literal is cut less sensibly until that ends.
"""

import re

import numpy as np

from seqgen.infilling import NO_CUT, Cuts

APART = re.compile(rb"/\*.*?(?:\*/|\Z)|//[^\n]*+|\"(?:[^\"\\\n]|\\.)*+[\"\n]?|'(?:[^'\\\n]|\\.)*+['\n]?", re.DOTALL)
OPENS, CLOSES = np.frombuffer(b"([{", np.uint8), np.frombuffer(b")]}", np.uint8)
ENDS = np.frombuffer(b";{}", np.uint8)


def statement_cuts(text: bytes) -> Cuts:
    """(1, n + 1) the depth of brackets where a line begins behind a statement or a brace; NO_CUT elsewhere.

    Args:
        text: (n,) C, in which each byte is a token.
    """
    code = np.frombuffer(APART.sub(_blank, text), np.uint8)
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


def _blank(match: "re.Match[bytes]") -> bytes:
    return b" " * len(match[0])
