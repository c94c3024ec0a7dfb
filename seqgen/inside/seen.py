"""What is seen of a model over a text, as plain values. It computes nothing and draws nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids
from seqgen.inside.finder import Found, Passage
from seqgen.inside.gates import Saturation
from seqgen.inside.naming import CellName
from seqgen.inside.trace import Trace
from seqgen.tokenizer import Tokenizer

if TYPE_CHECKING:
    from seqgen.music.score import Score
    from seqgen.render.report import SectionPart


@dataclass(frozen=True, eq=False)
class Reading:
    """What is looked at.

    Attributes:
        ids: (T,) the text, without what frames it.
        frame: (n,) what stands before it.
        corpus: (N,) ids in which cells are searched, framed or not; the text itself where nothing else was given.
        starts: Where the documents of the corpus begin.
        remark: That it is a window of something longer, or "".
    """

    ids: NDArray[np.int64]
    frame: Ids
    corpus: NDArray[np.int64]
    starts: NDArray[np.int64]
    remark: str = ""


@dataclass(frozen=True, eq=False)
class ShownCell:
    """A cell over the text.

    Attributes:
        name: Which.
        part: What of its state.
        why: What it follows, in words.
        values: (T,) in [-1, 1], or larger where a cell is not bounded.
        sign: -1 where it is low where what it follows is high.
    """

    name: CellName
    part: str
    why: str
    values: NDArray[np.float32]
    sign: int = 1


@dataclass(frozen=True, eq=False)
class Where:
    """Passages of the corpus in which a cell is on.

    Attributes:
        cell: Which.
        passages: The strongest first.
    """

    cell: ShownCell
    passages: Sequence[Passage]


class Further(Protocol):
    """What is seen besides cells; `name` it is called among data, `title` on a page."""

    name: str
    title: str

    def parts(self) -> "list[SectionPart]":
        """What the page shows."""
        ...

    def to_json(self) -> dict[str, object]:
        """Plain data."""
        ...


@dataclass(frozen=True, eq=False)
class Seen:
    """A model over a text.

    Attributes:
        name: What the model is called.
        reading: The text.
        trace: Every cell at every token.
        found: Cells by what they follow.
        cells: Those that are shown, the most telling first.
        where: Where the first of them are on.
        gates: How often they are shut and open.
        further: Gradients, saliency, errors, as far as they were asked for.
        missing: What could not be had, and why.
    """

    name: str
    reading: Reading
    trace: Trace
    found: Sequence[Found]
    cells: Sequence[ShownCell]
    where: Sequence[Where]
    gates: Sequence[Saturation]
    further: "Sequence[Further]" = ()
    missing: Sequence[str] = field(default=())

    @property
    def tokenizer(self) -> Tokenizer:
        """What the tokens stand for."""
        return self.trace.checkpoint.tokenizer


def placed(tokenizer: Tokenizer, ids: NDArray[np.int64]) -> "tuple[Score, NDArray[np.int64]] | None":
    """The score of (N,) ids of a codec of music and the token of each note; None where there is none, or no note."""
    found = tokenizer.codec.placed(ids.astype(np.uint32))
    return None if found is None or not len(found[0]) else found


def token_names(tokenizer: Tokenizer) -> list[str]:
    """(V,) tokens as people read them."""
    own, names = tokenizer.token_bytes(), tokenizer.vocabulary()
    if own is None:
        return names
    return [piece.decode("utf-8", "replace") if piece else name for piece, name in zip(own, names)]
