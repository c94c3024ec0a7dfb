"""What is tokenized and how, decided from what the user said and what the files are. Reads no more than it must."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from seqgen import registry, settings
from seqgen.codecs import Codec
from seqgen.documents import WHOLE, Documents
from seqgen.errors import CorpusError, DataError, SettingError, UsageError
from seqgen.files import guarding
from seqgen.report import LeftOut, Report
from seqgen.tokenization import licences, listing, records
from seqgen.tokenization.columns import columns
from seqgen.tokenization.guessing import guess_codec
from seqgen.tokenization.reading import Reader, shown
from seqgen.tokenization.selecting import is_text, select
from seqgen.tokenization.settings import USUAL, TokenizeSettings
from seqgen.tokenization.sources import Note, Source, Sources
from seqgen.tokenizer import Tokenizer

TEXT_CODEC, SHOWN = "char", 6
_PANDOC = "pandoc {} -t plain -o book.txt"
PAGES = {".pdf": "pdftotext {} book.txt", ".epub": _PANDOC, ".docx": _PANDOC, ".odt": _PANDOC}


def silent(message: str) -> None:
    """A note that nobody reads."""


@dataclass(frozen=True)
class TokenizePlan:
    """What is tokenized and how, all that is left open by the user being decided.

    Attributes:
        sources: The files, with their labels.
        codec: The codec's name.
        options: Its settings.
        encoding: What to transcode from, AUTO for each file's own, or None.
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
        parquet = self.documents.kind == "record" and source.suffix in records.PARQUET
        return Reader(source, self.encoding, is_text(self.kind) and not parquet)


def _tables(sources: Sequence[Source]) -> tuple[Sources, Report]:
    """The tables among some files, and a report of what is none; a file that was named must be one.

    Raises:
        CorpusError: None is.
    """
    report, chosen = Report(), []
    for source in sources:
        if records.is_table(source):
            chosen.append(source)
        elif source.found:
            report.left_out.setdefault("no table", LeftOut()).count(source.name, source.size)
        else:
            expected = "expected CSV, TSV, JSON Lines, JSON or Parquet"
            raise CorpusError(f"{shown(source)}: is no table, so it has no fields ({expected})", "leave --field out")
    if not chosen:
        raise CorpusError(f"none of {len(sources)} files is a table", f"tables are {' '.join(records.SUFFIXES)}")
    if isinstance(sources, Sources):
        report.leave(sources.left)
    return Sources(chosen), report


def _refuse_pages(sources: Sequence[Source]) -> None:
    """Refuse a file that was named and holds pages, not text; in a folder such files are left out as binary.

    Raises:
        CorpusError: There is one.
    """
    for source in sources:
        if not source.found and source.suffix in PAGES:
            kind, command = source.suffix[1:].upper(), PAGES[source.suffix].format(shown(source))
            raise CorpusError(f"{shown(source)}: is {kind}, which holds pages, expected text", f"make text: {command}")


def _told(sources: Sequence[Source], encoding: str | None, note: Note) -> None:
    """A remark where most of what is read as text is tables."""
    tables = [source for source in sources if records.is_table(source)]
    if 2 * sum(source.size for source in tables) <= sum(source.size for source in sources):
        return
    first = tables[0]
    names = columns(first, Reader(first, encoding))
    if len(names) > (first.suffix in records.SEPARATED):  # a column alone is a list with a heading
        shown_names = ", ".join(map(repr, names[:SHOWN])) + " …" * (len(names) > SHOWN)
        those = f"{shown(first)} is read as it is" if len(tables) == 1 else f"{len(tables)} tables are read as they are"
        note(f"{those}; --field takes one of the fields ({shown_names}), a document a record.")


def plan(sources: Sequence[Source], asked: TokenizeSettings = USUAL, note: Note = silent) -> TokenizePlan:
    """Decide codec, files, labels and settings.

    Args:
        sources: The files, see `seqgen.tokenization.sources.resolve`.
        asked: How they are to become tokens.
        note: Takes remarks for people.

    Raises:
        UsageError, SettingError: What was asked for does not fit these files.
        CorpusError: There is nothing to tokenize.
    """
    if not sources:
        raise CorpusError("there are no files to tokenize")
    others, tokenizer, encoding = Report(), asked.tokenizer, asked.encoding
    codec_name, options = asked.codec, asked.options
    if tokenizer is not None:
        codec_name, options = tokenizer.codec_name, asdict(tokenizer.codec.options)
    tables = isinstance(asked.documents, Documents) and asked.documents.kind == "record"
    if tables:
        sources, others = _tables(sources)
        codec_name = codec_name or TEXT_CODEC
        if not registry.load("codecs", codec_name).medium.separable:
            raise UsageError(f"fields of tables are text, codec {codec_name} is for something else", "leave -c out")
    if codec_name is None or is_text(registry.load("codecs", codec_name)):
        _refuse_pages(sources)
    if codec_name is None:
        codec_name, reason = guess_codec(sources)
        note(f"Codec {codec_name}, {reason or 'guessed from the files'}; -c names another.")
    if encoding is not None and not is_text(registry.load("codecs", codec_name)):
        raise SettingError(f"encoding is {encoding!r}, but codec {codec_name} is not for text", "leave it out")
    chosen, left = (list(sources), others) if tables else select(sources, codec_name)
    guarding.reads_all(source.path for source in chosen)
    if asked.label is not None:
        chosen = [replace(source, label=asked.label) for source in chosen]
    if tokenizer is not None:
        if asked.label is not None:
            tokenizer.label_id(asked.label)
        chosen = [source if source.label in tokenizer.labels else replace(source, label=None) for source in chosen]
    chosen, options = _beheaded(chosen, options, registry.load("codecs", codec_name), encoding)
    parsed = settings.parse(registry.load("codecs", codec_name).Options, options)
    skip = len(chosen) > 1 if asked.skip_bad is None else asked.skip_bad
    known = None if tokenizer is None else tokenizer.documents
    if asked.documents is None and known is None and registry.load("codecs", codec_name).medium.separable:
        _told(chosen, encoding, note)
    cut = listing.resolved(asked.documents, registry.load("codecs", codec_name), chosen, encoding, known, note)
    tokenizer = None if tokenizer is None else replace(tokenizer, documents=cut)
    passed: Mapping[str, str] = {}
    if isinstance(sources, Sources):
        passed = sources.passed
        left.leave(sources.left)
    return TokenizePlan(
        tuple(chosen), codec_name, parsed, encoding, skip, tokenizer, cut, left=left.left_out, passed=passed
    )


def _beheaded(
    sources: list[Source], options: Mapping[str, Any], kind: type[Codec], encoding: str | None
) -> tuple[list[Source], Mapping[str, Any]]:
    """The files, programs without their licences where that is asked for; and the settings that are the codec's own."""
    if licences.SETTING not in options or licences.SETTING in settings.fields(kind.Options) or not is_text(kind):
        return sources, options
    rest = {key: value for key, value in options.items() if key != licences.SETTING}
    if not settings.convert(licences.SETTING, options[licences.SETTING], bool):
        return sources, rest
    programs = {place: _heads(each, encoding) for place, each in enumerate(sources) if licences.is_program(each.suffix)}
    known = licences.recurring(programs.values())
    return [
        replace(each, head=licences.span(programs.get(place, ()), known)) for place, each in enumerate(sources)
    ], rest


def _heads(source: Source, encoding: str | None) -> list[licences.Head]:
    """The comments at the head of a file; none where it cannot be read, as whoever reads it says why."""
    with contextlib.suppress(DataError, StopIteration):
        return licences.heads(next(iter(Reader(source, encoding))))
    return []
