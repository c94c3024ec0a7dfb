"""What is tokenized and how, decided from what the user said and what the files are. Reads no more than it must."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from seqgen import registry, settings
from seqgen.codecs import Codec
from seqgen.documents import WHOLE, Documents
from seqgen.errors import CorpusError, SettingError
from seqgen.files import guarding
from seqgen.report import LeftOut, Report
from seqgen.tokenization import listing
from seqgen.tokenization.guessing import guess_codec
from seqgen.tokenization.reading import Reader
from seqgen.tokenization.selecting import is_text, select
from seqgen.tokenization.sources import Note, Source, Sources
from seqgen.tokenization.text import decoder
from seqgen.tokenizer import Tokenizer


def silent(message: str) -> None:
    """A note that nobody reads."""


@dataclass(frozen=True)
class TokenizePlan:
    """What is tokenized and how, all that is left open by the user being decided.

    Attributes:
        sources: The files, with their labels.
        codec: The codec's name.
        options: Its settings.
        encoding: What to transcode from, or None.
        skip_bad: Whether a file that cannot be read is left out rather than an error.
        tokenizer: What to encode with, if it was fitted before; else the codec is fitted to the sources.
        documents: What of a file a document is.
        before: What the stream's report says besides: nothing, unless whoever carries out the plan adds something.
        left: What of the given folders is left out, by reason. Like `passed`, it does not change the tokens.
        passed: What of the given folders is no file of a corpus, by name.
    """

    sources: tuple[Source, ...]
    codec: str
    options: Any
    encoding: str | None
    skip_bad: bool
    tokenizer: Tokenizer | None = None
    documents: Documents = WHOLE
    before: Report = field(default_factory=Report)
    left: Mapping[str, LeftOut] = field(default_factory=dict)
    passed: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> type[Codec]:
        """The codec's class."""
        found: type[Codec] = registry.load("codecs", self.codec)
        return found

    def reader(self, source: Source) -> Reader:
        """The pieces of one of the files."""
        return Reader(source, self.encoding, is_text(self.kind))


def plan(
    sources: Sequence[Source],
    codec_name: str | None = None,
    options: Mapping[str, Any] | None = None,
    encoding: str | None = None,
    label: str | None = None,
    skip_bad: bool | None = None,
    tokenizer: Tokenizer | None = None,
    documents: str | None = None,
    note: Note = silent,
) -> TokenizePlan:
    """Decide codec, files, labels and settings; see `tokenize`."""
    if not sources:
        raise CorpusError("there are no files to tokenize")
    if tokenizer is not None:
        codec_name, options = tokenizer.codec_name, asdict(tokenizer.codec.options)
    if codec_name is None:
        codec_name, reason = guess_codec(sources)
        note(f"Codec {codec_name}, {reason or 'guessed from the files'}; -c names another.")
    if encoding is not None:
        decoder(encoding)
        if not is_text(registry.load("codecs", codec_name)):
            raise SettingError(f"encoding is {encoding!r}, but codec {codec_name} is not for text", "leave it out")
    chosen, left = select(sources, codec_name)
    guarding.reads_all(source.path for source in chosen)
    if label is not None:
        chosen = [replace(source, label=label) for source in chosen]
    if tokenizer is not None:
        if label is not None:
            tokenizer.label_id(label)
        chosen = [source if source.label in tokenizer.labels else replace(source, label=None) for source in chosen]
    parsed = settings.parse(registry.load("codecs", codec_name).Options, options or {})
    skip = len(chosen) > 1 if skip_bad is None else skip_bad
    known = None if tokenizer is None else tokenizer.documents
    cut = listing.resolved(documents, registry.load("codecs", codec_name), chosen, encoding, known, note)
    tokenizer = None if tokenizer is None else replace(tokenizer, documents=cut)
    passed: Mapping[str, str] = {}
    if isinstance(sources, Sources):
        passed = sources.passed
        left.leave(sources.left)
    return TokenizePlan(
        tuple(chosen), codec_name, parsed, encoding, skip, tokenizer, cut, left=left.left_out, passed=passed
    )
