"""The first pass over files: a codec learns from all of them, and labels are gathered.

What cannot be read is left for the second pass to report, see `seqgen.tokenization.building`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from seqgen.documents import Documents
from seqgen.errors import DataError, UsageError
from seqgen.tokenization import records
from seqgen.tokenization.planning import TokenizePlan, plan, silent
from seqgen.tokenization.reading import Reader, shown
from seqgen.tokenization.sources import Note, Source
from seqgen.tokenizer import Tokenizer

MOST_LABELS = 1_000


def grown(
    sources: Sequence[Source],
    tokenizer: Tokenizer,
    *,
    encoding: str | None = None,
    label: str | None = None,
    skip_bad: bool | None = None,
    documents: str | Documents | None = None,
    note: Note = silent,
) -> Tokenizer:
    """A tokenizer with tokens besides for the characters and labels that these files hold anew.

    Arguments and errors are those of `seqgen.tokenization.building.tokenize`. Ids of the codec may move; the names of
    tokens do not.
    """
    options, cut = asdict(tokenizer.codec.options), tokenizer.documents
    made = plan(sources, tokenizer.codec_name, options, encoding, label, skip_bad, None, documents or "file", note)
    if documents is None:
        made = replace(made, documents=cut)
    new = {source.label for source in made.sources if source.label is not None} - set(tokenizer.labels)
    corpus = _Corpus(made)
    codec = tokenizer.codec.grow(corpus.pieces())
    corpus.finish()
    new |= corpus.labels - set(tokenizer.labels)
    return Tokenizer(codec, made.codec, (*tokenizer.labels, *sorted(new)), corpus.documents)


def fitted(made: TokenizePlan) -> Tokenizer:
    """A tokenizer that learned from the files: the first pass."""
    labels = {source.label for source in made.sources if source.label is not None}
    corpus = _Corpus(made)
    codec = made.kind.fit(corpus.pieces(), made.options)
    corpus.finish()
    return Tokenizer(codec, made.codec, tuple(sorted(labels | corpus.labels)), corpus.documents)


class _Corpus:
    """The first pass: all pieces of all files, once, and what records of tables tell besides their text.

    Attributes:
        labels: Of the records so far.
    """

    def __init__(self, made: TokenizePlan) -> None:
        self.labels: set[str] = set()
        self._made = made
        self._lines = True
        self._pieces = self._all()

    def pieces(self) -> Iterator[bytes]:
        """What a codec learns from. What cannot be read is left for the second pass to report."""
        return self._pieces

    def finish(self) -> None:
        """Records are looked at even where a codec learns nothing."""
        for _ in self._pieces if self._made.documents.kind == "record" else ():
            pass

    @property
    def documents(self) -> Documents:
        """The plan's, with what is known now."""
        cut = self._made.documents
        return cut if cut.kind != "record" else replace(cut, lines=self._lines)

    def _all(self) -> Iterator[bytes]:
        for source in self._made.sources:
            try:
                reader = self._made.reader(source)
                yield from reader if self._made.documents.kind != "record" else self._records(source, reader)
            except DataError as error:
                if not self._made.skip_bad:
                    raise type(error)(f"{shown(source)}: {reason_of(error, source)}", error.hint) from error

    def _records(self, source: Source, reader: Reader) -> Iterator[bytes]:
        for some in records.documents(source, reader, self._made.documents, Counter()):
            self.labels |= {label for label in some.labels or () if label is not None}
            if len(self.labels) > MOST_LABELS:
                reason = f"the field {self._made.documents.label!r} has more than {MOST_LABELS:,} values"
                raise UsageError(f"{reason}, which is too many for labels", "--label-field names a field of few kinds")
            self._lines = self._lines and not any(b"\n" in text for text in some.documents)
            yield b"\n".join(some.documents) + b"\n"


def reason_of(error: DataError, source: Source) -> str:
    """What a sentence says of a file, behind its name."""
    return error.message.removeprefix(f"{shown(source)}: ")
