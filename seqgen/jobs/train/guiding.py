"""What can be said of a run before anybody begins it: the guidance that training would give."""

from typing import TypedDict

from seqgen.jobs.observer import SILENT, Observer
from seqgen.jobs.train.facts import said_before
from seqgen.jobs.train.preparing import planned
from seqgen.jobs.train.settings import TrainJob
from seqgen.training import parallel


class Guidance(TypedDict):
    """What is known of a run that has not begun: its codec, and what `seqgen train` says before its first step."""

    codec: str
    said: list[str]


def guide(job: TrainJob, observer: Observer = SILENT) -> Guidance:
    """Plan a run, and leave it at that. The corpus's tokens are in the cache then, and training begins the sooner.

    Raises:
        SeqgenError: What training would refuse, in its words.
    """
    with parallel.session(job.device):
        run, _ = planned(job, observer)
        return Guidance(codec=run.tokenizer.codec_name, said=said_before(run))
