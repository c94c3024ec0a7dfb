"""`seqgen train`: a corpus in, a run folder with a checkpoint out."""

import json
from pathlib import Path
from typing import Any

import click

from seqgen.arguments import MOST, MOST_WORKERS
from seqgen.cli import _completion
from seqgen.cli._config import config_option
from seqgen.cli._observer import Printer
from seqgen.cli._options import (
    HELP,
    Positive,
    SettingsCommand,
    documents_option,
    folder_options,
    json_option,
    note,
    settings_option,
)
from seqgen.cli._paths import Input, Kind, Output
from seqgen.cli._variants import Listing, Variant
from seqgen.errors import UsageError
from seqgen.files import guarding, own
from seqgen.training import presets

PRESETS = (presets.AUTO, *presets.names(), HELP)


@click.command(cls=SettingsCommand, short_help="Train a model on a corpus.")
@click.argument("source", nargs=-1, type=Input(), shell_complete=_completion.sources)
@click.option(
    "-o", "--output", type=Output(Kind.FOLDER), metavar="FOLDER",
    help="The run folder.  [default: checkpoints/<name of the source>]",
)  # fmt: skip
@click.option(
    "-m", "--model", cls=Listing, kind="cells", type=Variant("cells"), help="The cell, lstm where it is not given:"
)
@click.option("--preset", default=presets.AUTO, show_default=True, type=click.Choice(PRESETS), help="A recipe.")
@click.option(
    "--from",
    "parent",
    type=Input(),
    metavar="CHECKPOINT",
    shell_complete=_completion.checkpoints,
    help="Go on from a trained model, on a new corpus.",
)
@click.option(
    "-c", "--codec", cls=Listing, kind="codecs", type=Variant("codecs"),
    help="How files become tokens; guessed where it is not given:",
)  # fmt: skip
@settings_option
@click.option("--minutes", type=Positive(), help="Stop after this long.")
@click.option("--epochs", type=Positive(), help="Stop after so many passes.")
@click.option("--steps", type=click.IntRange(1, MOST), help="Stop after so many updates.")
@click.option(
    "--val",
    "held_out",
    type=Input(),
    metavar="SOURCE",
    shell_complete=_completion.sources,
    help="Validate on this instead of a part of the corpus.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of weights, split and order; fresh where not given.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, MOST_WORKERS), help="Processes that tokenize."
)
@click.option("--encoding", help="The text's encoding, where it is not UTF-8; auto: each file's own.")
@click.option("--label", help="Label every document so, instead of by its folder.")
@documents_option
@click.option("--resume", is_flag=True, help="Go on with the run in the folder; SOURCE is then not needed.")
@click.option(
    "--report", type=Output(), metavar="FILE.html", help="A page about the run; without SOURCE, about the run in -o."
)
@click.option("--compare", type=click.Choice(["codecs"]), help="Which codec suits SOURCE: a short training with each.")
@folder_options
@json_option
@config_option
def command(
    source: tuple[str, ...],
    output: str | None,
    resume: bool,
    report: str | None,
    compare: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a model on SOURCE: files, folders, globs, a .tokens file, or a corpus by name.

    Every setting has a default chosen for the corpus and the machine. Others by -P KEY VALUE: hidden, layers,
    embedding, dropout, batch, window, learning_rate and more; -P help lists them, --preset help the presets.

    \b
      seqgen train plays/ --compare codecs --minutes 3
      seqgen train plays/ -o checkpoints/plays --minutes 5
      seqgen generate checkpoints/plays
    """
    if HELP in options["settings"] or options["preset"] == HELP:
        from seqgen.jobs.train.settings_help import preset_help, settings_help

        asked = HELP in options["settings"]
        click.echo(settings_help(options["model"], options["codec"]) if asked else preset_help())
        return
    if not source and not resume and not (report and output):
        raise UsageError("no SOURCE was given", "name a file, a folder or a corpus, as in: seqgen train shakespeare")
    from seqgen.jobs.train.settings import TrainJob, usual_folder

    observer = Printer()
    job = TrainJob(
        source, Path(output) if output else usual_folder(source), resume=resume, inside=bool(report), **options
    )
    if compare:
        from seqgen.jobs.train.comparing import compare as compared

        found = compared(job, observer, job.output if output else None)
        click.echo(json.dumps(found.to_json()) if as_json else found.table())
        return
    if as_json:
        raise UsageError("--json was given without --compare, whose result it is")
    guarding.reads(*(job.output / name for name in own.RUN_FILES))  # no page about a run takes the place of one
    if source or resume:
        from seqgen.jobs.train.job import train

        trained = train(job, observer)
        if trained.stopped:
            raise click.exceptions.Exit(1)
        if not trained.is_main:
            return
    if report:
        from seqgen.jobs.train.page import write_page

        write_page(job.output, report, observer)
        note(f"Wrote {report}")
