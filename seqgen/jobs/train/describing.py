"""What a run is to learn from, as `seqgen inspect` says it. Imports no torch, so that it is said at once."""

from seqgen.jobs.describe.facts import describe
from seqgen.jobs.describe.rows import titled
from seqgen.jobs.observer import SILENT, Observer
from seqgen.jobs.train.settings import TrainJob
from seqgen.training import occupied


def described(job: TrainJob, observer: Observer = SILENT) -> list[tuple[str, str]]:
    """What `seqgen inspect` says of the sources of a run, row by row.

    Raises:
        SeqgenError: A run lies in its folder already, or a source is not there or cannot be read.
    """
    occupied.require_none(job.output)
    rows = [row for name in job.source for row in titled(describe(name, job.choice, observer))[1]]
    return [row for row in rows if job.codec is None or row[0] != "codec"]  # which is guessed there
