"""What is said before a run and after it: the numbers for `seqgen.jobs.train.guidance`, gathered."""

import dataclasses
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqgen.jobs.observer import Observer
from seqgen.jobs.train import guidance, verdict
from seqgen.jobs.train.guidance import Before
from seqgen.jobs.train.planning import describe_shape, weight_count
from seqgen.jobs.train.verdict import After, Check
from seqgen.stream import TokenStream
from seqgen.tokenizer import Tokenizer
from seqgen.training import defaults, duplicates, presets
from seqgen.training.corpus import TrainingCorpus
from seqgen.training.device import caution, describe
from seqgen.training.estimate import estimate
from seqgen.training.packing import REACH
from seqgen.training.run import Run
from seqgen.training.splitting import FAIRLY

WIDTH = 80
READ = 1 << 21  # tokens whose lines are compared
LONG = 20  # characters: shorter lines repeat by nature
FIGURES = re.compile(rb"[\s\d]+")


def introduce(run: Run, observer: Observer) -> None:
    """One paragraph before training; where the run goes on, how far it is."""
    trainer, steps = run.trainer, run.trainer.progress.total_steps
    if steps:
        share = trainer.used()
        said = guidance.going_on(steps, share, share >= 1 or trainer.out_of_patience())
        observer.note(textwrap.fill(said, WIDTH))
    about, *others = said_before(run)
    for said in (f"{about} Seed {run.plan.seed}. Ctrl-C stops and saves.", *others):
        observer.note(textwrap.fill(said, WIDTH))


def said_before(run: Run) -> list[str]:
    """The guidance of a run that begins: corpus, model, device and time; how short documents are read; a caution."""
    said = [guidance.before(facts_before(run))]
    if run.plan.train.pack:
        lengths = (run.train_spans.end - run.train_spans.begin).tolist()
        said.append(guidance.packed(lengths, run.plan.train.window * REACH))
    if warning := caution(run.plan.device):
        said.append(warning)
    return said


def conclude(run: Run, metrics: Mapping[str, Any], observer: Observer) -> None:
    """Plain words after training."""
    progress = run.trainer.progress
    said = advice(run.plan.to_json(), progress.history, metrics, progress.rollbacks)
    observer.note(textwrap.fill(said, WIDTH))


def facts_before(run: Run) -> Before:
    """What is known of a run before its first step."""
    plan, stream, tokenizer = run.plan, run.stream, run.tokenizer
    found = estimate(plan, tokenizer.vocab_size)
    precision = str(run.trainer.step.precision).removeprefix("torch.")
    return Before(
        tokens=len(stream.ids),
        documents=stream.documents,
        held_out=run.validation_spans.tokens,
        train_tokens=run.train_spans.tokens,
        codec=tokenizer.codec_name,
        vocabulary=tokenizer.vocab_size,
        copies=copied(run.corpus) if tokenizer.documents.whole else 0,
        apart=run.corpus.held_out is None and run.corpus.version <= FAIRLY,
        repeated=repeated_lines(stream, tokenizer),
        chosen=_chosen_by(run),
        shape=describe_shape(plan),
        parameters=weight_count(plan, tokenizer.vocab_size),
        device=f"{describe(plan.device)}, {precision}",
        rate=found.rate,
        memory=found.memory,
        minutes=plan.budget.minutes,
        epochs=plan.budget.epochs,
        steps=plan.budget.steps,
        step_tokens=plan.train.batch * plan.train.window,
        done=min(1.0, run.trainer.used()),
    )


def _chosen_by(run: Run) -> str:
    """What decided on the model's shape: a preset or "auto", "settings" that were given, or "checkpoint"."""
    plan = run.plan
    if plan.parent is not None:
        return "checkpoint"
    own = defaults.is_chosen(dataclasses.asdict(plan.shape), plan.device.type)
    return plan.preset if own or plan.preset != presets.AUTO else "settings"


def advice(
    plan: Mapping[str, Any], log: Sequence[Mapping[str, Any]], metrics: Mapping[str, Any], rollbacks: int = 0
) -> str:
    """The sentences after a run, from its plan as JSON, its validations and what was measured at its end."""
    checks = [
        Check(line["step"], line["epoch"], line["nats"], line["validation_nats"])
        for line in log
        if line.get("validation_nats") is not None
    ]
    best = min(range(len(checks)), key=lambda index: checks[index].validation, default=0)
    train, shape, patience = plan["train"], plan["settings"], plan["train"]["patience"]
    return verdict.after(
        After(
            checks,
            metrics["nats_per_token"],
            metrics["ngram_nats"],
            train["dropout"],
            shape["hidden"],
            shape["layers"],
            0 < patience <= len(checks) - 1 - best,
            rollbacks,
            bool(train.get("pack", False)),
        )
    )


def copied(corpus: TrainingCorpus) -> int:
    """Documents that are exact copies of earlier ones."""
    stream = corpus.stream
    first = duplicates.copies(stream.ids, stream.starts, corpus.head)
    return int((first != np.arange(len(first))).sum())


def repeated_lines(stream: TokenStream, tokenizer: Tokenizer) -> float | None:
    """The share of long lines that came before, figures, spaces and case aside; None where tokens are no text."""
    if not tokenizer.is_text:
        return None
    step = max(1, -(-len(stream.ids) // READ))  # of a large corpus, every so many documents
    seen: set[bytes] = set()
    count = read = 0
    for index in range(0, stream.documents, step):
        ids = stream.document(index)[: READ - read]
        read += len(ids)
        for line in tokenizer.decode(ids).lower().split(b"\n"):
            plain = FIGURES.sub(b"", line)
            if len(plain) >= LONG:
                count += 1
                seen.add(plain)
        if read >= READ:
            break
    return None if count == 0 else 1 - len(seen) / count
