"""Files become a `.tokens` file: what `seqgen tokenize` does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqgen.arguments import MOST_WORKERS, check_types, finite
from seqgen.jobs.observer import SILENT, Observer
from seqgen.stream import TokenStream
from seqgen.tokenization import building
from seqgen.tokenization.sources import resolve


@dataclass(frozen=True)
class TokenizeJob:
    """What to tokenize, how, and where to.

    Attributes:
        source: Files, folders, globs, "-" or a corpus by name.
        output: The file to write.
        codec: How files become tokens; None: guessed from them.
        settings: The codec's by name, and `skip_bad`: leave out what cannot be read.
        workers: Processes that encode.
        encoding: The text's, where it is not UTF-8.
        label: Label every document so, instead of by its folder.
        documents: What of a file a document is: file, line, blank (what stands between blank lines) or a text that
            stands between documents; None: the lines of a list, the file of all else.
        follow_links: Whether links in a folder may lead out of it.
    """

    source: Sequence[str]
    output: Path
    codec: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    workers: int = 1
    encoding: str | None = None
    label: str | None = None
    documents: str | None = None
    follow_links: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        finite("workers", self.workers, f"1 to {MOST_WORKERS}", least=1, most=MOST_WORKERS)


def tokenize(job: TokenizeJob, observer: Observer = SILENT) -> TokenStream:
    """Tokenize files.

    Raises:
        SettingError: A setting, the encoding or the number of workers is out of range.
        DataError: A file cannot be read, or nothing is left to write.
        OutputError: The output cannot be written.
    """
    options, skip_bad = building.separate(job.settings)
    sources = resolve(job.source, observer.note, job.follow_links)
    total = sum(each.path.stat().st_size for each in sources)
    with observer.bar("", total, "B") as advance:
        return building.tokenize(
            sources,
            job.codec,
            options,
            output=job.output,
            workers=job.workers,
            encoding=job.encoding,
            label=job.label,
            skip_bad=skip_bad,
            documents=job.documents,
            note=observer.note,
            progress=advance,
        )
