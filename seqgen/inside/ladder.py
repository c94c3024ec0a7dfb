"""Where a model errs, and why: the ladder of Karpathy, Johnson & Fei-Fei (2015, section 4.4), and closing brackets.

An error is a token to which the model gave less than even odds. Each rung takes those errors away that its oracle would
have got right, in this order, so that the rungs add up to all errors:

    n-gram          an n-gram model of the corpus gives the token even odds or better
    long memory     the last MATCH tokens stood in the text before, with this token behind them
    rare words      the token lies in a word that the corpus holds fewer than RARE times
    word beginnings the first letter of a word, which only meaning could tell
    punctuation     neither letter, digit nor blank
    boost           the model gave it 0.4 to 0.5
    rest            all others
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seqgen.experts.ngram import NGram
from seqgen.inside.trace import Trace
from seqgen.render.curves import Curve, Series
from seqgen.render.report import SectionPart, Table, Text

EVEN, NEARLY = 0.5, 0.4
MATCH = 8
RARE = 5
WORD = re.compile(rb"[A-Za-z_][A-Za-z_0-9']*")
PAIRS = {b")": b"(", b"]": b"[", b"}": b"{"}
EDGES = (1, 5, 10, 20, 30, 50, 100, 200, 500)  # of distances to the opening bracket
LEAST = 20_000  # tokens of which an n-gram model is worth making
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Ladder:
    """Errors by kind, and closing brackets by distance.

    Attributes:
        tokens: How many there were.
        order: Of the n-gram model.
        rungs: (name, errors) in order.
        model, ngram: Mean nats of all tokens.
        brackets: (distance from, to, how many closing brackets, mean nats of the n-gram less those of the model).
    """

    tokens: int
    order: int
    rungs: Sequence[tuple[str, int]]
    model: float
    ngram: float
    brackets: Sequence[tuple[int, int, int, float]]

    name = "errors"
    title = "Errors"

    def parts(self) -> list[SectionPart]:
        """The ladder, and the gain by distance."""
        errors = sum(count for _, count in self.rungs)
        said = (
            f"{errors:,} of {self.tokens:,} tokens ({100 * errors / self.tokens:.1f} %) got less than even odds. The "
            f"model has {self.model:.3f} nats a token, a {self.order}-gram of the corpus {self.ngram:.3f}. Each "
            "rung holds the errors that its oracle would have got right and that no rung above it holds."
        )
        rows = tuple((name, count, f"{100 * count / max(errors, 1):.1f} %") for name, count in self.rungs)
        found: list[SectionPart] = [Text(said), Table(("errors of kind", "tokens", "share"), rows)]
        if self.brackets:
            middle = [float(np.sqrt(low * (high - 1))) for low, high, _, _ in self.brackets]
            gain = [value for *_, value in self.brackets]
            found.append(
                Curve(
                    f"Gain over the {self.order}-gram at closing brackets, by distance to the opening one",
                    (Series("gain", np.log10(middle).tolist(), gain),),
                    (("none", 0.0),),
                    x_label="log10 of the distance in tokens",
                    y_label="nats gained",
                )
            )
            shown = tuple((f"{low} to {high - 1}", count, round(value, 3)) for low, high, count, value in self.brackets)
            found.append(Table(("distance", "brackets", "nats gained"), shown))
        return found

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        return {
            "tokens": self.tokens,
            "order": self.order,
            "rungs": dict(self.rungs),
            "model_nats": round(self.model, 4),
            "ngram_nats": round(self.ngram, 4),
            "brackets": [[low, high - 1, count, round(gain, 4)] for low, high, count, gain in self.brackets],
        }


def ladder(trace: Trace, corpus: NDArray[np.int64], starts: NDArray[np.int64]) -> Ladder:
    """The ladder of a model over a text.

    Args:
        trace: The text.
        corpus: (N,) ids of which the n-gram model is made; they should not hold the text.
        starts: Where its documents begin.
    """
    tokenizer, ids = trace.checkpoint.tokenizer, trace.ids
    counted = NGram.fit(corpus, starts, tokenizer.vocab_size)
    nats = counted.nats(ids, np.array([0]))
    surprise = trace.surprise
    wrong = surprise > -np.log(EVEN)
    kinds: list[tuple[str, Mask]] = [(f"{counted.order}-gram", nats <= -np.log(EVEN)), ("long memory", _repeated(ids))]
    brackets: list[tuple[int, int, int, float]] = []
    if tokenizer.is_text:
        pieces = tokenizer.token_bytes() or []
        shown = [pieces[token] for token in ids.tolist()]
        rare, beginning, punctuation = _words(shown, b"".join([pieces[token] for token in corpus.tolist()]))
        kinds += [("rare words", rare), ("word beginnings", beginning), ("punctuation", punctuation)]
        brackets = _brackets(shown, nats - surprise)
    kinds += [("boost", surprise < -np.log(NEARLY)), ("rest", np.ones(len(ids), np.bool_))]
    rungs, left = [], wrong.copy()
    for name, mask in kinds:
        rungs.append((name, int((left & mask).sum())))
        left &= ~mask
    return Ladder(len(ids), counted.order, rungs, float(surprise.mean()), float(nats.mean()), brackets)


def _repeated(ids: NDArray[np.int64]) -> Mask:
    """Where the token and the MATCH before it stood in the text before."""
    found, seen = np.zeros(len(ids), np.bool_), set[bytes]()
    for place in range(MATCH, len(ids)):
        key = ids[place - MATCH : place + 1].tobytes()
        found[place] = key in seen
        seen.add(key)
    return found


def _words(shown: Sequence[bytes], corpus: bytes) -> tuple[Mask, Mask, Mask]:
    """At each token: whether it lies in a rare word, begins a word, is punctuation."""
    counts = Counter(WORD.findall(corpus))
    ends = np.cumsum([len(piece) for piece in shown])
    begins, text = ends - [len(piece) for piece in shown], b"".join(shown)
    rare, first = np.zeros(len(text) + 1, np.bool_), np.zeros(len(text) + 1, np.bool_)
    for match in WORD.finditer(text):
        first[match.start()] = True
        rare[match.start() : match.end()] = counts[match[0]] < RARE
    mark = np.array(
        [bool(piece) and not piece.strip().replace(b"_", b"a").isalnum() and bool(piece.strip()) for piece in shown]
    )
    return rare[begins], first[begins], mark


def _brackets(shown: Sequence[bytes], gain: NDArray[np.floating]) -> list[tuple[int, int, int, float]]:
    """The mean gain at closing brackets, by how many tokens before the opening one stood."""
    waiting: list[tuple[bytes, int]] = []
    found: list[tuple[int, float]] = []
    for place, piece in enumerate(shown):
        mark = piece.strip()
        if mark in PAIRS.values():
            waiting.append((mark, place))
        elif mark in PAIRS and waiting and waiting[-1][0] == PAIRS[mark]:
            found.append((place - waiting.pop()[1], float(gain[place])))
    rows = []
    for low, high in pairwise(EDGES):
        own = [value for distance, value in found if low <= distance < high]
        if own:
            rows.append((low, high, len(own), float(np.mean(own))))
    return rows
