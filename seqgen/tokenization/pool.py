"""Encoding pieces of documents, here or in worker processes, in order. Knows no files.

Pieces are handed out one by one and at most two for each worker are under way, so memory stays bounded. Workers are
spawned rather than forked: a fork of a process that runs threads can hang.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from typing import Any

from seqgen.codecs import Ids
from seqgen.errors import CorpusError, DataError
from seqgen.report import Report
from seqgen.tokenization.reading import Reader
from seqgen.tokenizer import Tokenizer


@dataclass(frozen=True)
class Job:
    """One step of tokenizing a corpus.

    Attributes:
        source: The file's index.
        data: A piece of a document to encode.
        ends: The document ends after this piece.
        finished: All of the file was read, by this reader.
        fault: The file could not be read on.
    """

    source: int
    data: bytes | None = None
    ends: bool = False
    finished: Reader | None = None
    fault: DataError | None = None


@dataclass(frozen=True)
class Encoded:
    """The (N,) ids of a piece, and what was dropped or repaired."""

    ids: Ids
    report: Report


Result = Encoded | DataError | None
Results = Generator[tuple[Job, Result], None, None]


def encoded(jobs: Iterator[Job], tokenizer: Tokenizer, salvage: bool, workers: int) -> Results:
    """Each job and what became of its data, in order.

    Args:
        jobs: The jobs, asked for one by one.
        tokenizer: What encodes.
        salvage: Mend and drop what is faulty rather than fail.
        workers: How many processes encode; with one it is this process.
    """
    if workers > 1:
        yield from _spread(jobs, tokenizer, salvage, workers)
        return
    for job in jobs:
        yield job, None if job.data is None else _encode(tokenizer, job.data, salvage)


def _encode(tokenizer: Tokenizer, data: bytes, salvage: bool) -> Encoded | DataError:
    report = Report()
    try:
        return Encoded(tokenizer.encode(data, report if salvage else None), report)
    except DataError as error:
        return error


def _spread(jobs: Iterator[Job], tokenizer: Tokenizer, salvage: bool, workers: int) -> Results:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _start, (tokenizer.spec(), salvage))
    waiting: deque[tuple[Job, Future[Encoded | DataError] | None]] = deque()
    under_way = 0
    try:
        for job in jobs:
            future = None if job.data is None else pool.submit(_work, job.data)
            waiting.append((replace(job, data=None), future))
            under_way += future is not None
            while under_way > 2 * workers:
                first, result = waiting.popleft()
                under_way -= result is not None
                yield first, None if result is None else result.result()
        while waiting:
            first, result = waiting.popleft()
            yield first, None if result is None else result.result()
    except BrokenProcessPool as error:
        raise CorpusError("a worker process died", "out of memory? try fewer --workers") from error
    finally:
        pool.shutdown(cancel_futures=True)


_worker: list[Any] = []  # in a worker process: its tokenizer, and whether it salvages


def _start(spec: dict[str, Any], salvage: bool) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's business
    _worker[:] = Tokenizer.from_spec(spec), salvage


def _work(data: bytes) -> Encoded | DataError:
    tokenizer, salvage = _worker
    return _encode(tokenizer, data, salvage)
