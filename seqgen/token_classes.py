"""Classes of tokens, for whoever wants to speak of letters or of pitches without knowing the vocabulary.

A token that spells text is a `newline` if it holds one, a `space` if it is nothing but white space, and else a
`letter`, a `digit` or `punctuation` after its first character that is no space; what is no character has no class.
Tokens of other media are called KIND_VALUE, and their class is the kind.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

PLAIN = {
    "shift": "time", "bar": "time", "pos": "time", "dur": "duration", "vel": "velocity", "inst": "program",
    "remain": "remaining",
}  # fmt: skip


def token_classes(names: Sequence[str], token_bytes: Sequence[bytes] | None) -> dict[str, Mask]:
    """Class name → (V,) mask. A token is in one class at most; every class has a token."""
    found = list(map(_of_name, names) if token_bytes is None else map(_of_text, token_bytes))
    listed = np.array(found, object)
    return {name: np.asarray(listed == name, np.bool_) for name in dict.fromkeys(found) if name}


def _of_text(piece: bytes) -> str:
    try:
        text = piece.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    first = text.strip()[:1]
    if "\n" in text or not first:
        return "newline" if "\n" in text else "space" if text else ""
    if first.isalpha() or first.isdigit():
        return "letter" if first.isalpha() else "digit"
    return "punctuation" if first.isprintable() else ""


def _of_name(name: str) -> str:
    kind, bar, _ = name.rpartition("_")
    return PLAIN.get(kind.lower(), kind.lower()) if bar else ""
