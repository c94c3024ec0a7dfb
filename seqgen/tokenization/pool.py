"""Work on a corpus, here or in worker processes, in order: encoding pieces of documents, and whatever is handed over.

Pieces are handed out in small batches and at most two of these for each worker are under way, so memory stays bounded.
Workers are spawned rather than forked: a fork of a process that runs threads can hang. They import nothing from the
current folder, which may be a stranger's corpus.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from seqgen.codecs import Ids
from seqgen.errors import CorpusError, DataError
from seqgen.framing import Framed
from seqgen.report import Report
from seqgen.tokenization.cutting import Items
from seqgen.tokenization.reading import Reader
from seqgen.tokenizer import Spec, Tokenizer

BATCH_BYTES, BATCH_JOBS = 1 << 17, 64  # a batch is handed out when it has reached either


@dataclass(frozen=True)
class Job:
    """One step of tokenizing a corpus.

    Attributes:
        source: The file's index.
        data: A piece of a document to encode, or some whole documents.
        ends: The document ends after this piece.
        finished: All of the file was read, by this reader.
        fault: The file could not be read on.
    """

    source: int
    data: bytes | Items | None = None
    ends: bool = False
    finished: Reader | None = None
    fault: DataError | None = None


@dataclass(frozen=True)
class Encoded:
    """The (N,) ids of a piece, and what was dropped or repaired; of whole documents, where they end."""

    ids: Ids
    report: Report
    framed: Framed | None = None


Kept = TypeVar("Kept")
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Result = Encoded | DataError | None
Results = Generator[tuple[Job, Result], None, None]


def encoded(jobs: Iterator[Job], tokenizer: Tokenizer, salvage: bool, workers: int) -> Results:
    """Each job and what became of its data, in order.

    Args:
        jobs: The jobs, asked for one by one.
        tokenizer: What encodes.
        salvage: Mend and drop what is faulty rather than fail.
        workers: How many processes encode; with one it is this process, and under `python -E`.
    """
    if may_spread(workers):
        batches = (
            ([replace(job, data=None) for job in batch], [job.data for job in batch]) for batch in _batches(jobs)
        )
        for batch, found in _spread(batches, _work, workers, _start, (tokenizer.spec(), salvage)):
            yield from zip(batch, found)
        return
    for job in jobs:
        yield job, None if job.data is None else _encode(tokenizer, job.data, salvage)


def _encode(tokenizer: Tokenizer, data: bytes | Items, salvage: bool) -> Encoded | DataError:
    report = Report()
    try:
        if isinstance(data, Items):
            framed = tokenizer.encode_items(data.documents, data.labels)
            return Encoded(framed.ids, report, framed)
        return Encoded(tokenizer.encode(data, report if salvage else None), report)
    except DataError as error:
        return error


def may_spread(workers: int) -> bool:
    """Whether other processes may be started: not under `python -E`, where `safe_path` is not heard."""
    return workers > 1 and (sys.flags.safe_path or not sys.flags.ignore_environment)


def spread(workers: int, function: Callable[[Asked], Answer], items: Iterable[Asked]) -> Iterator[Answer]:
    """`map`, by processes where they may be started. What the function raises, comes from here."""
    if not may_spread(workers):
        yield from map(function, items)
        return
    with contextlib.closing(_spread(((None, each) for each in items), function, workers, _quiet, ())) as answers:
        for _, answer in answers:
            yield answer


def _spread(
    items: Iterator[tuple[Kept, Asked]],
    function: Callable[[Asked], Answer],
    workers: int,
    start: Callable[..., None],
    given: tuple[Any, ...],
) -> Generator[tuple[Kept, Answer], None, None]:
    """What becomes of the second of each pair, beside the first, in order."""
    with safe_path():  # a process that watches the others starts here
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, context, start, given)
    waiting: deque[tuple[Kept, Future[Answer]]] = deque()
    try:
        for kept, asked in items:
            with safe_path(), without_script():  # workers start here
                waiting.append((kept, pool.submit(function, asked)))
            while len(waiting) > 2 * workers:
                kept, answer = waiting.popleft()
                yield kept, answer.result()
        while waiting:
            kept, answer = waiting.popleft()
            yield kept, answer.result()
    except BrokenProcessPool as error:
        raise CorpusError("a worker process died", "out of memory? try fewer --workers") from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def safe_path() -> Iterator[None]:
    """An interpreter that is started in the body does not put the current folder on its path, as `-c` would.

    multiprocessing hands on `-P` where this interpreter has it, and has no option of its own.
    """
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


@contextlib.contextmanager
def without_script() -> Iterator[None]:
    """A process that multiprocessing starts in the body does not run the script again from which this one was called.

    Workers need nothing of it; a script without `if __name__ == "__main__"` would start workers of its own.
    """
    main = sys.modules["__main__"].__dict__
    before: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
    main.pop("__file__", None)
    main["__spec__"] = None
    try:
        yield
    finally:
        main.pop("__spec__")
        main.update(before)


def _batches(jobs: Iterator[Job]) -> Iterator[list[Job]]:
    """The jobs in order, small ones together: to hand a job over costs as much as to encode a short piece of music."""
    batch, size = list[Job](), 0
    for job in jobs:
        batch.append(job)
        size += 0 if job.data is None else BATCH_BYTES if isinstance(job.data, Items) else len(job.data)
        if size >= BATCH_BYTES or len(batch) >= BATCH_JOBS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


_worker: list[Any] = []  # in a worker process: its tokenizer, and whether it salvages


def _quiet() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's business


def _start(spec: Spec, salvage: bool) -> None:
    _quiet()
    _worker[:] = Tokenizer.from_spec(spec), salvage


def _work(batch: list[bytes | Items | None]) -> list[Result]:
    tokenizer, salvage = _worker
    return [None if data is None else _encode(tokenizer, data, salvage) for data in batch]
