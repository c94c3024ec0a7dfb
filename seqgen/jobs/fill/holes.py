"""Where the hole in a text is: at a mark, or in place of lines."""

import contextlib
from collections.abc import Iterator

from seqgen.api.filling import Hole
from seqgen.api.primer import read_prompt
from seqgen.errors import MidiError, UsageError
from seqgen.jobs.fill.settings import FillJob, span


@contextlib.contextmanager
def named(name: str) -> Iterator[None]:
    """What is wrong with a file of music is said with its name."""
    try:
        yield
    except MidiError as error:
        raise MidiError(f"{name}: {error.message}", error.hint) from error


def content(job: FillJob) -> bytes:
    """What the file holds.

    Raises:
        CorpusError: It cannot be read, or is longer than a prompt may be.
    """
    return read_prompt(job.file) if job.given is None else job.given


def hole_of(job: FillJob, data: bytes) -> Hole:
    """The one hole in a text.

    Raises:
        UsageError: There is none, or there are several.
    """
    if job.lines is not None:
        first, last = (int(each) for each in span(job.lines, "--lines"))
        return of_lines(data, first, last, job.file)
    if job.at is not None:
        return of_bytes(data, *job.at, job.file)
    mark = job.mark.encode("utf-8", "surrogateescape")
    count = data.count(mark)
    if count == 0:
        hint = f"put {job.mark} where something is wanted, or give --lines 10:20"
        raise UsageError(f"{job.file}: has no hole", hint)
    if count > 1:
        raise UsageError(f"{job.file}: has {count} holes, expected one", "fill one after the other, or give --lines")
    left, _, right = data.partition(mark)
    return Hole(left, right)


def of_lines(data: bytes, first: int, last: int, name: str = "the file") -> Hole:
    """A hole in the place of whole lines, counted from 1, both included.

    Raises:
        UsageError: There are no such lines.
    """
    lines = data.splitlines(keepends=True) if b"\r" not in data else _lines(data)
    if last > len(lines):
        hint = "count from 1, both lines included" if lines else "put {{fill}} where something is wanted"
        raise UsageError(f"{name}: has {len(lines):,} lines, so there is no line {last:,}", hint)
    left, was, right = (b"".join(part) for part in (lines[: first - 1], lines[first - 1 : last], lines[last:]))
    return Hole(left, right, was, lines=was.endswith(b"\n"))


def of_bytes(data: bytes, first: int, last: int, name: str = "the file") -> Hole:
    """A hole in the place of bytes, from `first` to before `last`; whole lines where it begins and ends with such.

    Raises:
        UsageError: There are no such bytes.
    """
    if not 0 <= first <= last <= len(data):
        raise UsageError(f"{name}: has {len(data):,} bytes, so there is no hole from {first:,} to {last:,}")
    left, was, right = data[:first], data[first:last], data[last:]
    return Hole(left, right, was or None, lines=was.endswith(b"\n") and (not left or left.endswith(b"\n")))


def _lines(data: bytes) -> list[bytes]:
    """Lines as the codecs know them: a line ends with its line feed."""
    pieces = data.split(b"\n")
    return [piece + b"\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])
