"""`seqgen tokenize`: files in, a `.tokens` file out."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgen.arguments import MOST_WORKERS
from seqgen.cli import _completion
from seqgen.cli._config import config_option
from seqgen.cli._observer import Printer
from seqgen.cli._options import SettingsCommand, documents_option, follow_links_option, note, settings_option
from seqgen.cli._paths import Input, Output
from seqgen.cli._variants import Listing, Variant
from seqgen.files import STANDARD, atomic_write, is_device, own, standard_output

if TYPE_CHECKING:
    from seqgen.stream import TokenStream

SHOWN = 10


@click.command(cls=SettingsCommand, short_help="Turn SOURCE into a stream of token ids.")
@click.argument("source", nargs=-1, required=True, type=Input(), shell_complete=_completion.sources)
@click.option(
    "-o", "--output", required=True, type=Output(container=own.STREAM), metavar="FILE.tokens",
    help="The stream to write, or - for stdout.",
)  # fmt: skip
@click.option(
    "-c", "--codec", cls=Listing, kind="codecs", type=Variant("codecs"),
    help="How files become tokens; guessed where it is not given:",
)  # fmt: skip
@settings_option
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, MOST_WORKERS), help="Processes that encode."
)
@click.option("--encoding", help="The text's encoding, where it is not UTF-8.")
@click.option("--label", help="Label every document so, instead of by its folder.")
@documents_option
@follow_links_option
@config_option
def command(source: tuple[str, ...], output: str, **how: Any) -> None:
    """Turn SOURCE into a stream of token ids.

    SOURCE is a file (also .gz and .zst), a folder, a glob, - or the name of a corpus. Subfolders become labels where
    there are at least two. Settings of the codec are given with -P; `-P skip_bad true` leaves out files that cannot be
    read, which is the default for more than one file, and false makes the first of them an error.

    \b
      seqgen tokenize plays/ -o plays.tokens
      seqgen tokenize corpora/bach -c midi -o bach.tokens --workers 4
    """
    from seqgen.jobs.tokenize import TokenizeJob
    from seqgen.jobs.tokenize import tokenize as work

    with _target(output) as path:
        stream = work(TokenizeJob(source, path, **how), Printer())
    note(_summary(stream, output))


@contextlib.contextmanager
def _target(output: str) -> Iterator[Path]:
    """Where to write: the output itself, or a file that goes to a stream or a device when it is whole."""
    if output != STANDARD and not is_device(Path(output)):
        yield Path(output)
        return
    with tempfile.TemporaryDirectory(prefix="seqgen-") as folder:
        path = Path(folder) / "out.tokens"
        yield path
        with path.open("rb") as file, standard_output() if output == STANDARD else atomic_write(output) as out:
            shutil.copyfileobj(file, out)


def _summary(stream: "TokenStream", output: str) -> str:
    """What became of the files, in a few lines."""
    report = stream.report
    documents, files = _count(stream.documents, "document"), _count(report.read, "file")
    lines = [f"{output}: {len(stream.ids):,} tokens in {documents} from {files}, vocabulary {stream.vocab_size:,}"]
    if names := stream.codec_spec["labels"]:
        lines.append(f"Labels: {', '.join(names)}")
    for title, counts in (("Dropped", report.dropped), ("Repaired", report.repaired)):
        if counts:
            lines.append(f"{title}: " + ", ".join(f"{kind} {count:,}" for kind, count in counts.most_common()))
    if report.skipped:
        lines.append(f"Skipped {_count(len(report.skipped), 'file')}:")
        lines += [f"  {name}: {reason}" for name, reason in list(report.skipped.items())[:SHOWN]]
    if len(report.skipped) > SHOWN:
        lines.append(f"  and {len(report.skipped) - SHOWN:,} more; `seqgen inspect {output} --json` lists them")
    return "\n".join(lines)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
