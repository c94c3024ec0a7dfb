"""A run folder: one training run from its first step to its checkpoint, with everything needed to go on.

    model.safetensors    the best model so far by validation: the checkpoint
    resume.safetensors   what only resuming needs
    log.jsonl            one JSON object a line: losses as they were measured, and rollbacks
    timing.jsonl         for each line of losses the step and the seconds: the clock is kept out of the log, which
                         is the same to the byte however often a run was stopped
    training.json        where the corpus lies and how it was split, for the n-gram baseline and for --resume
    index.safetensors    the training documents indexed at the end, for the originality of samples

It joins the trainer, the evaluation and the files; it prints nothing. Of several ranks each has a Run, and the first
one's writes.
"""

import dataclasses
import math
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch

import seqgen
from seqgen import files
from seqgen.checkpoint import MODEL_FILE, Checkpoint, Weights
from seqgen.errors import SeqgenError
from seqgen.evaluation import temperature
from seqgen.models import weight_shapes
from seqgen.models._network import RecurrentLM
from seqgen.seen import Seen
from seqgen.stream import TokenStream
from seqgen.tokenizer import Tokenizer
from seqgen.training import parallel, resume
from seqgen.training.augmentation import tables_for
from seqgen.training.data import Spans, split
from seqgen.training.device import choose_precision, describe
from seqgen.training.indexing import write_index
from seqgen.training.journal import Journal
from seqgen.training.occupied import begin, occupy
from seqgen.training.plan import Plan
from seqgen.training.progress import Observer, Progress
from seqgen.training.recorded import TRAINING_FILE, sealed
from seqgen.training.saving import Saves
from seqgen.training.start import set_unigram_bias
from seqgen.training.survey import survey
from seqgen.training.trainer import Trainer
from seqgen.training.validation import Validation, check_lengths

__all__ = ["TRAINING_FILE", "Plan", "Run"]

FREE = ("budget", "device")  # what may differ when a run goes on
INDEXED = 20_000_000  # tokens; more take minutes and gigabytes, and are indexed when it is asked for


class Run:
    """One run over one corpus; itself the trainer's observer, with another behind it.

    Args:
        folder: The run folder; it is made where it is missing.
        stream: The corpus.
        held_out: A corpus of its own to validate on, or None to hold out a part of `stream`.
        tokenizer: The stream's.
        plan: How to train.
        observer: Shows the run to whoever watches.
        initial: The weights to begin with, or None for fresh ones.
        inherited: What their training saw, where that is known.

    Raises:
        CorpusError: The corpus is too short to train on.
        UsageError: The streams cannot be dealt out to the ranks evenly.
    """

    def __init__(
        self,
        folder: Path,
        stream: TokenStream,
        held_out: TokenStream | None,
        tokenizer: Tokenizer,
        plan: Plan,
        observer: Observer,
        initial: Weights | None = None,
        inherited: Seen | None = None,
    ) -> None:
        self.folder, self.stream, self.tokenizer, self.plan, self.observer = folder, stream, tokenizer, plan, observer
        self.journal = Journal(folder)
        self.train_spans, self.validation_spans = _split(stream, held_out, plan)
        self.held_out = held_out or stream
        check_lengths(self.train_spans, self.validation_spans, plan.train.window)
        self.ranks = parallel.current()
        torch.manual_seed(plan.seed)
        self.network = RecurrentLM(plan.cell, plan.shape, tokenizer.vocab_size)
        if initial is None:
            set_unigram_bias(self.network, stream.ids, self.train_spans)
        else:
            state = {name: torch.from_numpy(np.array(weight)) for name, weight in initial.items()}
            self.network.load_state_dict(state, strict=False)  # tied weights have one name in a checkpoint, two here
        self.network.to(plan.device)
        if not self.ranks.leads:
            torch.manual_seed(self.ranks.seed(plan.seed))
        precision = choose_precision(self.network, plan.train)
        codec_size = tokenizer.document_id
        self.validation = Validation(self.held_out.ids, self.validation_spans, codec_size, precision)
        self.tables, self._inherited = tables_for(tokenizer, plan.train), inherited
        self._seen: Seen | None = None
        self.trainer = Trainer(
            self.network, stream.ids, self.train_spans, tokenizer.document_id,
            plan.train, plan.budget, plan.seed, self.validation.quick, self, self.ranks, self.tables,
        )  # fmt: skip
        numbers = sum(weight.numel() for weight in self.network.parameters())
        self.saves = self.trainer.saves = Saves(self._save, numbers)

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
        self.ranks.agree(self._told())
        self.ranks.lead(self._make_folder)
        self.ranks.share_weights(self.network.parameters())

    def resume(self) -> str:
        """Go back to where an earlier call stopped, dropping log lines written after its last save.

        Returns a remark where the log is damaged, from which nothing is computed, or "".

        Raises:
            CheckpointError: There is no such run, it had other settings or another corpus, or it is running.
            UsageError: The ranks were told different things.
        """
        self.ranks.lead(lambda: occupy(self.folder))
        restored = resume.load(self.folder / resume.RESUME_FILE, self.trainer, self._about())
        lengths, self._seen = restored.files, restored.seen
        self.ranks.agree(self._told() | {"state to go on from": self.trainer.progress})
        remark = self.journal.damage(lengths, restored.log) if self.ranks.leads else ""
        self.ranks.lead(lambda: self.journal.cut(lengths))
        return remark

    @property
    def seen(self) -> Seen | None:
        """What this training sees, and saw before it; None where it goes on from a checkpoint that does not say."""
        if self._seen is None and (self.plan.parent is None or self._inherited is not None):
            own = survey(self.stream.ids, self.train_spans, self.tokenizer, self.tables)
            self._seen = own if self._inherited is None else own.joined(self._inherited)
        return self._seen

    def train(self) -> None:
        """Train until the budget is used up or `trainer.stopping` is set; then save."""
        self.saves.begin(first=not self.trainer.progress.total_steps)
        self.trainer.run()

    def conclude(self) -> Checkpoint:
        """Measure the best model on the validation split, beside an n-gram baseline, and store what was found.

        The corpus is indexed too, unless it is large, so that samples can be compared with it at once.

        Raises:
            SeqgenError: The model predicts nothing of the held-out documents with a finite loss.
        """
        if self.trainer.progress.best is None or not self.model_path.exists():
            raise self._diverged()
        best = Checkpoint.load(self.model_path)
        codec_size = self.tokenizer.document_id
        network = best.network(str(self.plan.device))
        nats = self.validation.exact(network)
        if not math.isfinite(nats):
            raise self._diverged()
        ngram, order = self.validation.ngram(self.stream.ids, self.train_spans, codec_size)
        found = {
            "nats_per_token": nats,
            "bits_per_token": nats / math.log(2),
            "ngram_nats": ngram,
            "ngram_order": order,
            temperature.METRIC: self.validation.temperature(network).to_json(),
        }
        best = dataclasses.replace(best, metrics=best.metrics | found)
        best.save(self.model_path)
        if self.train_spans.tokens <= INDEXED:
            write_index(self.folder, self.stream, self.train_spans, self.tokenizer)
        return best

    def _diverged(self) -> SeqgenError:
        gentler = f"-P learning_rate {self.plan.train.learning_rate / 4:.2g}"
        message = f"{self.folder}: training diverged, its loss on what is held out is not a finite number"
        return SeqgenError(message, f"begin anew with {gentler}")

    def stepped(self, progress: Progress, share: float, line: dict[str, Any]) -> None:
        """Log."""
        self._log(line)
        if self.ranks.leads:
            self.observer.stepped(progress, share, line)

    def checked(self, progress: Progress, line: dict[str, Any], improved: bool) -> None:
        """Keep the model if it is the best so far."""
        self._log(line)
        if improved and self.ranks.leads:
            self.keep(line["validation_nats"])
        if self.ranks.leads:
            self.observer.checked(progress, line, improved)

    def rolled_back(self, progress: Progress, line: dict[str, Any]) -> None:
        """Log, and save: the smaller step must not be lost."""
        self._log(line)
        self.save_resume()
        if self.ranks.leads:
            self.observer.rolled_back(progress, line)

    def shrunk(self, progress: Progress, line: dict[str, Any]) -> None:
        """Log, and save. It happens to a run of one rank alone."""
        self._log(line)
        self.save_resume()
        self.observer.shrunk(progress, line)

    def keep(self, nats: float) -> None:
        """Write the checkpoint, of the averaged weights where they are the better ones."""
        average, metrics = self.trainer.step.average, {"validation_nats": nats}
        if average is None or not self.trainer.averaged_is_best:
            self.checkpoint(metrics).save(self.model_path)
            return
        with average.in_place():
            self.checkpoint(metrics | {"averaged": True}).save(self.model_path)

    def close(self) -> None:
        """Save, and let go of the observer."""
        self.save_resume()
        if self.ranks.leads:
            self.observer.close()

    def save_resume(self) -> None:
        """Write `resume.safetensors`. Every rank calls it, rank 0 writes."""
        lengths, seen = (self.journal.lengths(), self.seen) if self.ranks.leads else ({}, None)
        resume.save(self.folder / resume.RESUME_FILE, self.trainer, self._about(), lengths, self.journal.digest(), seen)

    def _save(self) -> None:
        """Write all of the run: until the first validation, the weights as they stand are the checkpoint."""
        self.save_resume()
        if self.ranks.leads and self.trainer.progress.best is None:
            first = self.checkpoint({})
            if all(np.isfinite(weight).all() for weight in first.weights.values()):
                first.save(self.model_path)

    def checkpoint(self, metrics: dict[str, Any]) -> Checkpoint:
        """The network as it stands, as a checkpoint."""
        plan, progress = self.plan, self.trainer.progress
        names = weight_shapes(plan.cell, plan.shape, self.tokenizer.vocab_size)
        state = self.network.state_dict()
        weights = {name: state[name].detach().float().cpu().numpy() for name in names}
        counted = {"steps": progress.total_steps, "tokens": progress.tokens, "seconds": round(progress.seconds, 1)}
        about = {
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
        return Checkpoint(
            plan.model, plan.cell, plan.shape, self.tokenizer, weights, plan.to_json(), metrics | counted, about,
            self.seen,
        )  # fmt: skip

    def _about(self) -> dict[str, Any]:
        """What must be the same for a run to go on: all but the budget and the device."""
        plan: dict[str, Any] = {key: value for key, value in self.plan.to_json().items() if key not in FREE}
        return {"corpus": self.stream.fingerprint} | plan

    def _told(self) -> dict[str, Any]:
        """What all ranks must have been told alike."""
        held_out = {"validation corpus": self.held_out.fingerprint}
        found = {"version of seqgen": seqgen.__version__, "version of torch": str(torch.__version__)}
        return found | self._about() | held_out | {key: self.plan.to_json()[key] for key in FREE}

    def _make_folder(self) -> None:
        begin(self.folder, (MODEL_FILE, resume.RESUME_FILE))
        about = {
            "stream": str(self.stream.path.resolve()),
            "fingerprint": self.stream.fingerprint,
            "head": 1 if self.stream.labels[0] < 0 else 2,
            "validation": self.plan.train.validation if self.held_out is self.stream else 0.0,
            "held_out": None if self.held_out is self.stream else str(self.held_out.path.resolve()),
            "held_fingerprint": self.held_out.fingerprint,
            "plan": self.plan.to_json(),
        }
        files.write_bytes(self.folder / TRAINING_FILE, sealed(about))
        self.journal.cut({})

    def _log(self, line: dict[str, Any]) -> None:
        if self.ranks.leads:
            self.journal.add(line)


def _split(stream: TokenStream, held_out: TokenStream | None, plan: Plan) -> tuple[Spans, Spans]:
    if held_out is not None:
        return Spans(stream.starts[:-1], stream.starts[1:]), Spans(held_out.starts[:-1], held_out.starts[1:])
    head = 1 if stream.labels[0] < 0 else 2
    return split(stream.starts, head, plan.train.validation, plan.seed)
