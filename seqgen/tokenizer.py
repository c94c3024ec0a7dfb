"""A codec plus what frames documents: the document token, the labels, infilling. Knows no files and no models.

Ids below V0, the codec's own vocabulary size, are the codec's. Id V0 is the document token, which stands before every
document and, in generation, ends one. Id V0+1+i is label i, which follows the document token of a labelled document.
Behind the labels stand the infilling tokens (`seqgen.infilling`) of a model that was trained with holes; a stream has
none of them.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from seqgen import registry, settings
from seqgen.clock import BARS, Clock, framed_clock, silent
from seqgen.codecs import Codec, CopyKey, Grammar, Ids, Mask, Spelling, id_type
from seqgen.documents import WHOLE, Documents
from seqgen.errors import MALFORMED, CheckpointError, SettingError, StreamError, UsageError
from seqgen.framing import Framed, FramedGrammar, framed
from seqgen.infilling import HOLES, PARTS, Signs
from seqgen.media import Medium, Timing
from seqgen.report import Report
from seqgen.settings import Values
from seqgen.token_classes import token_classes


class Spec(TypedDict):
    """A tokenizer as plain JSON data: the codec's name, settings and learned state, labels, documents, holes."""

    name: str
    options: Values
    state: dict[str, object]
    labels: list[str]
    documents: NotRequired[dict[str, Any]]
    signs: NotRequired[list[str]]


@dataclass(frozen=True, eq=False)
class Tokenizer:
    """A codec with framing.

    Attributes:
        codec: The fitted codec.
        codec_name: Its name in the registry.
        labels: The label names, in the order of their ids.
        documents: What of a file a document is.
        signs: The names of the infilling tokens, in the order of their ids; none where nothing was trained with holes.
    """

    codec: Codec
    codec_name: str
    labels: tuple[str, ...] = ()
    documents: Documents = WHOLE
    signs: tuple[str, ...] = ()

    @property
    def document_id(self) -> int:
        """The token before every document."""
        return self.codec.vocab_size

    @property
    def vocab_size(self) -> int:
        """Ids are below it: the codec's, the document token, the labels, the infilling tokens."""
        return self._first_sign + len(self.signs)

    @property
    def _first_sign(self) -> int:
        return self.codec.vocab_size + 1 + len(self.labels)

    @property
    def measured_size(self) -> int:
        """Ids below it are what a model is measured on: the codec's.

        Of a list framing besides: an item is predicted from its label, or its first token, on, given that it begins.
        """
        return self.document_id if self.documents.whole else self._first_sign

    @property
    def medium(self) -> Medium:
        """What differs by medium."""
        return self.codec.medium

    @property
    def is_text(self) -> bool:
        """Whether tokens stand for bytes, see `Codec`."""
        return self.codec.is_text

    def label_id(self, name: str) -> int:
        """The token of a label.

        Raises:
            SettingError: There is no such label; the hint names the nearest.
        """
        if name not in self.labels:
            hint = registry.nearest(name, self.labels) if self.labels else "this corpus has no labels"
            raise SettingError(f"no label is called {name!r}", hint)
        return self.document_id + 1 + self.labels.index(name)

    @property
    def infilling(self) -> Signs | None:
        """The ids of the infilling tokens; None where there are none."""
        return Signs(*range(self._first_sign, self.vocab_size)) if self.signs else None

    def with_holes(self) -> "Tokenizer":
        """This one with the infilling tokens of its codec."""
        return replace(self, signs=self.codec.signs)

    def frame(self, label: str | None = None) -> Ids:
        """(1,) or (2,) ids with which a document begins."""
        ids = [self.document_id] if label is None else [self.document_id, self.label_id(label)]
        return np.array(ids, id_type(self.vocab_size))

    def encode(self, data: bytes, report: Report | None = None) -> Ids:
        """(N,) ids of a document, without framing.

        Raises:
            DataError: The codec cannot read it.
        """
        return self.codec.encode(data, report).astype(id_type(self.vocab_size), copy=False)

    def encode_items(self, documents: Sequence[bytes], labels: Sequence[str | None] | None) -> Framed:
        """Several documents with their framing. Those that have no tokens fall away.

        Args:
            documents: Their bytes.
            labels: One each; None: none has one.

        Raises:
            DataError: The codec cannot read one.
        """
        ids, lengths = self.codec.encode_several(documents)
        index = {name: number for number, name in enumerate(self.labels)}
        label = np.array([-1 if name is None else index[name] for name in labels or [None] * len(documents)], np.int32)
        return framed(ids, lengths, label, self.document_id, id_type(self.vocab_size))

    def encode_prompt(self, data: bytes, seconds: float | None = None) -> Ids:
        """(N,) ids of a prompt, a document that is to go on, without framing.

        Args:
            data: The document.
            seconds: How much of it is to follow, where its tokens say such a thing; None: nobody knows.

        Raises:
            DataError: The codec cannot read it.
        """
        found = self.codec.encode_prompt(data) if seconds is None else self.codec.encode_prompt_before(data, seconds)
        return found.astype(id_type(self.vocab_size), copy=False)

    def decode(self, ids: NDArray[Any]) -> bytes:
        """The bytes of (N,) ids. Framing tokens fall away; never raises on ids in [0, vocab_size)."""
        return self.codec.decode(self.own(np.asarray(ids)).astype(id_type(self.codec.vocab_size), copy=False))

    def finish(
        self, prompt: NDArray[Any], ids: NDArray[Any], with_prompt: bool = True, timing: Timing | None = None
    ) -> bytes:
        """The file of (n,) ids of a prompt and (m,) ids that follow it, both perhaps framed.

        Args:
            prompt: The prompt.
            ids: What follows.
            with_prompt: Whether the prompt is in the file.
            timing: What a MIDI file says of time besides its tokens, see `ControlledCodec.timing`.
        """
        if timing is None and with_prompt:
            return self.decode(np.concatenate([prompt, ids]))
        own, after = self.own(np.asarray(prompt)), self.own(np.asarray(ids))
        rest = Timing() if timing is None else timing.copy()
        grid = rest.pop("grid", None)
        made = self.codec.finished(own, after, rest or None, with_prompt)
        return made if grid is None else self.medium.on_grid(made, int(grid))

    def filled(self, hole: Mapping[str, Any], prompt: NDArray[Any], ids: NDArray[Any]) -> bytes:
        """The file of a hole that was filled, see `Codec.filled`; prompt and filling may be framed."""
        return self.codec.filled(hole, np.asarray(prompt), np.asarray(ids), self.infilling)

    def augmentations(self, transpose: int, stretch: float, loudness: int) -> NDArray[np.int64] | None:
        """(M, V) tables from id to id, framing left as it is; None where the codec has none. See `Codec`."""
        own = self.codec.augmentations(transpose, stretch, loudness)
        if own is None:
            return None
        framing = np.tile(np.arange(self.document_id, self.vocab_size), (len(own), 1))
        return np.concatenate([own, framing], axis=1)

    def clock(self) -> Clock:
        """(V, 6) what each token does to bars or lines, framing included; where the codec knows none, framing alone."""
        own = self.codec.clock()
        return framed_clock(silent(self.document_id) if own is None else own, self.vocab_size, len(self.signs))

    def lines(self) -> NDArray[np.int64]:
        """(V,) how many lines or bars begin with each token."""
        return self.clock()[:, BARS]

    def copy_key(self) -> CopyKey | None:
        """How passages are compared, framing included; None: id by id."""
        return self.codec.copy_key(self.document_id)

    def vocabulary(self) -> list[str]:
        """(V,) readable token names."""
        framing = ["<document>", *(f"<label {name}>" for name in self.labels), *(f"<{sign}>" for sign in self.signs)]
        return [*self.codec.vocabulary(), *framing]

    def token_bytes(self) -> list[bytes] | None:
        """(V,) the bytes of each token, framing tokens being empty; None where decoding is not concatenation."""
        own = self.codec.token_bytes()
        return None if own is None else own + [b""] * (self.vocab_size - self.document_id)

    def classes(self) -> dict[str, Mask]:
        """Class name → (V,) mask: letter, space and so on for text, pitch, time and so on for music."""
        return token_classes(self.vocabulary(), self.token_bytes())

    def grammar(self) -> Grammar | None:
        """The codec's grammar over the full vocabulary, or None where it has none."""
        return self.framed(self.codec.grammar())

    def within(self, bounds: Mapping[str, int], seen: Mask | None = None) -> Grammar | None:
        """The grammar of documents like those of a corpus over the full vocabulary; see `Codec.within`."""
        return self.framed(self.codec.within(bounds, seen))

    def framed(self, own: Grammar | None) -> "FramedGrammar | None":
        """A grammar of the codec's tokens over the full vocabulary; None where there is none."""
        return None if own is None else FramedGrammar(own, self.document_id, self.vocab_size)

    def spelling(self, bounds: Mapping[str, int], seen: Mask | None = None) -> Spelling | None:
        """What may follow in a text that is UTF-8, over the full vocabulary: no frame within a character."""
        own = self.codec.spelling(bounds, seen)
        if own is None:
            return None
        framing = np.zeros((len(own.after), self.vocab_size - self.document_id), np.uint8)
        between = np.arange(len(own.after))[:, None] == framing
        return Spelling(np.append(own.after, framing, axis=1), np.append(own.allowed, between, axis=1))

    def own(self, ids: Ids) -> Ids:
        """(n,) ids without those that frame documents."""
        return ids[ids < self.document_id]

    def spec(self) -> Spec:
        """Plain JSON data from which `from_spec` makes this tokenizer again."""
        made: Spec = {
            "name": self.codec_name,
            "options": dataclasses.asdict(self.codec.options),
            "state": self.codec.state(),
            "labels": list(self.labels),
        }
        if not self.documents.whole:
            made["documents"] = self.documents.to_json()
        if self.signs:
            made["signs"] = list(self.signs)
        return made

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> "Tokenizer":
        """The tokenizer that `spec` describes.

        Raises:
            StreamError: It is damaged, or names a codec that this version does not have.
        """
        try:
            name, options, labels = spec["name"], spec["options"], spec["labels"]
            if not isinstance(options, dict) or not isinstance(labels, list) or {*map(type, labels)} - {str}:
                raise TypeError("options or labels of the wrong type")
            kind = registry.load("codecs", name)
            codec = kind.restore(settings.parse(kind.Options, options), spec["state"])
            cut = Documents.from_json(spec["documents"]) if "documents" in spec else WHOLE
            signs = tuple(spec.get("signs", ()))
            if signs not in ((), HOLES, PARTS):
                raise ValueError("infilling tokens that nobody knows")
            return cls(codec, name, tuple(labels), cut, signs)
        except UsageError as error:
            raise StreamError(f"the stored codec does not fit this version: {error.message}", error.hint) from error
        except MALFORMED as error:
            reason = f"{type(error).__name__}: {error}"
            raise StreamError(f"the stored codec is damaged ({reason})", "tokenize the corpus again") from error


def require_same_tokens(names: Sequence[str], tokenizers: Sequence[Tokenizer], exactly: bool = False) -> None:
    """Refuse checkpoints that are to work together, but whose ids do not mean the same.

    Args:
        names: The checkpoints, for the message.
        tokenizers: Theirs.
        exactly: Whether codec, settings and labels must be the same, too; else it is enough that ids below the
            document token stand for the same bytes.

    Raises:
        CheckpointError: They do not fit; the message names what only one of two has.
    """
    first = tokenizers[0]
    for name, other in zip(names[1:], tokenizers[1:]):
        pair, hint = f"{names[0]} and {name}", "train both with -c byte, whose tokens are always the same"
        own, theirs = first.codec.token_bytes(), other.codec.token_bytes()
        if own == theirs and own is not None and not exactly:
            continue
        if first.codec_name != other.codec_name and (exactly or own is None or theirs is None):
            raise CheckpointError(f"{pair} have different codecs, {first.codec_name} and {other.codec_name}", hint)
        if first.codec.vocabulary() != other.codec.vocabulary():
            said = _differences(names[0], first.codec.vocabulary(), name, other.codec.vocabulary())
            raise CheckpointError(f"{pair} have different vocabularies: {said}", hint)
        if first.codec.state() != other.codec.state() or first.codec.options != other.codec.options:
            raise CheckpointError(f"{pair} have codec {first.codec_name} with different settings", hint)
        if exactly and first.signs != other.signs:
            raise CheckpointError(f"of {pair}, one alone was trained with holes", "train both with -P infill")
        if exactly and first.labels != other.labels:
            said = _differences(names[0], first.labels, name, other.labels)
            raise CheckpointError(f"{pair} have different labels: {said}", "train both on the same corpus")


def _differences(name: str, own: Sequence[str], other: str, theirs: Sequence[str]) -> str:
    """What each of two has that the other has not, up to three of it named."""
    said = []
    for where, mine, others in ((name, own, set(theirs)), (other, theirs, set(own))):
        only = [each for each in mine if each not in others]
        rest = f" and {len(only) - 3:,} more" if len(only) > 3 else ""
        if only:
            said.append(f"only {where} has {', '.join(map(repr, only[:3]))}{rest}")
    return "; ".join(said) or "the order differs"
