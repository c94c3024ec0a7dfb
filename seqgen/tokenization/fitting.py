"""The first pass over files: a codec learns from all of them, and labels are gathered.

What cannot be read is left for the second pass to report, see `seqgen.tokenization.building`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain

from seqgen.codecs import Counted, added
from seqgen.documents import Documents
from seqgen.errors import DataError, SeqgenError, UsageError
from seqgen.report import Report
from seqgen.tokenization import records
from seqgen.tokenization.planning import TokenizePlan, plan, silent
from seqgen.tokenization.reading import Reader, shown
from seqgen.tokenization.settings import USUAL, TokenizeSettings
from seqgen.tokenization.sources import Note, Source
from seqgen.tokenizer import Tokenizer

MOST_LABELS = 1_000
PART_BYTES = 1 << 22  # of a corpus that is counted at once


def grown(
    sources: Sequence[Source], tokenizer: Tokenizer, asked: TokenizeSettings = USUAL, note: Note = silent
) -> Tokenizer:
    """A tokenizer with tokens besides for the characters and labels that these files hold anew.

    Ids of the codec may move; the names of tokens do not.

    Args:
        sources: The files, see `seqgen.tokenization.sources.resolve`.
        tokenizer: What grows.
        asked: How files are read; codec and settings are the tokenizer's.
        note: Takes remarks for people.

    Raises:
        UsageError, SettingError: What was asked for does not fit these files.
        DataError: A file cannot be read.
    """
    options = asdict(tokenizer.codec.options)
    own = replace(asked, codec=tokenizer.codec_name, options=options, documents=asked.documents or "file")
    made = plan(sources, own, note)
    if asked.documents is None:
        made = replace(made, documents=tokenizer.documents)
    new = {source.label for source in made.sources if source.label is not None} - set(tokenizer.labels)
    corpus = _Corpus(made)
    codec = tokenizer.codec.grow(corpus.pieces())
    corpus.finish()
    new |= corpus.labels - set(tokenizer.labels)
    return Tokenizer(codec, made.codec, (*tokenizer.labels, *sorted(new)), corpus.documents)


@dataclass(frozen=True)
class Learned:
    """What the first pass knows of some files.

    Attributes:
        counts: What their codec counts.
        labels: Of their records.
        lines: Whether each record is one line.
        error: Why they cannot be read, in strict mode.
    """

    counts: Counter[str] = field(default_factory=Counter)
    labels: frozenset[str] = frozenset()
    lines: bool = True
    error: SeqgenError | None = None


Spread = Callable[[Callable[[TokenizePlan], Learned], Sequence[TokenizePlan]], Iterable[Learned]]


def fitted(made: TokenizePlan, spread: Spread = map) -> Tokenizer:
    """A tokenizer that learned from the files: the first pass.

    Args:
        made: What to tokenize. A large corpus whose codec learns by counting is counted in parts, which are the same
            whoever counts them.
        spread: Has the parts counted, in order; `map` does it here.
    """
    labels = {source.label for source in made.sources if source.label is not None}
    if not issubclass(made.kind, Counted):
        corpus = _Corpus(made)
        codec = made.kind.fit(corpus.pieces(), made.options)
        corpus.finish()
        return Tokenizer(codec, made.codec, tuple(sorted(labels | corpus.labels)), corpus.documents)
    large = sum(source.size for source in made.sources) >= made.kind.slow_from
    counts, lines = Counter[str](), True
    for part in (spread if large else map)(learned, _parts(made)):
        if part.error is not None:
            raise part.error
        counts = added(counts, part.counts)
        labels |= part.labels
        _check_labels(labels, made)
        lines = lines and part.lines
    cut = made.documents if made.documents.kind != "record" else replace(made.documents, lines=lines)
    return Tokenizer(made.kind.of_counts(counts, made.options), made.codec, tuple(sorted(labels)), cut)


def learned(made: TokenizePlan) -> Learned:
    """The first pass over the files of a plan whose codec learns by counting, anywhere."""
    corpus, kind = _Corpus(made), made.kind
    assert issubclass(kind, Counted)
    try:
        counts = kind.counted(corpus.files(), made.options)
    except (DataError, UsageError) as error:
        return Learned(error=error)
    return Learned(counts, frozenset(corpus.labels), corpus.lines)


def _parts(made: TokenizePlan) -> list[TokenizePlan]:
    """The plan in runs of whole files of some megabytes."""
    runs, size = [list[Source]()], 0
    for source in made.sources:
        if size >= PART_BYTES:
            runs.append([])
            size = 0
        runs[-1].append(source)
        size += source.size
    return [replace(made, sources=tuple(run), before=Report(), left={}, passed={}) for run in runs]


class _Corpus:
    """The first pass over some files, once, and what records of tables tell besides their text.

    Attributes:
        labels: Of the records so far.
        lines: Whether each record so far is one line.
    """

    def __init__(self, made: TokenizePlan) -> None:
        self.labels: set[str] = set()
        self.lines = True
        self._made = made
        self._pieces = chain.from_iterable(self.files())

    def pieces(self) -> Iterator[bytes]:
        """What a codec learns from. What cannot be read is left for the second pass to report."""
        return self._pieces

    def files(self) -> Iterator[Iterator[bytes]]:
        """The same, file by file."""
        return map(self._file, self._made.sources)

    def finish(self) -> None:
        """Records are looked at even where a codec learns nothing."""
        for _ in self._pieces if self._made.documents.kind == "record" else ():
            pass

    @property
    def documents(self) -> Documents:
        """The plan's, with what is known now."""
        cut = self._made.documents
        return cut if cut.kind != "record" else replace(cut, lines=self.lines)

    def _file(self, source: Source) -> Iterator[bytes]:
        try:
            reader = self._made.reader(source)
            yield from reader if self._made.documents.kind != "record" else self._records(source, reader)
        except DataError as error:
            if not self._made.skip_bad:
                raise type(error)(f"{shown(source)}: {reason_of(error, source)}", error.hint) from error

    def _records(self, source: Source, reader: Reader) -> Iterator[bytes]:
        for some in records.documents(source, reader, self._made.documents, Counter()):
            self.labels |= {label for label in some.labels or () if label is not None}
            _check_labels(self.labels, self._made)
            self.lines = self.lines and not any(b"\n" in text for text in some.documents)
            yield b"\n".join(some.documents) + b"\n"


def _check_labels(labels: set[str], made: TokenizePlan) -> None:
    if len(labels) > MOST_LABELS and made.documents.kind == "record":
        reason = f"the field {made.documents.label!r} has more than {MOST_LABELS:,} values"
        raise UsageError(f"{reason}, which is too many for labels", "--label-field names a field of few kinds")


def reason_of(error: DataError, source: Source) -> str:
    """What a sentence says of a file, behind its name."""
    return error.message.removeprefix(f"{shown(source)}: ")
