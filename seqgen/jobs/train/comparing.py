"""Which codec suits a corpus of text: a short training with each, for equal time, measured in bits a byte."""

import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from seqgen.checkpoint import Checkpoint
from seqgen.errors import UsageError
from seqgen.jobs.evaluate.job import evaluate
from seqgen.jobs.evaluate.settings import EvaluateJob
from seqgen.jobs.observer import SILENT, Observer
from seqgen.jobs.train.preparing import prepare
from seqgen.jobs.train.settings import TrainJob
from seqgen.jobs.train.stopping import stop_on_signals
from seqgen.tokenization.sources import is_stream
from seqgen.training import occupied, parallel

CODECS = ("char", "subword", "word")  # the simpler ones first
MINUTES = 3.0  # for all together, where nobody says
LIKE = 1.01  # so much more is no difference between short trainings
SEED = 1


@dataclass(frozen=True)
class Trial:
    """What a short training with one codec came to.

    Attributes:
        codec: Its name.
        bits_per_byte: On what was held out; the less, the better.
        bytes_per_token: Of the same.
        vocabulary: Tokens there are.
        parameters: Of the model.
        tokens_per_second: While it trained.
        steps: How many there were.
    """

    codec: str
    bits_per_byte: float
    bytes_per_token: float
    vocabulary: int
    parameters: int
    tokens_per_second: float
    steps: int


@dataclass(frozen=True)
class Comparison:
    """All trials, and what they are good for.

    Attributes:
        trials: In the order of `CODECS`.
        minutes: That each of them trained.
        source: What on.
    """

    trials: Sequence[Trial]
    minutes: float
    source: Sequence[str]

    @property
    def best(self) -> Trial:
        """The one of fewest bits a byte; of those that are within a hundredth of it, the simplest."""
        fewest = min(trial.bits_per_byte for trial in self.trials)
        return next(trial for trial in self.trials if trial.bits_per_byte <= LIKE * fewest)

    @property
    def command(self) -> str:
        """What to train with next."""
        return shlex.join(["seqgen", "train", *self.source, "-c", self.best.codec])

    def table(self) -> str:
        """A line a codec, and the command."""
        lines = [
            f"{'codec':<8} {'bits/byte':>9} {'bytes/token':>11} {'vocabulary':>10} {'parameters':>11} {'tokens/s':>9}"
        ]
        lines += [
            f"{each.codec:<8} {each.bits_per_byte:>9.3f} {each.bytes_per_token:>11.2f} {each.vocabulary:>10,}"
            f" {each.parameters:>11,} {each.tokens_per_second:>9,.0f}"
            for each in self.trials
        ]
        return "\n".join([*lines, "", f"After {60 * self.minutes:,.0f} s each at most: {self.command}"])

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names."""
        return {"trials": list(map(asdict, self.trials)), "minutes": self.minutes, "command": self.command}


def compare(job: TrainJob, observer: Observer = SILENT, folder: Path | None = None) -> Comparison:
    """Train with each codec, measure, and keep nothing.

    Args:
        job: What to train on, and the minutes for all together; with `steps` or `epochs` each ends there, too.
        observer: Is told what each comes to.
        folder: Where the runs are kept, each under its codec; None: nowhere.

    Raises:
        UsageError: The source is a token stream, or more was asked for than goes with a comparison.
        KeyboardInterrupt: A signal came.
        SeqgenError: As `seqgen.jobs.train.job.train`.
    """
    if job.codec or job.resume or job.parent:
        hint = "leave -c, --resume and --from out"
        raise UsageError("a comparison of codecs chooses the codec and begins anew", hint)
    if not job.source or is_stream(job.source) or "-" in job.source:
        raise UsageError("codecs are compared on files", "name files or folders of text, no token stream and no pipe")
    share = (job.minutes or MINUTES) / len(CODECS)
    asked = replace(job, minutes=share, seed=SEED if job.seed is None else job.seed)
    with tempfile.TemporaryDirectory(prefix="seqgen-compare-") as scratch, parallel.session(job.device):
        into = Path(scratch) if folder is None else folder
        trials = []
        for name in CODECS:
            trials.append(_trial(replace(asked, codec=name, output=into / name)))
            observer.note(f"{name}: {trials[-1].bits_per_byte:.3f} bits a byte after {trials[-1].steps:,} steps")
    return Comparison(trials, share, job.source)


def _trial(job: TrainJob) -> Trial:
    try:
        run = prepare(job, SILENT)
        with stop_on_signals(run):
            run.train()
        if run.trainer.stopping:
            raise KeyboardInterrupt
        run.conclude()
    finally:
        occupied.leave(job.output)
    best, progress = Checkpoint.load(run.model_path), run.trainer.progress
    _, found = evaluate(EvaluateJob((str(job.output),), device=job.device)).members[0]
    return Trial(
        str(job.codec),
        found.bits / found.bytes,
        found.bytes / found.tokens,
        best.tokenizer.vocab_size,
        best.parameters,
        progress.tokens / max(progress.seconds, 1e-9),
        progress.total_steps,
    )
