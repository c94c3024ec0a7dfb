"""`seqgen tokenize`: files in, a `.tokens` file out."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from seqgen.arguments import MOST_WORKERS
from seqgen.cli import _completion
from seqgen.cli._config import config_option
from seqgen.cli._observer import Printer
from seqgen.cli._options import SettingsCommand, documents_option, folder_options, note, settings_option
from seqgen.cli._paths import Input, Output
from seqgen.cli._variants import Listing, Variant
from seqgen.files import STANDARD, atomic_write, is_device, own, standard_output


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
@click.option("--encoding", help="The text's encoding, where it is not UTF-8; auto: each file's own.")
@click.option("--label", help="Label every document so, instead of by its folder.")
@documents_option
@click.option("--shard", metavar="I/N", help="Only part I of N, for `seqgen merge`.")
@click.option("--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True, help="Where.")
@click.option("--scheduler", metavar="ADDRESS", help="For dask: processes, threads, or as in tcp://host:8786.")
@folder_options
@config_option
def command(source: tuple[str, ...], output: str, **how: Any) -> None:
    """Turn SOURCE into a stream of token ids.

    SOURCE is a file (also .gz and .zst), a folder, a glob, - or the name of a corpus. Subfolders become labels where
    there are at least two. Settings of the codec are given with -P; `-P skip_bad true` leaves out files that cannot be
    read, which is the default for more than one file, and false makes the first of them an error. `-P strip_licence
    true` leaves out comments at the head of programs that speak of copyright or licence, or that recur in three.

    \b
      seqgen tokenize plays/ -o plays.tokens
      seqgen tokenize corpora/bach -c midi -o bach.tokens --workers 4
    """
    from seqgen.jobs.tokenize import TokenizeJob, summary
    from seqgen.jobs.tokenize import tokenize as work

    with target(output) as path:
        stream = work(TokenizeJob(source, path, **how), Printer())
    note(summary(stream, output))


@contextlib.contextmanager
def target(output: str) -> Iterator[Path]:
    """Where to write: the output itself, or a file that goes to a stream or a device when it is whole."""
    if output != STANDARD and not is_device(Path(output)):
        yield Path(output)
        return
    with tempfile.TemporaryDirectory(prefix="seqgen-") as folder:
        path = Path(folder) / "out.tokens"
        yield path
        with path.open("rb") as file, standard_output() if output == STANDARD else atomic_write(output) as out:
            shutil.copyfileobj(file, out)
