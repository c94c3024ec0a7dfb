"""`seqgen evaluate --samples`: music that a checkpoint makes beside a corpus, as numbers and as a page to listen to."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen import files
from seqgen.api.model import Model, load
from seqgen.api.sampling import Sampling
from seqgen.evaluation.music import Likeness, compare
from seqgen.generation.loop import collect
from seqgen.jobs.evaluate import corpora, music_measures
from seqgen.jobs.evaluate.music_measures import Measured, measured
from seqgen.jobs.evaluate.settings import MusicJob
from seqgen.jobs.observer import SILENT, Observer
from seqgen.jobs.sample.copied import MOST_INDEXED
from seqgen.music.score import Score
from seqgen.render.report import Audio, Picture, Section, SectionPart, Table, Text, report_html

BATCH = 32  # samples at once
MOST_PIECES = 300  # of the corpus, that are measured
MOST_READ, MOST_HEARD = 2000, 2_000_000  # pieces and tokens of the corpus that say what it has
FREE, FREE_LENGTH = 16, 500  # samples and tokens for which the grammar is off, to see how often it is needed
SHOWN = 6  # samples on the page
PAGE_RATE = 11_025
ENOUGH = 100  # samples, from which on intervals say something


@dataclass(frozen=True)
class Made:
    """What was found about samples.

    Attributes:
        samples: How many.
        pieces: Of the corpus that they were compared with.
        features: What they have in common with it.
        grammar_errors: The share of tokens that the grammar would have refused where it is off.
        longest: (mean, most) of the samples' longest runs that are in the training corpus; None: it is not there.
        novelty: The mean share of 8-grams that are not, or None.
        measures: Whether they are music, beside the corpus.
        scores: The samples.
    """

    samples: int
    pieces: int
    features: list[Likeness]
    grammar_errors: float | None
    longest: tuple[float, int] | None
    novelty: float | None
    measures: Measured
    scores: list[Score]

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names."""
        longest = None if self.longest is None else {"mean": self.longest[0], "most": self.longest[1]}
        return {
            "samples": self.samples,
            "pieces": self.pieces,
            "features": {each.feature: each.to_json() for each in self.features},
            "grammar_errors": self.grammar_errors,
            "longest_run": longest,
            "new_8_grams": self.novelty,
            **self.measures.to_json(),
        }

    def table(self) -> str:
        """The result for people."""
        lines = [f"{self.samples} samples beside {self.pieces} pieces; in brackets what half of the pieces reach", ""]
        lines.append(f"  {'':26}{'overlap':>9}{'95 %':>15}{'':>9}{'KL':>7}{'':>9}")
        for each in self.features:
            low, high = each.overlap_interval
            interval = f"{low:.2f} to {high:.2f}"
            numbers = f"{each.overlap:9.3f}{interval:>15}{f'({each.overlap_ceiling:.3f})':>9}"
            lines.append(f"  {each.feature:26}{numbers}{each.divergence:7.3f}{f'({each.divergence_ceiling:.3f})':>9}")
        lines.append("")
        for name, value in _facts(self):
            lines.append(f"  {name:48}{value:>12}")
        lines += ["", *music_measures.lines(self.measures)]
        return "\n".join(lines)


def sample_and_compare(job: MusicJob, observer: Observer = SILENT) -> Made:
    """Sample music and compare it with SOURCE, or with the run's own validation split.

    Raises:
        UsageError: The checkpoint makes no music, or there is too little to compare.
    """
    model, count, seed, temperature = load(job.checkpoint), job.samples, job.seed, job.temperature
    model.tokenizer.codec.require("music", "--samples", "leave it out")
    size = model.tokenizer.document_id
    if job.source:
        corpus = corpora.opened(job.source, model.tokenizer, job.choice, observer)
    else:
        corpus = corpora.held_out(corpora.recorded(job.checkpoint), size)
    ids = sampled(model, count, seed, temperature)
    pieces = scores_of(model, [np.asarray(corpus.ids[begin:end]) for begin, end in _chosen(corpus.starts)])
    scores = scores_of(model, ids)
    if count < ENOUGH:
        observer.note(f"{count} samples are few: intervals are wide below {ENOUGH}.")
    longest, novelty = _copied(model, ids, observer)
    return Made(
        len(scores),
        len(pieces),
        compare(pieces, scores, seed),
        _errors(model, seed, temperature),
        longest,
        novelty,
        measured(pieces, scores, [*pieces, *_further(model, job, corpus)], model),
        scores,
    )


def page(made: Made, name: str) -> bytes:
    """The same as a page, with piano rolls and players."""
    from seqgen.render import audio, piano_roll

    columns = ("feature", "overlap", "from", "to", "ceiling", "KL", "KL ceiling")
    rows = tuple(
        (it.feature, it.overlap, *it.overlap_interval, it.overlap_ceiling, it.divergence, it.divergence_ceiling)
        for it in made.features
    )
    about = (
        f"{made.samples} samples beside {made.pieces} pieces (Yang & Lerch 2020). Overlap is 1 and KL 0 where they are "
        "alike; the ceiling is what one half of the pieces reaches against the other."
    )
    parts: list[SectionPart] = []
    for number, score in enumerate(made.scores[:SHOWN], 1):
        parts.append(Picture(piano_roll.png_bytes(score), f"Sample {number}", f"Piano roll of sample {number}"))
        parts.append(Audio(audio.wav_bytes(audio.synthesize(score, rate=PAGE_RATE), PAGE_RATE)))
    facts = Table(("measure", "value"), tuple(_facts(made)))
    likeness = Section("Likeness", (Text(about), Table(columns, rows), facts))
    sections = [music_measures.section(made.measures), likeness, Section("Samples", tuple(parts))]
    return report_html(f"Music of {name}", sections).encode("utf-8", "replace")


def write_page(made: Made, name: str, path: str) -> None:
    """Write the page. Raises OutputError where it cannot be written."""
    files.write_bytes(path, page(made, name))


def _facts(made: Made) -> list[tuple[str, str]]:
    found = []
    if made.grammar_errors is not None:
        found.append(("grammar errors, were they not refused", f"{made.grammar_errors:.2%}"))
    if made.longest is not None:
        found.append(("longest run in the training corpus, mean", f"{made.longest[0]:.1f} tokens"))
        found.append(("longest run in the training corpus, most", f"{made.longest[1]} tokens"))
    if made.novelty is not None:
        found.append(("8-grams that are new", f"{made.novelty:.1%}"))
    return found


def sampled(
    model: Model,
    count: int,
    seed: int,
    temperature: float,
    grammar: bool = True,
    length: int | None = None,
    at_once: int = BATCH,
) -> list[NDArray[np.int64]]:
    """(n,) ids of each sample, without its frame."""
    found: list[NDArray[np.int64]] = []
    while len(found) < count:
        batch = min(at_once, count - len(found))
        prompts = [model.prompt(b"", model.label(None, seed, len(found) + index)) for index in range(batch)]
        sampling = Sampling(seed + len(found), temperature, length=length, grammar=grammar)
        steps = model.sampler(sampling, prompts).steps()
        found += [np.array(sample.ids, np.int64) for sample in collect(steps, batch)]
    return found


def scores_of(model: Model, pieces: Sequence[NDArray[Any]]) -> list[Score]:
    """Ids as scores, those without a note left out."""
    from seqgen.errors import MidiError
    from seqgen.music.read import read_score
    from seqgen.report import Report

    found = []
    for ids in pieces:
        try:
            score = read_score(model.tokenizer.decode(ids), Report())
        except MidiError:
            continue
        if len(score):
            found.append(score)
    return found


def _further(model: Model, job: MusicJob, corpus: corpora.Documents) -> list[Score]:
    """More pieces of the corpus, to know what it has: all of SOURCE, or else what the run was trained on."""
    if not job.source:
        run = corpora.recorded(job.checkpoint)
        corpus = corpora.trained_on(run, model.tokenizer.document_id, MOST_HEARD)
    bounds = _chosen(corpus.starts, MOST_READ)
    return scores_of(model, [np.asarray(corpus.ids[begin:end]) for begin, end in bounds])


def _chosen(starts: NDArray[np.int64], most: int = MOST_PIECES) -> list[tuple[int, int]]:
    """The bounds of documents from all over a corpus, `most` at most."""
    bounds = list(pairwise(starts.tolist()))
    return bounds[:: -(-len(bounds) // most)] if bounds else []


def _errors(model: Model, seed: int, temperature: float) -> float | None:
    """How often a token breaks the grammar where that is off, or None where there is none."""
    grammar = model.tokenizer.grammar()
    if grammar is None:
        return None
    wrong = count = 0
    for ids in sampled(model, FREE, seed, temperature, False, FREE_LENGTH):
        state = grammar.start()
        for token in ids.tolist():
            wrong += not grammar.allowed(state)[token]
            state = grammar.step(state, token)
            count += 1
    return wrong / count if count else None


def _copied(
    model: Model, pieces: Sequence[NDArray[np.int64]], observer: Observer
) -> tuple[tuple[float, int] | None, float | None]:
    """((mean, most) of the longest runs, mean share of new 8-grams), or Nones."""
    corpora, key = model.indexes_if_there(MOST_INDEXED, observer.note), model.tokenizer.copy_key()
    if not corpora:
        return None, None
    from seqgen.originality.measuring import measure

    found = [measure(corpora, ids if key is None else key.ids(ids)[0]) for ids in pieces[:ENOUGH]]
    longest, new = [each.longest for each in found], [each.novelty[8] for each in found]
    known = [share for share in new if share is not None]
    return (float(np.mean(longest)), max(longest)), float(np.mean(known)) if known else None
