"""From what was asked for to a run that is ready to train: its corpus, its plan, the weights that it begins with."""

from dataclasses import replace

from seqgen.errors import UsageError
from seqgen.jobs.observer import Observer
from seqgen.jobs.train import facts
from seqgen.jobs.train.planning import Parent, Recalled, model_of, new_plan, old_plan, preset_of, recall
from seqgen.jobs.train.settings import TrainJob
from seqgen.jobs.train.streams import open_held_out, open_stream, shares
from seqgen.jobs.train.watching import INSIDE_FILE, Samples, Watch, drop_after, sampler
from seqgen.tokenization.meaning import tokenizer_of
from seqgen.training import growing, parallel
from seqgen.training.corpus import TrainingCorpus
from seqgen.training.device import pick_device
from seqgen.training.plan import TrainPlan
from seqgen.training.run import Inherited, Run
from seqgen.training.splitting import SPLIT

SHOWN = 8  # new tokens that are named


def prepare(job: TrainJob, observer: Observer) -> Run:
    """A run that is ready to train, introduced to whoever watches.

    Raises:
        SeqgenError: What was asked for does not fit together, or something cannot be read.
    """
    run, samples = planned(job, observer)
    _begin(run, job.resume, samples, observer)
    facts.introduce(run, observer)
    return run


def planned(job: TrainJob, observer: Observer) -> tuple[Run, Samples]:
    """A run as it would be, and what is to keep its samples; nothing is written but the corpus's tokens in the cache.

    Raises:
        SeqgenError: As in `prepare`.
    """
    # 1) what earlier calls left
    if job.resume and job.parent:
        raise UsageError("both --resume and --from were given", "--from begins a run, --resume goes on with one")
    recalled = recall(job.output) if job.resume else None
    parent = Parent.load(job.parent) if job.parent else None
    # 2) what cannot be is refused before the corpus is read
    pick_device(job.device)
    preset_of(job)
    for_codec, for_training = shares(job, recalled.plan["model"] if recalled else model_of(job, parent), observer)
    # 3) corpus and plan
    with parallel.current().in_turn():
        corpus = _corpus(job, for_codec, recalled, parent, observer)
    if recalled:
        plan = old_plan(job, recalled.plan, for_training)
    else:
        plan = new_plan(job, corpus.stream, for_training, parent)
    if plan.train.infill:
        corpus = replace(corpus, tokenizer=corpus.tokenizer.with_holes())
    # 4) the run
    watch = Watch(observer, Samples(job.output))
    inherited = None if parent is None else _grown(parent, corpus, plan, observer)
    run = Run(job.output, corpus, plan, watch, inherited)
    watch.sample = sampler(run)
    if job.inside:
        _watch_inside(run, watch)
    return run, watch.samples


def _corpus(
    job: TrainJob, for_codec: dict[str, object], recalled: Recalled | None, parent: Parent | None, observer: Observer
) -> TrainingCorpus:
    """What the run learns from and is validated on: as the job says, or as the run that goes on has it."""
    source, held_out = job.source, job.held_out
    if recalled is not None:
        source, held_out = source or (recalled.stream,), held_out or recalled.held_out
    stream = open_stream(job, source, for_codec, parent, observer)
    own = None if held_out is None else open_held_out(job, held_out, stream, observer)
    version = SPLIT if recalled is None else recalled.version
    return TrainingCorpus(stream, tokenizer_of(stream), own, version)


def _begin(run: Run, resume: bool, samples: Samples, observer: Observer) -> None:
    """Make the run folder, or go back to where an earlier call stopped."""
    if not resume:
        run.start()
        return
    if remark := run.resume():
        observer.note(f"{remark}. The run goes on.")
    done = run.trainer.progress.total_steps
    run.ranks.run_on_main(lambda: samples.drop_after(done))
    if (inside := run.folder / INSIDE_FILE).exists():
        run.ranks.run_on_main(lambda: drop_after(inside, done))


def _watch_inside(run: Run, watch: Watch) -> None:
    """Keep what goes on inside at each validation."""
    from seqgen.jobs.train.inside import InsideLog, looker  # not needed where nobody asks

    log, look = InsideLog(run.folder), looker(run)
    watch.look = lambda step: log.keep(look(step))


def _grown(parent: Parent, corpus: TrainingCorpus, plan: TrainPlan, observer: Observer) -> Inherited:
    """The checkpoint's weights with rows for what the corpus holds anew, and what its training saw."""
    tokenizer = corpus.tokenizer
    known, vocabulary = parent.checkpoint.tokenizer.vocabulary(), tokenizer.vocabulary()
    place = growing.places(known, vocabulary)
    counts = growing.count_tokens(corpus.stream.ids, tokenizer.vocab_size)
    new = sorted(set(range(len(vocabulary))) - set(place.tolist()))
    names = " ".join(vocabulary[index] for index in new[:SHOWN]) + " …" * (len(new) > SHOWN)
    shown = f"{len(new)} new tokens ({names})" if new else "no new tokens"
    observer.note(f"Going on from {parent.name} ({parent.sha256[:12]}): {shown}.")
    seen = parent.checkpoint.seen
    moved = None if seen is None else seen.moved(place, tokenizer.vocab_size)
    return Inherited(growing.grow(parent.checkpoint.weights, place, counts, plan.seed), moved)
