"""Subwords learned from the corpus by sentencepiece, made lossless for every byte sequence."""

import base64
import binascii
import itertools
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from seqgen.codecs import Codec, Grammar, Ids, PageForm, id_type
from seqgen.codecs._characters import boundary
from seqgen.codecs._subword_file import BPE, CONTROL, parts
from seqgen.codecs._subword_model import LINE, SPACE, load, train
from seqgen.codecs.byte import Byte, text_name
from seqgen.report import Report
from seqgen.settings import option, require

# What sentencepiece would lose: NUL, its own sign for a space, and bytes that are not UTF-8 (PEP 383 surrogates).
AWKWARD = f"\\0{SPACE}\udc80-\udcff"
SEGMENT = re.compile(f"[{AWKWARD}]+|[^\\n{AWKWARD}]{{1,{LINE}}}+\\n?|\\n")
FEWEST = 300
PART = 1 << 20  # characters encoded at once, to bound memory


@dataclass(frozen=True)
class SubwordOptions:
    """How the pieces are learned."""

    model_type: Literal["unigram", "bpe"] = option("unigram", "how pieces are learned: unigram or bpe")
    vocab_size: int = option(2000, "number of tokens, 256 bytes included; fewer where the corpus is small")

    def __post_init__(self) -> None:
        require(self.model_type in ("unigram", "bpe"), "model_type", self.model_type, "unigram or bpe")
        require(FEWEST <= self.vocab_size <= 65_535, "vocab_size", self.vocab_size, f"{FEWEST} to 65535")


class Subword(Codec):
    """Any text, one token a word or a frequent part of one; what is not UTF-8 goes byte by byte.

    Ids 0 to 255 are the single bytes; the learned pieces follow.
    """

    Options = SubwordOptions
    suffixes = ()
    suffix = ".txt"

    def __init__(self, model: bytes, options: SubwordOptions) -> None:
        self._model = model
        self._options = options
        self._pieces = [bytes([value]) for value in range(256)]
        self._names = Byte().vocabulary()
        if model:
            self._open(model)

    def _open(self, model: bytes) -> None:
        """Number the model's pieces. It numbers them in its own way: `_id_of` turns its ids into ours."""
        self._processor = load(model)
        self._byte = [self._processor.piece_to_id(f"<0x{value:02X}>") for value in range(256)]
        self._spelling = [b""] * self._processor.vocab_size()  # by the model's ids; the unknown piece stays empty
        self._id_of = np.zeros(len(self._spelling), np.int64)
        for value, theirs in enumerate(self._byte):
            self._spelling[theirs], self._id_of[theirs] = bytes([value]), value
        for theirs in range(len(self._spelling)):
            if not self._spelling[theirs] and not self._processor.is_unknown(theirs):
                self._add(theirs, self._processor.id_to_piece(theirs).replace(SPACE, " "))

    def _add(self, theirs: int, piece: str) -> None:
        self._id_of[theirs] = len(self._pieces)
        self._spelling[theirs] = piece.encode()
        self._pieces.append(piece.encode())
        name = text_name(piece)
        self._names.append(f"⟨{name}⟩" if len(piece) == 1 else name)  # "a" the piece is not "a" the byte

    @classmethod
    def fit(cls, documents: Iterable[bytes], options: SubwordOptions) -> "Subword":
        return cls(train(documents, options.model_type, options.vocab_size), options)

    @classmethod
    def restore(cls, options: SubwordOptions, state: Mapping[str, Any]) -> "Subword":
        try:
            model = base64.b64decode(state["model"], validate=True)
        except binascii.Error as error:
            raise ValueError("the subword model is damaged") from error
        if zlib.crc32(model) != state["crc32"]:
            raise ValueError("the subword model is damaged: its checksum does not match")
        return cls(model, options)

    def state(self) -> dict[str, Any]:
        return {"model": base64.b64encode(self._model).decode("ascii"), "crc32": zlib.crc32(self._model)}

    @property
    def options(self) -> SubwordOptions:
        return self._options

    @property
    def vocab_size(self) -> int:
        return len(self._pieces)

    def documents(self, data: bytes) -> Sequence[bytes]:
        return (data,)

    def boundary(self, data: bytes) -> int:
        """The end of the last line, else of the last word, so that pieces are seldom cut; else of a character."""
        line = data.rfind(b"\n") + 1
        return line or max(data.rfind(b" "), 0) or boundary(data)

    def encode(self, data: bytes, report: Report | None = None) -> Ids:
        kind = id_type(self.vocab_size)
        if not self._model:
            return np.frombuffer(data, np.uint8).astype(kind)
        text = data.decode("utf-8", "surrogateescape")
        parts = (self._encode_part(text[at : at + PART]) for at in range(0, len(text), PART))
        return np.concatenate([np.empty(0, kind), *(self._id_of[part].astype(kind) for part in parts)])

    def _encode_part(self, text: str) -> list[int]:
        """The model's ids of some text, line by line: a line that they would not spell exactly goes byte by byte."""
        segments = [segment.encode("utf-8", "surrogateescape") for segment in SEGMENT.findall(text)]
        encoded = self._processor.encode(segments, num_threads=1)
        for index, (segment, ids) in enumerate(zip(segments, encoded)):
            if b"".join([self._spelling[id] for id in ids]) != segment:
                encoded[index] = [self._byte[value] for value in segment]
        return list(itertools.chain.from_iterable(encoded))

    def encode_prompt(self, data: bytes) -> Ids:
        return self.encode(data)

    def decode(self, ids: Ids) -> bytes:
        return b"".join([self._pieces[id] for id in ids.tolist()])

    def normalize(self, data: bytes) -> bytes:
        return data

    def vocabulary(self) -> list[str]:
        return list(self._names)

    def token_bytes(self) -> list[bytes]:
        return list(self._pieces)

    def grammar(self) -> Grammar | None:
        return None

    def page_form(self, grammar: Grammar | None) -> PageForm:
        pieces, algorithm = parts(self._model)
        scores = [piece.score for piece in pieces[len(CONTROL) :]]
        name = "bpe" if algorithm == BPE else "unigram"
        return PageForm("subword", {"algorithm": name, "first": self.vocab_size - len(scores), "scores": scores})
