"""What looking back by place and by content gives from the first minute on, in small runs of equal steps.

    python benchmarks/lookback.py CORPUS:DOCUMENTS[:REACH] … [--steps 200] [--seeds 1 2]

CORPUS is a path, a token stream or a corpus by name. A network of one layer of 128 LSTM units is trained without a
memory and with `lookback`, which reaches back REACH tokens (512), on the same windows; both are measured on so many of
the held-out documents, evenly chosen: nats per token, protocol B, without what frames a document and with it. What a
step and a token more cost is measured by `memory.py --kinds none lookback:512`.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _report import print_table, write_json
from _training import open_corpus

from seqgen.checkpoint import make_model
from seqgen.evaluation import protocols
from seqgen.jobs.observer import SILENT
from seqgen.settings import parse
from seqgen.stream import TokenStream
from seqgen.tokenizer import Tokenizer
from seqgen.training.corpus import TrainingCorpus
from seqgen.training.plan import TrainPlan
from seqgen.training.progress import Budget
from seqgen.training.run import Run
from seqgen.training.settings import TrainSettings

SHAPE = {"hidden": 128, "embedding": 64}
TRAINING = {"batch": 16, "window": 64, "learning_rate": 7e-3, "validations": 1, "patience": 0, "validation": 0.05}


def main() -> None:
    """Train and measure every pair; print and store the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="+", metavar="CORPUS:DOCUMENTS[:REACH]")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--longest", type=int, default=100_000, help="tokens of a document that are measured")
    given = parser.parse_args()
    torch.set_num_threads(1)
    runs = []
    for corpus in given.corpora:
        name, documents, reach = (*corpus.split(":"), "512")[:3]
        stream = open_corpus(name)
        for seed in given.seeds:
            for memory in ({}, {"memory": "lookback", "memory_length": int(reach)}):
                found = measured(stream, SHAPE | memory, given.steps, seed, int(documents), given.longest)
                runs.append({"corpus": Path(name).stem, "memory": memory.get("memory", "none"), "reach": int(reach)}
                            | {"seed": seed} | found)  # fmt: skip
                print(runs[-1], flush=True)
    columns = ("corpus", "memory", "reach", "seed", "bare", "framed", "cpu_seconds")
    print_table(columns, [tuple(run[key] for key in columns) for run in runs])
    print(write_json("lookback", runs, SHAPE | TRAINING | {"steps": given.steps}))


def measured(
    stream: TokenStream, shape: dict[str, Any], steps: int, seed: int, documents: int, longest: int
) -> dict[str, Any]:
    """Nats per token of held-out documents after so many steps, and the processor time of the training."""
    cell, made = make_model("lstm", {}, shape)
    plan = TrainPlan("lstm", cell, made, parse(TrainSettings, TRAINING), Budget(steps=steps), seed, torch.device("cpu"))
    tokenizer = Tokenizer.from_spec(stream.codec_spec)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "run", TrainingCorpus(stream, tokenizer), plan, SILENT)
        run.trainer.validate = lambda network: 1.0  # the last weights are measured, not the best
        began = time.process_time()
        run.start()
        run.train()
        seconds = time.process_time() - began
    spans = run.validation_spans
    chosen = np.unique(np.linspace(0, len(spans) - 1, min(documents, len(spans))).astype(int))
    ends = np.minimum(spans.end[chosen], spans.begin[chosen] + longest)
    framed = [np.asarray(stream.ids[at:end]) for at, end in zip(spans.begin[chosen].tolist(), ends.tolist())]
    bare = [ids[ids < tokenizer.document_id] for ids in framed]
    nats = {}
    for name, pieces in (("bare", bare), ("framed", framed)):
        starts = np.cumsum([0, *map(len, pieces)])
        nats[name] = round(protocols.stateful(run.network.eval(), np.concatenate(pieces), starts).mean, 4)
    return nats | {"tokens": sum(map(len, bare)), "cpu_seconds": round(seconds, 1)}


if __name__ == "__main__":
    main()
