"""What `seqgen probe` does: labelled documents in, how well a model's hidden state tells their labels out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from seqgen import hub
from seqgen.checkpoint import Checkpoint
from seqgen.documents import Documents
from seqgen.errors import CorpusError, DataError, UsageError
from seqgen.files import STANDARD, write_bytes
from seqgen.inside.measures import Told, told
from seqgen.jobs.folders import InFolders
from seqgen.jobs.observer import SILENT, Observer
from seqgen.settings import require
from seqgen.tokenization.reading import Reader
from seqgen.tokenization.records import documents, is_table
from seqgen.tokenization.sources import resolve

if TYPE_CHECKING:
    from seqgen.inside.probe import Examples, Head
    from seqgen.render.report import Section

LONGEST = 400  # tokens of a document, its first ones
FEWEST = 50  # documents of a label
MOST = 50_000  # documents
Labelled = tuple[bytes, str]


@dataclass(frozen=True)
class ProbeJob(InFolders):
    """What to read out of what.

    Attributes:
        checkpoint: A run folder, a file or a published name.
        source: Folders, each of whose folders is a label, or tables.
        held_out: What to measure on; nothing: a tenth of the documents.
        field, label_field: Of a table: the column of the text, and that of the label.
        tune: Whether the network is tuned end to end, too.
        seed: Of the split, and of tuning.
        sentences: Texts to be told, with what speaks for it.
        output: An HTML page, or None.
    """

    checkpoint: str
    source: Sequence[str]
    held_out: Sequence[str] = ()
    field: str | None = None
    label_field: str | None = None
    tune: bool = False
    seed: int = 1
    sentences: Sequence[str] = ()
    output: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.seed < 1 << 32, "seed", self.seed, "0 to 2^32 - 1")


@dataclass(frozen=True, eq=False)
class Probed:
    """What was found.

    Attributes:
        labels: The classes.
        results: Chance, naive Bayes, the read-out, and the tuned network where that was asked for.
        sentences: Of each sentence its label, tokens and what speaks for it, token by token.
        sections: What a page shows besides.
    """

    labels: tuple[str, ...]
    results: list[Told]
    sentences: list[dict[str, object]] = field(default_factory=list)
    sections: "list[Section]" = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """Plain data under stable names."""
        results = {each.name: each.to_json() for each in self.results}
        return {"kind": "probe", "labels": list(self.labels), "results": results, "sentences": self.sentences}


def probe(job: ProbeJob, observer: Observer = SILENT) -> Probed:
    """Read labels out of a model's hidden state.

    Raises:
        UsageError: torch is not installed, or sentences are given to a model of music.
        DataError: The documents cannot be read, or have not two labels of FEWEST documents each.
    """
    try:
        from seqgen.inside import probe as inside
    except ImportError as error:
        raise UsageError("probe needs torch, which cannot be imported here", "pip install torch") from error
    name = hub.pinned(job.checkpoint) if hub.is_name(job.checkpoint) else job.checkpoint
    checkpoint = Checkpoint.load(name)
    if job.sentences and not checkpoint.tokenizer.is_text:
        raise UsageError("--sentence is for models of text", "leave it out")
    found = _enough(list(_read(job, job.source, checkpoint, observer)), observer)
    labels = tuple(sorted({label for _, label in found}))
    parts = _divided(found, job, checkpoint, labels, observer)
    train, held, asked = (_examples(part, checkpoint, labels) for part in parts)
    observer.note(f"{len(labels)} labels; {len(train.ids):,} documents to learn from, {len(asked.ids):,} to measure on")
    classes = len(labels)
    results = [_chance(train, asked, classes), _bayes(parts, train, asked, checkpoint, classes)]
    made = [inside.features(checkpoint, each.ids) for each in (train, held, asked)]
    linear = inside.read_out(made[0], train.labels, made[1], held.labels, classes)
    results.append(told("read-out", linear.predict(made[2]), asked.labels, classes))
    head = None
    if job.tune or job.sentences:
        head, shares = inside.tune(checkpoint, train, held, classes, job.seed)
        observer.note("Tuned; right on what chooses the epoch: " + ", ".join(f"{share:.3f}" for share in shares))
        results.append(told("end to end", inside.predict(head, asked.ids), asked.labels, classes))
    probed = Probed(labels, results)
    if head is not None:
        _explain(probed, head, checkpoint, job.sentences)
    if job.output is not None:
        _page(probed, job, observer)
    return probed


def _read(job: ProbeJob, source: Sequence[str], checkpoint: Checkpoint, observer: Observer) -> Iterator[Labelled]:
    """(document, its label) of all that has one."""
    for each in resolve(source, observer.note, job.choice):
        if is_table(each):
            if job.field is None or job.label_field is None:
                hint = "--field text --label-field sentiment, for instance"
                raise UsageError(f"{each.name} is a table: which columns are text and label?", hint)
            cut = Documents.asked(None, job.field, job.label_field)
            assert isinstance(cut, Documents)
            for items in documents(each, Reader(each), cut, Counter()):
                yield from ((text, label) for text, label in zip(items.documents, items.labels or ()) if label)
        elif each.label:
            try:
                pieces = checkpoint.tokenizer.codec.documents(b"".join(Reader(each)))
            except DataError as error:
                observer.note(f"Left out {each.name}: {error.message}")
                continue
            yield from ((piece, each.label) for piece in pieces)


def _enough(found: list[Labelled], observer: Observer) -> list[Labelled]:
    """The documents of labels that have enough of them."""
    if not found:
        hint = "a label is a folder, or a column of a table: --field text --label-field label"
        raise CorpusError("no document has a label", hint)
    counts = Counter(label for _, label in found)
    few = {label for label, count in counts.items() if count < FEWEST}
    for label in sorted(few):
        observer.note(f"Left out the label {label!r}: it has {counts[label]} documents, fewer than {FEWEST}")
    left = [each for each in found if each[1] not in few][:MOST]
    if len({label for _, label in left}) < 2:
        hint = f"each needs {FEWEST} documents at least"
        said = ", ".join(f"{label!r} {count}" for label, count in counts.most_common(5))
        raise CorpusError(f"there are not two labels to tell apart, but {said}", hint)
    return left


def _divided(
    found: list[Labelled], job: ProbeJob, checkpoint: Checkpoint, labels: tuple[str, ...], observer: Observer
) -> list[list[Labelled]]:
    """What is learned from, what chooses settings, what is measured on."""
    order = np.random.default_rng(job.seed).permutation(len(found)).tolist()
    tenth = max(len(found) // 10, 1)
    shuffled = [found[place] for place in order]
    if not job.held_out:
        return [shuffled[2 * tenth :], shuffled[tenth : 2 * tenth], shuffled[:tenth]]
    asked = [each for each in _read(job, job.held_out, checkpoint, observer) if each[1] in labels]
    if not asked:
        raise CorpusError("what is held out has no document with a label that was learned")
    return [shuffled[tenth:], shuffled[:tenth], asked]


def _examples(part: list[Labelled], checkpoint: Checkpoint, labels: tuple[str, ...]) -> "Examples":
    from seqgen.inside.probe import Examples

    tokenizer = checkpoint.tokenizer
    frame = tokenizer.frame().astype(np.int64)
    ids = [np.concatenate([frame, tokenizer.encode(text)[:LONGEST].astype(np.int64)]) for text, _ in part]
    return Examples(ids, np.array([labels.index(label) for _, label in part], np.int64))


def _chance(train: "Examples", asked: "Examples", classes: int) -> Told:
    """Always the commonest label."""
    commonest = int(np.bincount(train.labels, minlength=classes).argmax())
    return told("chance", np.full(len(asked.labels), commonest), asked.labels, classes)


def _bayes(
    parts: list[list[Labelled]], train: "Examples", asked: "Examples", checkpoint: Checkpoint, classes: int
) -> Told:
    from seqgen.inside.bayes import Bayes, token_grams, word_grams

    if checkpoint.tokenizer.is_text:
        known, wanted = ([word_grams(text) for text, _ in part] for part in (parts[0], parts[2]))
    else:
        known, wanted = ([token_grams(ids.tolist()) for ids in part.ids] for part in (train, asked))
    predicted = Bayes(known, train.labels, classes).predict(wanted)
    return told("naive Bayes", predicted, asked.labels, classes)


def _explain(probed: Probed, head: "Head", checkpoint: Checkpoint, sentences: Sequence[str]) -> None:
    """Which tokens of sentences speak for their labels."""
    from seqgen.inside.probe import attributed, predict
    from seqgen.inside.seen import token_names
    from seqgen.render.heat import Heat
    from seqgen.render.report import Section, Text

    names, tokenizer = token_names(checkpoint.tokenizer), checkpoint.tokenizer
    for sentence in sentences:
        ids = np.concatenate([tokenizer.frame(), tokenizer.encode(sentence.encode())[:LONGEST]]).astype(np.int64)
        if len(ids) < 2:
            raise UsageError("--sentence is empty, expected a text")
        label = probed.labels[int(predict(head, [ids])[0])]
        integrated, gradient = attributed(head, ids)
        shown = ["·", *(names[token] for token in ids[1:].tolist())]
        probed.sentences.append(
            {"text": sentence, "label": label, "tokens": shown, "speaks_for": [round(float(v), 5) for v in integrated]}
        )
        parts = (
            Text(f"It is told as {label}. Blue speaks for that, red against."),
            Heat("Integrated gradients", integrated[None], ["sum"], shown, "", "tokens"),
            Heat("Gradient × input, dimension × time", gradient, (), shown, "dimension", "tokens"),
        )
        probed.sections.append(Section(f"“{sentence}”", parts))


def _page(probed: Probed, job: ProbeJob, observer: Observer) -> None:
    from seqgen.render.report import Section, Table, Text, report_html

    assert job.output is not None
    rows = tuple(
        (each.name, each.accuracy, f"{each.low:.3f} to {each.high:.3f}", each.f1, each.examples)
        for each in probed.results
    )
    about = Text(f"Labels: {', '.join(probed.labels)}. Intervals hold 95 %; F1 is the mean over labels.")
    first = Section("What was told", (about, Table(("by", "accuracy", "interval", "F1", "documents"), rows)))
    page = report_html(f"Probing {job.checkpoint}", [first, *probed.sections])
    write_bytes(job.output, page.encode("utf-8"))
    if job.output != STANDARD:
        observer.note(f"Wrote {job.output}")
