"""A run folder: one training run from its first step to its checkpoint, with everything needed to go on.

    model.safetensors    the best model so far by validation: the checkpoint
    resume.safetensors   what only resuming needs
    log.jsonl            one JSON object a line: losses as they were measured, and rollbacks
    timing.jsonl         for each line of losses the step and the seconds: the clock is kept out of the log, which
                         is the same to the byte however often a run was stopped
    training.json        where the corpus lies and how it was split, for the n-gram baseline and for --resume
    index.safetensors    the training documents indexed at the end, for the originality of samples

It joins the trainer, the evaluation and the files: it takes the trainer's events one after the other, logs and saves,
and tells an observer. It prints nothing. Of several ranks each has a Run, and the first one's writes.
"""

import dataclasses
import math
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import seqgen
from seqgen import files, hub
from seqgen.checkpoint import MODEL_FILE, Checkpoint, Metrics, Provenance, Weights
from seqgen.errors import SeqgenError
from seqgen.evaluation import temperature
from seqgen.models import weight_shapes
from seqgen.models.network import RecurrentLM, tell_memory
from seqgen.seen import Seen
from seqgen.training import infilling, parallel, resume
from seqgen.training.augmentation import tables_for
from seqgen.training.corpus import TrainingCorpus
from seqgen.training.counting import counted
from seqgen.training.data import Material
from seqgen.training.device import choose_precision, describe
from seqgen.training.indexing import write_index
from seqgen.training.journal import Journal
from seqgen.training.occupied import begin, occupy
from seqgen.training.plan import TrainPlan
from seqgen.training.progress import (
    Checked,
    Event,
    Incident,
    Line,
    Logged,
    Observer,
    Remarked,
    RolledBack,
    SaveDue,
    Shrunk,
)
from seqgen.training.recorded import TRAINING_FILE, sealed
from seqgen.training.saving import Saves
from seqgen.training.start import set_unigram_bias
from seqgen.training.survey import BAR_SIMILARITY, similarity_of_bars, survey
from seqgen.training.trainer import Trainer
from seqgen.training.validation import Validation, check_lengths

FREE = ("budget", "device")  # what may differ when a run goes on
INDEXED = 20_000_000  # tokens; more take minutes and gigabytes, and are indexed when it is asked for


@dataclass(frozen=True, eq=False)
class Inherited:
    """What a run goes on from: weights that were trained, and what their training saw, where that is known."""

    weights: Weights
    seen: Seen | None


class Run:
    """One run over one corpus.

    Args:
        folder: The run folder; it is made where it is missing.
        corpus: What to learn from, and what to validate on.
        plan: How to train.
        observer: Told how it goes, on rank 0.
        inherited: The weights to begin with; None: fresh ones.

    Raises:
        CorpusError: The corpus is too short to train on.
        UsageError: The streams cannot be dealt out to the ranks evenly.
    """

    def __init__(
        self,
        folder: Path,
        corpus: TrainingCorpus,
        plan: TrainPlan,
        observer: Observer,
        inherited: Inherited | None = None,
    ) -> None:
        self.folder, self.corpus, self.plan, self.observer, self._inherited = folder, corpus, plan, observer, inherited
        self.stream, self.tokenizer = corpus.stream, corpus.tokenizer
        self.journal = Journal(folder)
        self.train_spans, self.validation_spans = corpus.split(plan)
        check_lengths(self.train_spans, self.validation_spans, plan.train.window)
        self.ranks = parallel.current()
        torch.manual_seed(plan.seed)
        self.network = RecurrentLM(plan.cell, plan.shape, self.tokenizer.vocab_size)
        if inherited is None:
            set_unigram_bias(self.network, self.stream.ids, self.train_spans)
        else:
            state = {name: torch.from_numpy(np.array(weight)) for name, weight in inherited.weights.items()}
            self.network.load_state_dict(state, strict=False)  # tied weights have one name in a checkpoint, two here
        tell_memory(self.network, self.tokenizer.clock(), self.tokenizer.infilling)
        self.network.to(plan.device)
        if not self.ranks.is_main:
            torch.manual_seed(self.ranks.seed(plan.seed))
        precision, size = choose_precision(self.network, plan.train), self.tokenizer.measured_size
        self.validation = Validation(corpus.validated_on.ids, self.validation_spans, size, precision)
        self.tables = tables_for(self.tokenizer, plan.train)
        self._seen: Seen | None = None
        self.saves = Saves(sum(weight.numel() for weight in self.network.parameters()))
        infilled = infilling.wanted(self.stream.ids, self.train_spans, self.tokenizer, plan.train, plan.seed)
        material = Material(self.stream.ids, self.train_spans, self.tokenizer.document_id, self.tables, infilled)
        self.trainer = Trainer(self.network, material, plan, self.validation.quick, self.ranks, self.saves)

    @property
    def model_path(self) -> Path:
        """Where the checkpoint lies."""
        return self.folder / MODEL_FILE

    def start(self) -> None:
        """Make the run folder and write what is known before the first step.

        Raises:
            CheckpointError: Another run lies there already, or another process has begun one.
            UsageError: The ranks were told different things.
        """
        self.ranks.agree(self._agreed())
        self.ranks.run_on_main(self._make_folder)
        self.ranks.share_weights(self.network.parameters())

    def resume(self) -> str:
        """Go back to where an earlier call stopped, dropping log lines written after its last save.

        Returns a remark where the log is damaged, from which nothing is computed, or "".

        Raises:
            CheckpointError: There is no such run, it had other settings or another corpus, or it is running.
            UsageError: The ranks were told different things.
        """
        self.ranks.run_on_main(lambda: occupy(self.folder))
        restored = resume.load(self.folder / resume.RESUME_FILE, self.trainer, self._about())
        lengths, self._seen = restored.files, restored.seen
        self.ranks.agree(self._agreed() | {"state to go on from": self.trainer.progress})
        remark = self.journal.damage(lengths, restored.log) if self.ranks.is_main else ""
        self.ranks.run_on_main(lambda: self.journal.cut(lengths))
        return remark

    @property
    def seen(self) -> Seen | None:
        """What this training sees, and saw before it; None where it goes on from a checkpoint that does not say."""
        known = None if self._inherited is None else self._inherited.seen
        if self._seen is None and (self.plan.parent is None or known is not None):
            own = survey(self.stream.ids, self.train_spans, self.tokenizer, self.tables)
            self._seen = own if known is None else own.joined(known)
        return self._seen

    def train(self) -> None:
        """Train until the budget is used up or `trainer.stopping` is set; then save."""
        self.saves.begin(first=not self.trainer.progress.total_steps)
        for event in self.trainer.run():
            self._handle(event)
        self.save_resume()
        if self.ranks.is_main:
            self.observer.close()

    def conclude(self) -> Checkpoint:
        """Measure the best model on the validation split, beside an n-gram baseline, and store what was found.

        The corpus is indexed too, unless it is large, so that samples can be compared with it at once.

        Raises:
            SeqgenError: The model predicts nothing of the held-out documents with a finite loss.
        """
        if self.trainer.progress.best is None or not self.model_path.exists():
            raise self._diverged()
        best = Checkpoint.load(self.model_path)
        size = self.tokenizer.measured_size
        network = best.network(str(self.plan.device))
        nats = self.validation.exact(network)
        if not math.isfinite(nats):
            raise self._diverged()
        ngram, order = self.validation.ngram(self.stream.ids, self.train_spans, size)
        found: Metrics = {
            "nats_per_token": nats,
            "bits_per_token": nats / math.log(2),
            "ngram_nats": ngram,
            "ngram_order": order,
            temperature.METRIC: self.validation.temperature(network).to_json(),
        }
        if similar := similarity_of_bars(self.stream.ids, self.train_spans, self.tokenizer):
            found[BAR_SIMILARITY] = similar
        kept = counted(network, self.stream.ids, self.train_spans, self.validation, best, self.plan.train.counts)
        best = dataclasses.replace(best, metrics={**best.metrics, **found}, experts=kept)
        best.save(self.model_path)
        if self.train_spans.tokens <= INDEXED:
            write_index(self.folder, self.stream, self.train_spans, self.tokenizer)
        return best

    def _diverged(self) -> SeqgenError:
        gentler = f"-P learning_rate {self.plan.train.learning_rate / 4:.2g}"
        message = f"{self.folder}: training diverged, its loss on what is held out is not a finite number"
        return SeqgenError(message, f"begin anew with {gentler}")

    def _handle(self, event: Event) -> None:
        """Log and save what has happened, then tell whoever watches."""
        match event:
            case Logged(line, _):
                self._log(line)
            case Checked(line, improved):
                self._log(line)
                if improved and self.ranks.is_main:
                    self.keep(line["validation_nats"])
            case RolledBack(line) | Shrunk(line):  # the smaller step, and the smaller batch, must not be lost
                self._log(line)
                self.save_resume()
            case SaveDue():
                self.save()
        if self.ranks.is_main:
            self._tell(event)

    def _tell(self, event: Event) -> None:
        progress = self.trainer.progress
        match event:
            case Logged(line, share):
                self.observer.stepped(progress, share, line)
            case Checked(line, improved):
                self.observer.checked(progress, line, improved)
            case RolledBack(line):
                self.observer.rolled_back(progress, line)
            case Shrunk(line):
                self.observer.shrunk(progress, line)
            case Remarked(text):
                self.observer.note(text)

    def keep(self, nats: float | None) -> None:
        """Write the checkpoint, of the averaged weights where they are the better ones."""
        average, metrics = self.trainer.step.average, Metrics(validation_nats=nats)
        if average is None or not self.trainer.averaged_is_best:
            self.checkpoint(metrics).save(self.model_path)
            return
        with average.in_place():
            self.checkpoint({**metrics, "averaged": True}).save(self.model_path)

    def save_resume(self) -> None:
        """Write `resume.safetensors`. Every rank calls it, rank 0 writes."""
        lengths, seen = (self.journal.lengths(), self.seen) if self.ranks.is_main else ({}, None)
        resume.save(self.folder / resume.RESUME_FILE, self.trainer, self._about(), lengths, self.journal.digest(), seen)

    def save(self) -> None:
        """Write all of the run: until the first validation, the weights as they stand are the checkpoint."""
        with self.saves.timed():
            self.save_resume()
            if self.ranks.is_main and self.trainer.progress.best is None:
                first = self.checkpoint({})
                if all(np.isfinite(weight).all() for weight in first.weights.values()):
                    first.save(self.model_path)

    def checkpoint(self, metrics: Metrics) -> Checkpoint:
        """The network as it stands, as a checkpoint."""
        plan, progress = self.plan, self.trainer.progress
        names = weight_shapes(plan.cell, plan.shape, self.tokenizer.vocab_size)
        state = self.network.state_dict()
        weights = {name: state[name].detach().float().cpu().numpy() for name in names}
        found: Metrics = {
            **metrics,
            "steps": progress.total_steps,
            "tokens": progress.tokens,
            "seconds": round(progress.seconds, 1),
        }
        about: Provenance = {
            "corpus": self.stream.fingerprint,
            "train_tokens": self.train_spans.tokens,
            "validation_tokens": self.validation_spans.tokens,
            "seed": plan.seed,
            "device": describe(plan.device),
            "precision": str(self.trainer.step.precision).removeprefix("torch."),
            "versions": {
                "seqgen": seqgen.__version__,
                "torch": str(torch.__version__),
                "numpy": np.__version__,
                "python": platform.python_version(),
            },
        }
        if plan.parent is not None:
            about["parent"] = plan.parent
        if origins := hub.origins(source["name"] for source in self.stream.sources):
            about["sources"] = origins
        return Checkpoint(
            plan.model, plan.cell, plan.shape, self.tokenizer, weights, dict(plan.to_json()), found, about,
            self.seen,
        )  # fmt: skip

    def _about(self) -> dict[str, object]:
        """What must be the same for a run to go on: all but the budget and the device."""
        plan = {key: value for key, value in self.plan.to_json().items() if key not in FREE}
        return {"corpus": self.stream.fingerprint} | plan

    def _agreed(self) -> dict[str, object]:
        """What all ranks must have been told alike."""
        held_out = {"validation corpus": self.corpus.validated_on.fingerprint}
        found = {"version of seqgen": seqgen.__version__, "version of torch": str(torch.__version__)}
        return (
            found | self._about() | held_out | {key: value for key, value in self.plan.to_json().items() if key in FREE}
        )

    def _make_folder(self) -> None:
        begin(self.folder)
        files.write_bytes(self.folder / TRAINING_FILE, sealed(self.corpus.record(self.plan)))
        self.journal.cut({})

    def _log(self, line: Line | Incident) -> None:
        if self.ranks.is_main:
            self.journal.add(line)
