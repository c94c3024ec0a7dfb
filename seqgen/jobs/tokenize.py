"""Files become a `.tokens` file: what `seqgen tokenize` does."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from seqgen.errors import UsageError
from seqgen.files import size
from seqgen.jobs.folders import InTokens
from seqgen.jobs.observer import SILENT, Observer
from seqgen.stream import TokenStream
from seqgen.tokenization import building, sharding
from seqgen.tokenization.sharding import parse_shard
from seqgen.tokenization.sources import resolve
from seqgen.tokenization.telling import strange, told

LABELS = 12  # that are named
SHOWN = 10  # of the files that could not be read


@dataclass(frozen=True)
class TokenizeJob(InTokens):
    """What to tokenize, how, and where to.

    Attributes:
        source: Files, folders, globs, "-" or a corpus by name.
        output: The file to write.
        shard: "3/7": tokenize only the third of seven parts, which `merge` joins; None: all.
        engine: local, or dask: many machines.
        scheduler: For dask: processes or threads of this machine, or a scheduler's address.
    """

    source: Sequence[str]
    output: Path
    shard: str | None = None
    engine: Literal["local", "dask"] = "local"
    scheduler: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.tokenizing(self.settings)
        if self.shard is not None:
            parse_shard(self.shard)
        if self.engine == "dask" and self.shard is not None:
            raise UsageError("both a shard and the engine dask were asked for", "dask makes its own shards")
        if self.scheduler is not None and self.engine != "dask":
            raise UsageError("a scheduler was given, but the engine is local", "--engine dask")


def tokenize(job: TokenizeJob, observer: Observer = SILENT) -> TokenStream:
    """Tokenize files.

    Raises:
        SettingError: A setting of the codec is unknown or out of range.
        DataError: A file cannot be read, or nothing is left to write.
        OutputError: The output cannot be written.
    """
    sources = resolve(job.source, observer.note, job.choice)
    total = sum(each.size for each in sources)
    with observer.bar("", total, "B") as advance:
        return building.tokenize(
            sources,
            job.tokenizing(job.settings),
            job.output,
            note=observer.note,
            progress=advance,
            builder=_builder(job),
        )


def merge(shards: Sequence[Path], output: Path) -> TokenStream:
    """Join the parts of a corpus, see `seqgen.tokenization.sharding.merge`."""
    return sharding.merge(shards, output)


def _builder(job: TokenizeJob) -> building.Builder | None:
    """What carries out the plan; None: the usual."""
    if job.shard is not None:
        return partial(sharding.build_shard, *parse_shard(job.shard))
    if job.engine == "dask":
        from seqgen.tokenization import dask_engine

        return partial(dask_engine.build, job.scheduler or dask_engine.PROCESSES)
    return None


def summary(stream: TokenStream, output: str) -> str:
    """What became of the files, in a few lines.

    Args:
        stream: What was made of them.
        output: What to call it.
    """
    report = stream.report
    documents, files = _count(stream.documents, "document"), _count(report.read, "file")
    part = "" if stream.shard is None else f", shard {stream.shard.index}/{stream.shard.count}"
    read = f"{files} ({size(report.bytes)})" if report.bytes else files
    lines = [f"{output}: {len(stream.ids):,} tokens in {documents} from {read}, vocabulary {stream.vocab_size:,}{part}"]
    if names := stream.codec_spec["labels"]:
        more = f" and {len(names) - LABELS:,} more" if len(names) > LABELS else ""
        lines.append(f"Labels: {', '.join(names[:LABELS])}{more}")
    for title, counts in (("Dropped", report.dropped), ("Repaired", report.repaired)):
        if counts:
            lines.append(f"{title}: " + ", ".join(f"{kind} {count:,}" for kind, count in counts.most_common()))
    if report.skipped:
        lines.append(f"Skipped {_count(len(report.skipped), 'file')}:")
        lines += [f"  {name}: {reason}" for name, reason in list(report.skipped.items())[:SHOWN]]
    if len(report.skipped) > SHOWN:
        lines.append(f"  and {len(report.skipped) - SHOWN:,} more; `seqgen inspect {output} --json` lists them")
    return "\n".join([*lines, *told(report, report.bytes), *strange(report)])


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
