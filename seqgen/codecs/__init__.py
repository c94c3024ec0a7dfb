"""Codecs turn files into token ids and token ids back into files.

A codec knows bytes and ids, and nothing of models: this room never imports torch. A new medium is one new file
here; `seqgen.registry` finds it by its name. What frames a document in the stream lies in `seqgen.tokenizer`.
"""

import abc
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from seqgen.clock import Clock, of_lines
from seqgen.codecs._counted import Counted, added
from seqgen.codecs._fillable import RETURNS, Fillable, with_returns
from seqgen.codecs._grammar import CopyKey, EndingGrammar, Grammar, Mask
from seqgen.codecs._page import PageForm
from seqgen.codecs._small import Golden, id_type, sparse
from seqgen.codecs._utf8 import KNOWN, WELL_FORMED, Spelling, lone_bytes, spelling, transitions, well_formed
from seqgen.errors import UsageError
from seqgen.media import TEXT, Medium, Timing
from seqgen.report import Report

if TYPE_CHECKING:
    from seqgen.codecs.midi.controlled import ControlledCodec
    from seqgen.music.score import Score

__all__ = [
    "RETURNS", "Codec", "CopyKey", "Counted", "EndingGrammar", "Golden", "Grammar", "Ids", "Mask", "PageForm",
    "Spelling", "added", "id_type", "sparse", "with_returns",
]  # fmt: skip

Ids = NDArray[np.unsignedinteger[Any]]
Lengths = NDArray[np.int64]


class Codec(Fillable):
    """One medium: bytes of a document ↔ ids in [0, vocab_size).

    Class attributes:
        Options: The frozen settings class (see `seqgen.settings`), given with `-P KEY VALUE`.
        suffixes: Lower-case file name endings for which this codec is guessed.
        extra_suffixes: Other endings that it takes from a folder where it is asked for.
        suffix: The file name ending of what `decode` returns.
        medium: What differs by medium, see `seqgen.media`.
        transposes: Whether training transposes the documents where nobody says, see `augmentations`.
        memory: Settings of the memory that a model of its documents has on a CPU, where nobody says.
        with_counts: Whether such a model keeps counts of its corpus, where nobody says.
        rules: Name and value of rules that samples of a model that looks back keep to, where nobody names them.
        golden: A document and its ids, with which the tests try it; None: they have one of their own.
    """

    Options: ClassVar[type]
    suffixes: ClassVar[tuple[str, ...]]
    extra_suffixes: ClassVar[tuple[str, ...]] = ()
    suffix: ClassVar[str]
    medium: ClassVar[Medium] = TEXT
    transposes: ClassVar[bool] = False
    memory: ClassVar[Mapping[str, object]] = {}
    with_counts: ClassVar[bool] = True
    rules: ClassVar[Sequence[tuple[str, float]]] = ()
    golden: ClassVar[Golden | None] = None

    @classmethod
    @abc.abstractmethod
    def fit(cls, documents: Iterable[bytes], options: Any) -> "Codec":
        """Learn what the codec needs (a character set, a subword model) from pieces of documents.

        `documents` is passed over once and may be larger than memory; a piece may be a part of a document.
        """

    @classmethod
    def suited(cls, documents: Iterable[bytes]) -> tuple[str, str]:
        """(name of the codec that suits pieces of some documents best, or "" for this one; why, in words, or "").

        Asked where nobody named a codec and this is the one of the files' medium.
        """
        return "", ""

    @classmethod
    def reads_any_text(cls) -> bool:
        """Whether a codec of text reads any from a folder; that of C reads its own files alone."""
        return cls.medium is TEXT

    def grow(self, documents: Iterable[bytes]) -> "Codec":
        """This codec with tokens besides for what these pieces of documents hold anew.

        Itself, without a look at them, where the vocabulary is closed, as most are.
        """
        return self

    @classmethod
    @abc.abstractmethod
    def restore(cls, options: Any, state: Mapping[str, Any]) -> "Codec":
        """The codec whose `state()` this is. Raises ValueError, KeyError or TypeError on a damaged state."""

    @abc.abstractmethod
    def state(self) -> dict[str, object]:
        """What was learned, as plain JSON data."""

    @property
    @abc.abstractmethod
    def options(self) -> Any:
        """The settings this codec was fitted with."""

    @property
    @abc.abstractmethod
    def vocab_size(self) -> int:
        """How many ids there are."""

    @abc.abstractmethod
    def documents(self, data: bytes) -> Sequence[bytes]:
        """The documents that one file holds: mostly the file itself."""

    @abc.abstractmethod
    def boundary(self, data: bytes) -> int:
        """The length of the longest prefix of `data` that can be encoded on its own, more being to come.

        Zero where only whole documents can be encoded.
        """

    @abc.abstractmethod
    def encode(self, data: bytes, report: Report | None = None) -> Ids:
        """(N,) ids of a document, or of a part that ends at a `boundary`.

        What is dropped or repaired is counted in `report`.

        Raises:
            DataError: The document cannot be read. With `report`, what can be salvaged is, and is counted;
                without it the codec is strict and a damaged document is an error.
        """

    def encode_several(self, documents: Sequence[bytes], report: Report | None = None) -> tuple[Ids, Lengths]:
        """((N,) ids of several documents, one after the other, (D,) how many each has); as `encode` otherwise."""
        each = [self.encode(document, report) for document in documents]
        none = np.empty(0, id_type(self.vocab_size))
        return np.concatenate([none, *each], dtype=none.dtype), np.array([len(ids) for ids in each], np.int64)

    @abc.abstractmethod
    def encode_prompt(self, data: bytes) -> Ids:
        """(N,) ids of a document that is to go on: a prompt. As `encode`, without what belongs to the end."""

    def encode_prompt_before(self, data: bytes, seconds: float) -> Ids:
        """As `encode_prompt`, of a document of which so much is to follow; the same where no token says so, as here."""
        return self.encode_prompt(data)

    @abc.abstractmethod
    def normalize(self, data: bytes) -> bytes:
        """What `decode(encode(data))` returns: `data` itself where the codec is lossless. Idempotent."""

    @abc.abstractmethod
    def vocabulary(self) -> list[str]:
        """(V,) readable token names."""

    @cached_property
    def is_text(self) -> bool:
        """Whether tokens stand for bytes: ids can be cut and joined anywhere, and be shown as they come."""
        return self.token_bytes() is not None

    def require(self, medium: str, asked: str, hint: str = "") -> None:
        """Refuse what is asked for if it is for another medium.

        Args:
            medium: The name of the medium that it is for; "text" is every codec's whose tokens stand for bytes.
            asked: What is asked for, in words.
            hint: What to do instead.

        Raises:
            UsageError: It is.
        """
        if not (self.is_text if medium == TEXT.name else self.medium.name == medium):
            raise UsageError(f"{asked} is for {medium}, this model makes {self.suffix} files", hint)

    @abc.abstractmethod
    def grammar(self) -> Grammar | None:
        """Which tokens may follow which, where the medium has such rules."""

    @classmethod
    def grammar_over(cls, pieces: Sequence[bytes]) -> Grammar | None:
        """The same for any tokens that stand for (V,) bytes, where the codec is that of a language of programs."""
        return None

    @classmethod
    def balanced_over(cls, pieces: Sequence[bytes], length: int, grace: int) -> EndingGrammar | None:
        """Such a grammar with an end behind a definition.

        Args:
            pieces: (V,) the bytes of each token; every single byte is one.
            length: Tokens, the prompt's included, from which on an end is looked for.
            grace: So many tokens more, the model may find an end itself; then what is open is closed.
        """
        return None

    @classmethod
    def tree_sitter(cls, suffix: str) -> str:
        """The grammar of tree-sitter for files of this ending, as `module:function`; "": there is none, as here."""
        return ""

    def bounds(self, ids: Ids) -> dict[str, int]:
        """What documents keep to, by name: music, what it holds at most at one instant; text, whether it is UTF-8.

        Music in parts also shows of each its range, whether it rests and which others it crosses: what fills a hole
        keeps to that, other samples do not.

        Args:
            ids: (N,) of whole documents; ids from `vocab_size` on frame them.
        """
        return {KNOWN: well_formed(ids, self._lone)} if self.is_text else {}

    def bar_similarity(self, documents: Iterable[Ids]) -> dict[str, float]:
        """How like bars are to those so many before, 0 to 1, by lag, over documents; {} where there are none."""
        return {}

    def within(self, bounds: Mapping[str, int], seen: Mask | None = None) -> Grammar | None:
        """The grammar of documents like those of a corpus; that of all documents, as here, where that is the same.

        Args:
            bounds: The largest that `bounds` gave; empty: the corpus is not known.
            seen: (vocab_size,) ids of which the document is to be made; None: all. The grammar does not refuse the
                others, but never leads to where they alone can follow.
        """
        return self.grammar()

    def spelling(self, bounds: Mapping[str, int], seen: Mask | None = None) -> Spelling | None:
        """What may follow what in a text that is UTF-8, as the corpus was; None where it was not, or is not known.

        Args:
            bounds: The largest that `bounds` gave.
            seen: (vocab_size,) ids of which the document is to be made; None: all.
        """
        return spelling(self._places, seen) if self.is_text and bounds.get(KNOWN) == WELL_FORMED else None

    @cached_property
    def _places(self) -> NDArray[np.int8]:
        return transitions(self.token_bytes() or [])

    @cached_property
    def _lone(self) -> NDArray[np.uint8]:
        return lone_bytes(self.token_bytes() or [])

    def drawable(self, seen: Mask) -> Mask:
        """(vocab_size,) ids that may be drawn where `seen` occurred in training: these, and what must follow them."""
        return seen

    def augmentations(self, transpose: int, stretch: float, loudness: int) -> NDArray[np.int64] | None:
        """(M, vocab_size) tables from id to id: each makes any document another that might as well have been.

        None, as here, where the medium knows no such thing.

        Args:
            transpose: Semitones to either side.
            stretch: The share by which times change at most.
            loudness: Levels of velocity to either side.
        """
        return None

    def clock(self) -> Clock | None:
        """(vocab_size, 6) what each token does to bars, see `seqgen.clock`; None where there are none.

        Of text, as here: lines.
        """
        return of_lines(self.token_bytes() or []) if self.is_text else None

    def placed(self, ids: Ids) -> "tuple[Score, NDArray[np.int64]] | None":
        """The score of (N,) ids and (K,) the token at which each of its notes stands; None, as here: it is none."""
        return None

    def steerable(self) -> "ControlledCodec | None":
        """This codec, where what it makes can be held to controls of music; None, as here, where it cannot."""
        return None

    def finished(self, prompt: Ids, ids: Ids, timing: Timing | None, with_prompt: bool) -> bytes:
        """The file of a prompt and (m,) ids that follow it, or of these alone.

        Args:
            prompt, ids: (n,) and (m,) ids in [0, vocab_size).
            timing: What the file says of time besides its tokens, for codecs of music that have such.
            with_prompt: Whether the prompt is in the file.
        """
        own = np.concatenate([prompt, ids]) if with_prompt else ids
        return self.decode(own.astype(id_type(self.vocab_size), copy=False))

    def page_form(self, grammar: Grammar | None) -> PageForm | None:
        """How a page runs it without Python; None, as here: no page can.

        Args:
            grammar: What `grammar` or `within` gave, to which samples are to keep.
        """
        return None

    def copy_key(self, framing: int) -> CopyKey | None:
        """How passages are compared that may be copies of each other; None, as here: id by id.

        Args:
            framing: Ids from it on frame documents.
        """
        return None
