"""What `seqgen look` does: read a text, look at a model over it, write a page, a picture or data."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqgen import hub
from seqgen.arguments import check_types
from seqgen.checkpoint import Checkpoint
from seqgen.errors import CorpusError, UsageError
from seqgen.files import STANDARD, write_bytes
from seqgen.inside.naming import read_name
from seqgen.jobs.observer import SILENT, Observer
from seqgen.settings import require

if TYPE_CHECKING:
    from seqgen.inside.look import Look
    from seqgen.inside.seen import Reading

KINDS = (".html", ".png", ".svg", ".json")
MOST_BYTES = 4_000_000  # of a file; all beyond what is searched would be left out anyway
LONGEST = 20_000  # tokens that a page can hold


@dataclass(frozen=True)
class LookJob:
    """What to look at.

    Attributes:
        checkpoint: A run folder, a file or a published name.
        text: A text, or the name of a file; "-": standard input. For music a file.
        output: A .html, .png, .svg or .json file; None: nothing is written.
        kind: What it is to be, html, png, svg or json; None: as its name says.
        corpus: Files, folders, a stream or a corpus in which cells are searched; nothing: the text.
        cells: Names of cells to show first.
        window: Tokens that are shown.
        label: Of the document.
        further: What is seen besides cells and gates, of gradients, saliency and errors; the first two take torch.
        at: The token, from 1 on, whose prediction saliency explains; None: it is chosen.
    """

    checkpoint: str
    text: str
    output: str | None = None
    corpus: Sequence[str] = ()
    cells: Sequence[str] = ()
    window: int = 5_000
    label: str | None = None
    further: Sequence[str] = ("gradients", "saliency", "errors")
    at: int | None = None
    kind: str | None = None

    def __post_init__(self) -> None:
        check_types(self)
        require(1 <= self.window <= LONGEST, "window", self.window, f"1 to {LONGEST:,} tokens, which a page can hold")


def look(job: LookJob, observer: Observer = SILENT) -> "Look":
    """Look, and write what was asked for.

    Raises:
        UsageError: There is no such cell or label, or the output has another ending.
        DataError: The text or the corpus cannot be read.
    """
    from seqgen.inside.look import look as looked

    kind = suffix(job.output) if job.kind is None else f".{job.kind}"
    names = [read_name(name) for name in job.cells]
    name = hub.pinned(job.checkpoint) if hub.is_name(job.checkpoint) else job.checkpoint
    checkpoint = Checkpoint.load(name)
    what = _read(job, checkpoint, observer)
    if what.remark:
        observer.note(f"The page holds a window: {what.remark}; --window shows more.")
    found = looked(
        checkpoint, what, names, Path(name).name or name, wanted=job.further, at=None if job.at is None else job.at - 1
    )
    if job.output is not None:
        write_bytes(job.output, made(found, kind))
        if job.output != STANDARD:
            observer.note(f"Wrote {job.output}")
    return found


def suffix(output: str | None) -> str:
    """What an output is to be, by its name.

    Raises:
        UsageError: It does not say.
    """
    kind = ".html" if output is None or output == STANDARD else Path(output).suffix.lower()
    if kind not in KINDS:
        raise UsageError(
            f"{output}: cannot tell what to write, expected one of {', '.join(KINDS)}", "-o page.html, or --format html"
        )
    return kind


def made(found: "Look", kind: str) -> bytes:
    """A look as a file."""
    if kind == ".html":
        return found.page().encode("utf-8")
    if kind == ".json":
        import json

        return json.dumps(found.to_json()).encode("ascii")
    return found.picture(kind.removeprefix("."))


def _read(job: LookJob, checkpoint: Checkpoint, observer: Observer) -> "Reading":
    """The text, and the corpus in which cells are searched."""
    from seqgen.inside.look import MOST, reading

    data = _bytes(job.text, checkpoint.tokenizer.is_text)
    what = reading(checkpoint.tokenizer, data, job.window, job.label)
    if not job.corpus:
        return what
    from seqgen.jobs.evaluate.corpora import opened

    documents = opened(job.corpus, checkpoint.tokenizer, observer=observer)
    ids = documents.ids[:MOST].astype(np.int64)
    starts = documents.starts[documents.starts < len(ids)]
    return replace(what, corpus=ids, starts=np.append(starts, len(ids)))


def _bytes(text: str, is_text: bool) -> bytes:
    """What is looked at: a file where there is one of this name, else the words themselves."""
    import sys

    if text == STANDARD:
        return sys.stdin.buffer.read(MOST_BYTES)
    if not is_text or _is_file(text):
        try:
            with Path(text).open("rb") as file:
                return file.read(MOST_BYTES)
        except OSError as error:
            raise CorpusError(f"{text[:80]}: cannot be read ({error.strerror})", "name a file of music") from error
        except ValueError as error:
            raise CorpusError(f"{text[:80]!r} cannot be the name of a file") from error
    return text.encode("utf-8", "surrogateescape")


def _is_file(text: str) -> bool:
    """Whether a text is the name of a file; a text of many lines is none, which some systems call an error."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False
