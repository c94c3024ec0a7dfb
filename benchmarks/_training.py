"""What benchmarks of training share: one run in this process, measured under protocol B. Prints nothing.

Corpora are given by path or name, and tokenized through the cache like everywhere else.
"""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from seqgen import settings
from seqgen.checkpoint import Checkpoint, make_model
from seqgen.jobs.observer import SILENT
from seqgen.stream import TokenStream
from seqgen.tokenization.cache import cached_stream
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.tokenizer import Tokenizer
from seqgen.training.corpus import TrainingCorpus
from seqgen.training.plan import TrainPlan
from seqgen.training.progress import Budget
from seqgen.training.run import Run
from seqgen.training.settings import TrainSettings


def open_corpus(source: str, codec: str | None = None) -> TokenStream:
    """The token stream of a path or a corpus by name."""
    if source.endswith(".tokens"):
        return TokenStream.open(source)
    return cached_stream(resolve([source], lambda text: None), TokenizeSettings(codec))


def train(
    stream: TokenStream,
    model: str,
    shape: dict[str, Any],
    training: dict[str, Any],
    budget: Budget,
    seed: int,
    cell: dict[str, Any] | None = None,
    keep: Path | None = None,
) -> dict[str, Any]:
    """One run from scratch in a temporary folder; its checkpoint is copied to `keep`.

    Returns:
        nats (protocol B on the validation part, of the best model), parameters, tokens trained on, steps, seconds of
        the loop, and the last training loss.
    """
    recurrence, made = make_model(model, cell or {}, shape)
    how = settings.parse(TrainSettings, training)
    plan = TrainPlan(model, recurrence, made, how, budget, seed, torch.device("cpu"))
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "run", TrainingCorpus(stream, tokenizer), plan, SILENT)
        run.start()
        began = time.perf_counter()
        run.train()
        seconds = time.perf_counter() - began
        best = Checkpoint.load(run.model_path)
        if keep is not None:
            shutil.copy(run.model_path, keep)
        nats = run.validation.exact(best.network())
    progress = run.trainer.progress
    losses = [line["nats"] for line in progress.history if line.get("nats") is not None]
    return {
        "nats": round(nats, 4),
        "train_nats": round(losses[-1], 4) if losses else None,
        "parameters": best.parameters,
        "tokens": progress.tokens,
        "steps": progress.total_steps,
        "seconds": round(seconds, 1),
    }


def ngram(stream: TokenStream, seed: int) -> tuple[float, int]:
    """(nats per token, order) of the n-gram baseline on the same split that `train` makes with this seed."""
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    recurrence, made = make_model("lstm", {}, {"hidden": 8})
    plan = TrainPlan("lstm", recurrence, made, TrainSettings(), Budget(steps=1), seed, torch.device("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "run", TrainingCorpus(stream, tokenizer), plan, SILENT)
        return run.validation.ngram(stream.ids, run.train_spans, tokenizer.document_id)
