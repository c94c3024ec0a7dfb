"""One training run from its first step to its checkpoint, or from where it was stopped: what `seqgen train` does."""

from dataclasses import dataclass
from pathlib import Path

from seqgen.checkpoint import Metrics
from seqgen.files import size
from seqgen.jobs.observer import SILENT, Observer
from seqgen.jobs.train import facts
from seqgen.jobs.train.preparing import prepare
from seqgen.jobs.train.settings import TrainJob
from seqgen.jobs.train.stopping import stop_on_signals
from seqgen.training import occupied, parallel
from seqgen.training.run import Run


@dataclass(frozen=True)
class Trained:
    """What became of a run.

    Attributes:
        folder: Where it lies.
        steps: How many it has taken in all.
        stopped: Whether a signal stopped it before its end; everything is saved.
        is_main: Whether this process is the one of the run that writes and speaks.
        metrics: What was measured at its end, by name; empty where it was stopped.
    """

    folder: Path
    steps: int
    stopped: bool
    is_main: bool
    metrics: Metrics


def train(job: TrainJob, observer: Observer = SILENT) -> Trained:
    """Train until the budget is used up, validation no longer improves, or a signal comes.

    SIGINT, SIGTERM and a closed terminal end the run after the step at hand; a second one at once.

    Raises:
        SeqgenError: What was asked for does not fit together, something cannot be read or written, or the loss is not
            a finite number.
    """
    with parallel.session(job.device) as ranks:
        observer = observer if ranks.is_main else SILENT
        try:
            return _trained(prepare(job, observer), observer)
        finally:
            occupied.leave(job.output)


def _trained(run: Run, observer: Observer) -> Trained:
    with stop_on_signals(run):
        run.train()
        # a signal after the last step is not known to all yet
        _, stopped, _ = run.ranks.sync_progress(1.0, run.trainer.stopping)
    steps, metrics = run.trainer.progress.total_steps, Metrics()
    if stopped:
        observer.note(f"\nStopped after {steps:,} steps; everything is saved.")
        observer.note(f"Go on with: seqgen train --resume -o {run.folder}")
    else:
        run.ranks.run_on_main(lambda: metrics.update(conclude(run, observer)))
    return Trained(run.folder, steps, stopped, run.ranks.is_main, metrics)


def conclude(run: Run, observer: Observer) -> Metrics:
    """Measure what was reached, beside the n-gram baseline, and say what to do next.

    Raises:
        SeqgenError: The model predicts nothing of the held-out documents with a finite loss.
    """
    observer.note("Measuring the best model…")
    metrics = run.conclude().metrics
    nats, ngram = metrics["nats_per_token"], metrics["ngram_nats"]
    against = f" ({100 * (nats / ngram - 1):+.0f} %)" if ngram > 0 else ""
    observer.note(
        f"Validation: {nats:.4f} nats per token ({metrics['bits_per_token']:.3f} bits); "
        f"{metrics['ngram_order']}-gram baseline {ngram:.4f}{against}."
    )
    facts.conclude(run, metrics, observer)
    observer.note(f"Checkpoint: {run.model_path} ({size(run.model_path.stat().st_size)})")
    observer.note(f"Next: seqgen generate {run.folder}")
    return metrics
