"""The three pieces of `seqgen demo` and the page that shows them.

A scene and a C file are each a corpus, a short training and an artifact; the chorale comes from a published model.
"""

import json
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seqgen import files
from seqgen.checkpoint import Checkpoint, published
from seqgen.errors import OutputError
from seqgen.files import guarding, own
from seqgen.jobs.observer import SILENT, Observer
from seqgen.jobs.sample.audience import Audience, Show
from seqgen.jobs.sample.session import sample
from seqgen.jobs.sample.settings import SampleJob
from seqgen.jobs.train.job import conclude
from seqgen.jobs.train.preparing import prepare
from seqgen.jobs.train.settings import TrainJob
from seqgen.music.read import read_score
from seqgen.music.request import Music
from seqgen.render import audio, fluid, piano_roll
from seqgen.render.curves import Curve, Series
from seqgen.render.report import Audio, Picture, SampleText, Section, Table, Text, report_html
from seqgen.training import occupied
from seqgen.training.journal import Row

PAGE_RATE = 22_050  # samples a second of the sound inside the page, which would double its size at full rate


@dataclass(frozen=True)
class Piece:
    """One medium of the demo.

    Attributes:
        corpus: Its name in the catalogue; the published model of that name makes a piece that is not trained.
        artifact: The file to write.
        heading, about: What the page says of it.
        minutes, quick: Training time, in full and in haste; 0: the published model is taken as it is.
        prompt: What the sample begins with.
        length: Tokens at most.
        temperature, rules: How it is sampled.
        settings: Where the defaults are not best for this corpus.
        music: What a piece of music keeps to.
    """

    corpus: str
    artifact: str
    heading: str
    about: str
    minutes: float
    quick: float
    prompt: str
    length: int
    temperature: float
    rules: tuple[tuple[str, str], ...]
    settings: dict[str, str]
    music: Music | None = None

    @property
    def published(self) -> bool:
        """Whether its model comes with seqgen."""
        return not self.minutes


PIECES = (
    Piece(
        "shakespeare", "shakespeare.txt", "A scene", "Learned from 38 plays, character by character.",
        1.4, 0.25, "", 2500, 0.7, (), {},
    ),
    Piece(
        "sqlite", "code.c", "A C file", "Learned from the source code of SQLite; the grammar of C kept brackets whole.",
        1.3, 0.25, "/*\n** Return the ", 3000, 0.6, (), {},
    ),
    Piece(
        "bach-chorales", "chorale.mid", "A chorale", "The published model bach-chorales: four parts, sixteen bars.",
        0, 0, "", 4000, 0.8, (), {}, Music(meter=(4, 4), bars=16),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What became of a piece."""

    piece: Piece
    checkpoint: Checkpoint
    log: list[Row]
    artifact: Path
    data: bytes
    seconds: float


class Demo:
    """One demo in one folder.

    Args:
        folder: Where everything goes.
        quick: Train for seconds instead of minutes.
        seed: Of training and sampling.
        device: Where to train.
        observer: Is told how it goes.
    """

    def __init__(self, folder: str, quick: bool, seed: int, device: str, observer: Observer = SILENT) -> None:
        guarding.enter(folder)
        self.folder = files.make_folder(folder)
        self.quick, self.seed, self.device, self.observer = quick, seed, device, observer

    def run(self) -> Iterator[Path]:
        """Make the pieces one after the other, then the page; yields each file that is there for people."""
        self._require_free()
        began = time.monotonic()
        results = []
        for piece in PIECES:
            result = self._make(piece)
            results.append(result)
            yield result.artifact
        score = read_score(results[-1].data)
        wav = audio.wav_bytes(audio.synthesize(score, fluid.find()))
        small = audio.wav_bytes(audio.synthesize(score, fluid.find(), PAGE_RATE), PAGE_RATE)
        png = piano_roll.png_bytes(score, "A generated chorale")
        for name, data in (("chorale.wav", wav), ("chorale.png", png)):
            files.write_bytes(self.folder / name, data)
            yield self.folder / name
        sections = [_overview(results), *(_section(result) for result in results)]
        last = sections[-1]
        sections[-1] = Section(last.title, (Audio(small, "Listen"), Picture(png, "Piano roll"), *last.parts))
        minutes = (time.monotonic() - began) / 60
        subtitle = f"Two models trained, three pieces made, in {minutes:.1f} minutes in all"
        page = report_html("seqgen demo", sections, subtitle)
        files.write_bytes(self.folder / "report.html", page.encode())
        yield self.folder / "report.html"

    def _require_free(self) -> None:
        """Raise OutputError where a file or a run folder that is to be replaced is nobody's demo."""
        guarding.claim(*(self.folder / name for name in own.DEMO_FILES if name != "models"))
        for piece in PIECES:
            run_folder = self._run_folder(piece)
            if not piece.published and run_folder.exists() and not own.is_run(run_folder):
                raise OutputError(
                    f"{run_folder}: is there already, and is no run folder of seqgen",
                    "nothing was overwritten; name another folder with -o",
                )

    def _run_folder(self, piece: Piece) -> Path:
        return self.folder / "models" / Path(piece.artifact).stem

    def _make(self, piece: Piece) -> Result:
        self.observer.note(f"\n── {piece.heading}: {piece.corpus}")
        began = time.monotonic()
        if piece.published:
            return self._sampled(piece, began, published()[piece.corpus], [])
        run_folder = self._run_folder(piece)
        shutil.rmtree(run_folder, ignore_errors=True)
        minutes = piece.quick if self.quick else piece.minutes
        job = TrainJob(
            (piece.corpus,), run_folder, "lstm", settings=piece.settings, minutes=minutes, seed=self.seed,
            device=self.device,
        )  # fmt: skip
        try:
            run = prepare(job, self.observer)
            run.train()
            conclude(run, self.observer)
        finally:
            occupied.leave(run_folder)
        lines = [json.loads(line) for line in (run_folder / "log.jsonl").read_text("utf-8").splitlines()]
        return self._sampled(piece, began, run.model_path, lines)

    def _sampled(self, piece: Piece, began: float, model: Path, log: list[Row]) -> Result:
        path = self.folder / piece.artifact
        _generate(model, piece, self.seed, path, self.observer)
        return Result(piece, Checkpoint.load(model), log, path, path.read_bytes(), time.monotonic() - began)


class _Watching(Audience):
    """Whoever sees the demo is told what was made."""

    show: Show = "text"


def _generate(model: Path, piece: Piece, seed: int, path: Path, observer: Observer) -> None:
    """Write the artifact."""
    job = SampleJob(
        checkpoint=str(model), prompt=piece.prompt or None, length=piece.length, temperature=piece.temperature,
        rules=piece.rules, output=str(path), seed=seed, engine="numpy", device="cpu",
        music=piece.music,
    )  # fmt: skip
    sample(job, _Watching(), observer)


def _overview(results: list[Result]) -> Section:
    columns = ("piece", "corpus", "training tokens", "parameters", "validation, nats/token", "n-gram", "seconds")
    rows = tuple(
        (
            result.artifact.name,
            result.piece.corpus,
            result.checkpoint.provenance["train_tokens"],
            result.checkpoint.parameters,
            round(result.checkpoint.metrics["nats_per_token"], 3),
            f"{result.checkpoint.metrics['ngram_nats']:.3f} (order {result.checkpoint.metrics['ngram_order']})",
            round(result.seconds),
        )
        for result in results
    )
    words = "Lower is better: nats per token on documents that the models never saw, beside a model that only counts."
    return Section("What was learned", (Text(words), Table(columns, rows)))


def _section(result: Result) -> Section:
    metrics, piece = result.checkpoint.metrics, result.piece
    train = [(line["step"], line["nats"]) for line in result.log if line.get("nats") is not None]
    checks = [(line["step"], line["validation_nats"]) for line in result.log if "validation_nats" in line]
    series = tuple(
        Series(name, [x for x, _ in points], [y for _, y in points])
        for name, points in (("training", train), ("validation", checks))
    )
    baseline = ((f"{metrics['ngram_order']}-gram", metrics["ngram_nats"]),)
    curve = Curve(f"Loss on {piece.corpus}", series, baseline)
    bits = metrics["nats_per_token"] / math.log(2)
    about = Text(f"{piece.about} {bits:.2f} bits per token on held-out documents.")
    if not result.checkpoint.tokenizer.is_text:
        return Section(piece.heading, (about,))
    text = result.data.decode("utf-8", "replace").removeprefix(piece.prompt)
    return Section(piece.heading, (about, SampleText(text, result.artifact.name, piece.prompt), curve))
