"""`seqgen train`: a corpus in, a run folder with a checkpoint out."""

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqgen import registry
from seqgen.cli._config import config_option
from seqgen.cli._options import (
    HELP,
    MOST,
    MOST_WORKERS,
    Positive,
    SettingsCommand,
    follow_links_option,
    note,
    settings_option,
)
from seqgen.cli._paths import Input, Kind, Output
from seqgen.errors import UsageError
from seqgen.files import guarding, own
from seqgen.jobs.interrupts import SIGNALS, wanted
from seqgen.training import presets

if TYPE_CHECKING:
    from seqgen.training.run import Run

MOMENT = 3.0  # seconds in which a signal reaches all processes of a run
PRESETS = (presets.AUTO, *presets.names(), HELP)


@click.command(cls=SettingsCommand, short_help="Train a model on a corpus.")
@click.argument("source", nargs=-1, type=Input())
@click.option(
    "-o", "--output", type=Output(Kind.FOLDER), metavar="FOLDER",
    help="The run folder.  [default: checkpoints/<name of the source>]",
)  # fmt: skip
@click.option("-m", "--model", type=click.Choice(registry.names("models")), help="The cell.  [default: lstm]")
@click.option("--preset", default=presets.AUTO, show_default=True, type=click.Choice(PRESETS), help="A recipe.")
@click.option(
    "--from", "parent", type=Input(), metavar="CHECKPOINT", help="Go on from a trained model, on a new corpus."
)
@click.option("-c", "--codec", help="How files become tokens; guessed from the files where it is not given.")
@settings_option
@click.option("--minutes", type=Positive(), help="Stop after this long.")
@click.option("--epochs", type=Positive(), help="Stop after so many passes.")
@click.option("--steps", type=click.IntRange(1, MOST), help="Stop after so many updates.")
@click.option(
    "--val", "held_out", type=Input(), metavar="SOURCE", help="Validate on this instead of a part of the corpus."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of weights, split and order; fresh where not given.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, MOST_WORKERS), help="Processes that tokenize."
)
@click.option("--encoding", help="The text's encoding, where it is not UTF-8.")
@click.option("--label", help="Label every document so, instead of by its folder.")
@click.option("--resume", is_flag=True, help="Go on with the run in the folder; SOURCE is then not needed.")
@click.option(
    "--report", type=Output(), metavar="FILE.html", help="A page about the run; without SOURCE, about the run in -o."
)
@follow_links_option
@config_option
def command(source: tuple[str, ...], output: str | None, resume: bool, report: str | None, **options: Any) -> None:
    """Train a model on SOURCE: files, folders, globs, a .tokens file, or a corpus by name.

    Every setting has a default chosen for the corpus and the machine. Others by -P KEY VALUE: hidden, layers,
    embedding, dropout, batch, window, learning_rate and more; -P help lists them, --preset help the presets.

    \b
      seqgen train plays/ -o checkpoints/plays --minutes 5
      seqgen generate checkpoints/plays
    """
    from seqgen.jobs.train import page, preparing, settings_help
    from seqgen.training import occupied, parallel

    if HELP in options["settings"]:
        click.echo(settings_help.settings_help(options["model"], options["codec"]))
        return
    if options["preset"] == HELP:
        click.echo(settings_help.preset_help())
        return
    if not source and not resume and not (report and output):
        raise UsageError("no SOURCE was given", "name a file, a folder or a corpus, as in: seqgen train shakespeare")
    folder = Path(output) if output else Path("checkpoints") / _name(source)
    guarding.reads(*(folder / name for name in own.RUN_FILES))  # no page about a run takes the place of one
    if source or resume:
        with parallel.session(options["device"]) as ranks:
            try:
                stopped = _train(preparing.prepare(folder, source, resume, options), folder)
            finally:
                occupied.leave(folder)
        if stopped:
            raise click.exceptions.Exit(1)
        if not ranks.leads:
            return
    if report:
        page.write_page(folder, report)
        note(f"Wrote {report}")


def _train(run: "Run", folder: Path) -> bool:
    """Train until the end; returns whether a signal stopped it."""
    from seqgen.jobs.train import preparing

    with _stop_on_signals(run):
        run.train()
        _, stopped, _ = run.ranks.steer(
            1.0, run.trainer.stopping
        )  # a signal after the last step is not known to all yet
    if stopped:
        note(f"\nStopped after {run.trainer.progress.total_steps:,} steps; everything is saved.")
        note(f"Go on with: seqgen train --resume -o {folder}")
    else:
        run.ranks.lead(lambda: preparing.conclude(run))
    return stopped


def _name(source: tuple[str, ...]) -> str:
    """A run's name after its first source."""
    first = Path(source[0]).name.partition(".")[0] if source else ""
    if not first or not first.strip("-*?"):
        raise UsageError("no name for the run folder", "give one with -o checkpoints/NAME")
    return first


@contextlib.contextmanager
def _stop_on_signals(run: "Run") -> Iterator[None]:
    """SIGINT, SIGTERM and a closed terminal end the run after the step at hand, and it is saved; a second one at once.

    Under nohup a closed terminal goes on being ignored. Of several processes each may hear of one Ctrl-C from the
    terminal, from torchrun and from the others: what comes within a moment is one signal.
    """
    first: float | None = None

    def stop(number: int, frame: object) -> None:
        nonlocal first
        now = time.monotonic()
        first = now if first is None else first
        if run.trainer.stopping and now - first > (0 if run.ranks.count == 1 else MOMENT):
            raise KeyboardInterrupt
        run.trainer.stopping = True

    numbers = [number for number in SIGNALS if number in (signal.SIGINT, signal.SIGTERM) or wanted(number)]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
