"""Bytes as they are: 256 tokens, nothing to learn, nothing to lose."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqgen.clock import LOOKBACK
from seqgen.codecs import Codec, Golden, Grammar, Ids, Lengths, PageForm
from seqgen.report import Report


@dataclass(frozen=True)
class ByteOptions:
    """A byte is a byte: there is nothing to set."""


class Byte(Codec):
    """Any file at all, one token a byte."""

    Options = ByteOptions
    suffixes = ()
    suffix = ".bin"
    memory = LOOKBACK
    golden = Golden("né 水\n".encode(), (110, 195, 169, 32, 230, 176, 180, 10))

    @classmethod
    def fit(cls, documents: Iterable[bytes], options: ByteOptions) -> "Byte":
        return cls()

    @classmethod
    def restore(cls, options: ByteOptions, state: Mapping[str, Any]) -> "Byte":
        return cls()

    def state(self) -> dict[str, Any]:
        return {}

    @property
    def options(self) -> ByteOptions:
        return ByteOptions()

    @property
    def vocab_size(self) -> int:
        return 256

    def documents(self, data: bytes) -> Sequence[bytes]:
        return (data,)

    def boundary(self, data: bytes) -> int:
        return len(data)

    def encode(self, data: bytes, report: Report | None = None) -> Ids:
        return np.frombuffer(data, np.uint8).astype(np.uint16)

    def encode_several(self, documents: Sequence[bytes], report: Report | None = None) -> tuple[Ids, Lengths]:
        return self.encode(b"".join(documents)), np.array([len(each) for each in documents], np.int64)

    def encode_prompt(self, data: bytes) -> Ids:
        return self.encode(data)

    def decode(self, ids: Ids) -> bytes:
        return ids.astype(np.uint8).tobytes()

    def normalize(self, data: bytes) -> bytes:
        return data

    def vocabulary(self) -> list[str]:
        return [byte_name(value) for value in range(256)]

    def token_bytes(self) -> list[bytes]:
        return [bytes([value]) for value in range(256)]

    def grammar(self) -> Grammar | None:
        return None

    def page_form(self, grammar: Grammar | None) -> PageForm:
        return PageForm("text")


def byte_name(value: int) -> str:
    """A readable name of one byte: its character where it is printable ASCII, else `<0A>`."""
    return chr(value) if 0x20 <= value < 0x7F else f"<{value:02X}>"


def text_name(text: str) -> str:
    """A readable name of some text: ASCII by `byte_name`, others that do not print, such as joiners, by number."""
    wide = (char if char.isprintable() else f"<U+{ord(char):04X}>" for char in text)
    return "".join(byte_name(ord(char)) if char.isascii() else name for char, name in zip(text, wide))
