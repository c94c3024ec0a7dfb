"""Files → a `.tokens` file, in memory that does not grow with the corpus.

Two passes: the codec learns from all pieces (`fitting`), then encodes them. The main process reads, unpacks, cuts
each document where the codec says it may be cut, and writes; encoding is spread over worker processes, and so is the
first pass over a large corpus where the codec counts. Where the cuts
lie and in which order the ids are written does not depend on the number of workers, so neither does the file.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from seqgen.errors import CorpusError, DataError
from seqgen.report import Report
from seqgen.stream import StreamWriter, TokenStream
from seqgen.stream.tables import Shard
from seqgen.tokenization import records
from seqgen.tokenization.cutting import Items, documents, items
from seqgen.tokenization.encodings import likely
from seqgen.tokenization.fitting import fitted, reason_of
from seqgen.tokenization.planning import TokenizePlan, plan, silent
from seqgen.tokenization.pool import Encoded, Job, Result, encoded, spread
from seqgen.tokenization.reading import Reader, shown
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import Note, Source
from seqgen.tokenizer import Tokenizer

Builder = Callable[[TokenizePlan, str | Path, int, Callable[[int], object]], None]


def tokenize(
    sources: Sequence[Source],
    asked: TokenizeSettings,
    output: str | Path,
    *,
    note: Note = silent,
    progress: Callable[[int], object] = lambda count: None,
    builder: Builder | None = None,
) -> TokenStream:
    """Tokenize files into a `.tokens` file.

    Args:
        sources: The files, see `seqgen.tokenization.sources.resolve`.
        asked: How they become tokens.
        output: The file to write, atomically.
        note: Takes remarks for people.
        progress: Takes the number of bytes of each file that is done.
        builder: What carries out the plan instead of `build`.

    Raises:
        UsageError, SettingError: What was asked for does not fit these files.
        DataError: A file cannot be read (CorpusError or the codec's own error), or nothing is left to write.
        OutputError: The output cannot be written.
    """
    made = plan(sources, asked, note)
    made.before.skipped.update(made.passed)
    made.before.leave(made.left)
    (builder or build)(made, output, asked.workers, progress)
    return TokenStream.open(output)


def build(made: TokenizePlan, output: str | Path, workers: int, progress: Callable[[int], object]) -> None:
    """Carry out a plan."""
    write(made, made.tokenizer or fitted(made, partial(spread, workers)), output, workers, progress)


def write(
    made: TokenizePlan,
    tokenizer: Tokenizer,
    output: str | Path,
    workers: int,
    progress: Callable[[int], object],
    shard: Shard | None = None,
) -> None:
    """The second pass: encode a plan's files; as a shard, those of one part, of which all may be left out."""
    with StreamWriter(output, tokenizer.spec(), tokenizer.vocab_size, shard) as writer:
        if shard is None or shard.index == 1:  # told once
            writer.report.add(made.before)
        work = _Work(made, tokenizer, writer, progress)
        with contextlib.closing(encoded(work.jobs(), tokenizer, made.skip_bad, workers)) as results:
            for job, result in results:
                work.take(job, result)
        if not writer.tokens and shard is None:
            raise nothing(writer.report)


class _Work:
    """The second pass: which jobs there are, and what becomes of their results, in the same order.

    A file is committed when its last job is done. Until then it can be taken back whole.
    """

    def __init__(
        self, made: TokenizePlan, tokenizer: Tokenizer, writer: StreamWriter, progress: Callable[[int], object]
    ) -> None:
        self._made = made
        self._tokenizer = tokenizer
        self._writer = writer
        self._progress = progress
        self._lost: set[int] = set()  # files that failed; the reading side may be ahead
        self._begin()

    def _begin(self) -> None:
        """Make ready for the next file."""
        self._take_back = self._writer.mark()
        self._report = Report()
        self._documents = 0
        self._open = False  # whether the present document has tokens

    def jobs(self) -> Iterator[Job]:
        """The pieces to encode: the reading side."""
        for index, source in enumerate(self._made.sources):
            reader = self._made.reader(source)
            try:
                for data, ends in self._cut(source, reader):
                    if index in self._lost:
                        break
                    yield Job(index, data, ends)
                yield Job(index, finished=reader)
            except DataError as error:
                yield Job(index, fault=error)

    def _cut(self, source: Source, reader: Reader) -> Iterator[tuple[bytes | Items, bool]]:
        """(what is encoded at once, whether a document ends with it) of one file."""
        cut, known = self._made.documents, self._tokenizer.labels
        if cut.whole:
            yield from documents(self._tokenizer.codec, iter(reader))
            return
        record = cut.kind == "record"
        for some in records.documents(source, reader, cut, reader.dropped) if record else items(cut, iter(reader)):
            if record and cut.label and some.labels is not None:
                some = Items(some.documents, [label if label in known else None for label in some.labels])
            elif source.label is not None:
                some = Items(some.documents, [source.label] * len(some.documents))
            yield some, True

    def take(self, job: Job, result: Result) -> None:
        """The writing side."""
        if job.source in self._lost:
            return
        if isinstance(result, Encoded):
            self._report.add(result.report)
            self._add(job, result)
        elif job.finished is not None and self._documents:
            self._commit(self._made.sources[job.source], job.finished)
        elif job.finished is not None:
            empty = "is empty" if not job.finished.bytes else "holds nothing that makes a token"
            self._lose(job.source, CorpusError(empty))
        else:
            self._lose(job.source, result or job.fault or CorpusError("cannot be read"))

    def _add(self, job: Job, result: Encoded) -> None:
        ids, label = result.ids, self._made.sources[job.source].label
        if result.framed is not None:
            self._writer.add_documents(*result.framed)
            self._documents += len(result.framed.ends)
            return
        if len(ids):
            if not self._open:
                self._writer.add(self._tokenizer.frame(label))
            self._writer.add(ids)
            self._open = True
        if job.ends and self._open:
            self._writer.end_document(-1 if label is None else self._tokenizer.labels.index(label))
            self._documents += 1
            self._open = False

    def _commit(self, source: Source, reader: Reader) -> None:
        self._report.read, self._report.bytes = 1, reader.bytes
        self._report.dropped.update(reader.dropped)
        if reader.strange.count:
            self._report.strange[likely(reader.strange.sample)] += reader.strange.count
        self._writer.report.add(self._report)
        entry: dict[str, object] = {
            "name": source.name,
            "bytes": reader.bytes,
            "sha256": reader.sha256,
            "documents": self._documents,
        }
        if reader.encoding is not None:
            entry["encoding"] = reader.encoding
        self._writer.sources.append(entry)
        self._progress(reader.bytes)
        self._begin()

    def _lose(self, index: int, error: DataError) -> None:
        """Leave a file out with its reason, or stop."""
        source = self._made.sources[index]
        reason = reason_of(error, source)
        if not self._made.skip_bad:
            hint = error.hint or ("" if len(self._made.sources) == 1 else "drop the file, or pass -P skip_bad true")
            raise type(error)(f"{shown(source)}: {reason}", hint) from error
        self._lost.add(index)
        self._take_back()
        self._writer.report.skipped[source.name] = reason
        self._begin()


def nothing(report: Report) -> CorpusError:
    """None of the files could be tokenized; one of them says why."""
    name, reason = next(reversed(report.skipped.items()))
    others = f"none of {len(report.skipped)} files could be tokenized; the last: " if len(report.skipped) > 1 else ""
    return CorpusError(f"{others}{name}: {reason}", "there is nothing to write")
