"""What counts of corpus and document are worth beside a network: held-out nats, samples, the cost of a token.

    python benchmarks/counts.py tiny-shakespeare=FILE shakespeare=shakespeare sqlite-c=sqlite [--samples 24]

Each NAME=SOURCE is a published checkpoint that has counts and the corpus that it was trained on. Nats are per token of
what its run held out, by gates that are crossed: fitted on the one half of the text for the other. Samples are 1,500
tokens at temperature 0.8, by the share that the document's counts have; beside them stand pieces of held-out text as
long. New: 8-grams that training did not have. Again: 16-grams that stood in the same piece before. The cost of a token
is the median of turns that take each other's place.
"""

import argparse
import dataclasses
import statistics
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.api.model import Model
from seqgen.api.sampling import Sampling
from seqgen.checkpoint import Checkpoint
from seqgen.evaluation.experts import evaluate_experts
from seqgen.generation.loop import collect
from seqgen.tokenization.cache import cached_stream
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.training.counting import as_trained
from seqgen.training.validation import own_tokens

from _report import print_table, write_json  # isort: skip

LENGTH, TEMPERATURE = 1500, 0.8
SHARES = (None, 0.0, 0.25, 0.5, 1.0)
TURNS = 5
Ids = NDArray[np.int64]


def windows(ids: Ids, size: int) -> list[bytes]:
    """Every n-gram."""
    data = np.ascontiguousarray(ids, np.int32).tobytes()
    return [data[4 * at : 4 * (at + size)] for at in range(len(ids) - size + 1)]


def facts(pieces: list[Ids], known: set[bytes]) -> dict[str, float]:
    """Shares of new 8-grams, and of 16-grams that come again."""
    long = [piece for piece in pieces if len(piece) > 100]
    new = [np.mean([gram not in known for gram in windows(piece, 8)]) for piece in long]
    again = [1 - len(set(windows(piece, 16))) / len(windows(piece, 16)) for piece in long]
    return {"new_8_grams": float(np.mean(new)), "again_16_grams": float(np.mean(again))}


def variant(checkpoint: Checkpoint, share: float | None) -> Model:
    """The model that hears the document by a share; None: the network alone."""
    experts = checkpoint.experts
    assert experts is not None
    gate = dataclasses.replace(experts.gate, share=0.0 if share is None else share)
    heard = None if share is None else dataclasses.replace(experts, gate=gate)
    return Model(dataclasses.replace(checkpoint, experts=heard))


def sampled(model: Model, count: int, length: int = LENGTH) -> list[Ids]:
    """Samples of a new document."""
    how = Sampling(seed=1, length=length, temperature=TEMPERATURE)
    return [np.array(each.ids) for each in collect(model.sampler(how, [model.prompt(b"")] * count).steps(), count)]


def cost(checkpoint: Checkpoint, streams: int) -> dict[str, float]:
    """Microseconds of processor time a token, without counts and with them."""
    models = {"network": variant(checkpoint, None), "with counts": variant(checkpoint, 0.5)}
    length = max(60, 600 // streams)
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(TURNS):
        for name, model in models.items():
            begin = time.process_time()
            made = sampled(model, streams, length)
            times[name].append((time.process_time() - begin) / sum(map(len, made)) * 1e6)
    return {name: statistics.median(each[1:]) for name, each in times.items()}


def measured(name: str, source: str, samples: int) -> dict[str, Any]:
    """All of one checkpoint."""
    checkpoint = Checkpoint.load(name)
    assert checkpoint.experts is not None, f"{name} has no counts"
    size = checkpoint.tokenizer.measured_size
    stream = cached_stream(resolve([source], print), TokenizeSettings(tokenizer=checkpoint.tokenizer))
    train, held = as_trained(stream, checkpoint)
    seen, _ = own_tokens(stream.ids, train, size, train.tokens)
    ids, starts = own_tokens(stream.ids, held, size, held.tokens)
    known, cut = set(windows(seen, 8)), max(LENGTH, len(ids) // samples)
    found: dict[str, Any] = {"samples": {}}
    found["samples"]["held out"] = facts([ids[at : at + LENGTH] for at in range(0, len(ids) - LENGTH, cut)], known)
    for share in SHARES:
        what = "network" if share is None else f"document's share {share:g}"
        found["samples"][what] = facts(sampled(variant(checkpoint, share), samples), known)
    found["microseconds"] = {str(streams): cost(checkpoint, streams) for streams in (1, 64)}
    score = evaluate_experts(checkpoint.network(), checkpoint.experts, ids, starts, crossed=True)
    found["protocol_a"], found["protocol_b"] = (
        {"network": each.network, "corpus": each.corpus, "document": each.document, "tokens": each.count}
        for each in (score.protocol_a, score.protocol_b)
    )
    found["counts"] = {"n_grams": len(checkpoint.experts.counts.tokens), "bytes": checkpoint.experts.counts.nbytes}
    return found


def main() -> None:
    """Print tables, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="NAME=SOURCE")
    parser.add_argument("--samples", type=int, default=24)
    asked = parser.parse_args()
    results = {}
    for each in asked.models:
        name, _, source = each.partition("=")
        found = results[name] = measured(name, source, asked.samples)
        print(f"\n{name}")
        rows = [
            (key, *(f"{found[key][who]:.4f}" for who in ("network", "corpus", "document")))
            for key in found
            if key[:8] == "protocol"
        ]
        print_table(("nats per token", "network", "+ corpus", "+ document"), rows)
        rows = [(what, *(f"{value:.3f}" for value in row.values())) for what, row in found["samples"].items()]
        print_table(("samples", "new 8-grams", "16-grams again"), rows)
        rows = [
            (streams, *row.values(), f"{row['with counts'] / row['network']:.2f}")
            for streams, row in found["microseconds"].items()
        ]
        print_table(("streams", "network, µs", "with counts, µs", "ratio"), rows)
        write_json("counts", results, {"samples": asked.samples, "length": LENGTH, "temperature": TEMPERATURE})


if __name__ == "__main__":
    main()
