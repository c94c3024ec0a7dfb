"""Claim: a model that learns from its prompt (`seqgen generate --adapt`) predicts what follows it better.

    python benchmarks/adapt.py CHECKPOINT[=CORPUS] … [--rates 0.0007] [--prompts 2000 6000] [--places 3] [--next 2000]

CHECKPOINT is a published model and CORPUS what it learned from, by its name in the catalogue; without it the corpus of
the model's name. The corpus is split as the run split it, which is checked by its tokens, and what was held out is
measured: at so many places, spread evenly over the documents that are long enough, a prompt is read, and the nats per
token of the tokens that follow it are measured with the weights as they are and with those that learned from the
prompt, no more being learned on the way. In music several documents are a prompt where one is not long enough.
"""

import argparse
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from seqgen.api.adapting import RATE, Adapting
from seqgen.api.model import Model, load
from seqgen.jobs.evaluate import corpora
from seqgen.models.network import RecurrentLM
from seqgen.training.splitting import FIRST, SPLIT, split

from _report import print_table, write_json  # isort: skip

Ids = NDArray[Any]
CHUNK = 500  # tokens whose logits are held at once


def held_out(model: Model, corpus: str) -> list[Ids]:
    """The documents that the run held out, without framing."""
    found, about = corpora.opened([corpus], model.tokenizer), model.checkpoint.provenance
    starts, head = np.asarray(found.starts), 1 + bool(model.tokenizer.labels)
    for version in (SPLIT, FIRST):
        train, held = split(starts, head, 0.1, about["seed"], version)
        if (train.tokens, held.tokens) == (about["train_tokens"], about["validation_tokens"]):
            return [model.tokenizer.own(found.ids[a:b]) for a, b in zip(held.begin.tolist(), held.end.tolist())]
    raise SystemExit(f"{model.name}: {corpus} is not the corpus that it learned from")


def places(documents: list[Ids], size: int, count: int) -> list[Ids]:
    """So many stretches of `size` ids: in long documents, else of all of them one after the other."""
    long = [each for each in documents if len(each) >= size] or [np.concatenate(documents)]
    rooms = np.array([len(each) - size + 1 for each in long])
    found = []
    for at in np.linspace(0, rooms.sum() - 1, count + 2)[1:-1].astype(np.int64).tolist():
        which = int(np.searchsorted(np.cumsum(rooms), at, side="right"))
        begin = at - int(np.cumsum(rooms)[which] - rooms[which])
        found.append(long[which][begin : begin + size])
    return found


@torch.no_grad()
def cost(network: RecurrentLM, ids: Ids, begin: int) -> float:
    """Nats per token of the ids from `begin` on, all of them being read from a zero state."""
    state, total = network.initial_state(1), 0.0
    for at in range(0, len(ids) - 1, CHUNK):
        piece = torch.from_numpy(ids[at : at + CHUNK + 1].astype(np.int64))
        logits, state = network(piece[None, :-1], state)
        each = functional.cross_entropy(logits[0].float(), piece[1:], reduction="none")
        total += float(each[max(begin - 1 - at, 0) :].sum())
    return total / (len(ids) - begin)


def measured(model: Model, stretches: list[Ids], prompt: int, rates: list[float]) -> dict[str, Any]:
    """The mean nats of what follows, by rate."""
    network = model.checkpoint.network()
    found: dict[str, Any] = {"prompt": prompt, "places": len(stretches)}
    found["static"] = [round(cost(network, each, prompt), 4) for each in stretches]
    seconds = 0.0
    for rate in rates:
        nats = []
        for each in stretches:
            adapting, began = Adapting(model, rate), time.perf_counter()
            adapting.learn(each[:prompt])
            seconds += time.perf_counter() - began
            assert adapting.network is not None
            nats.append(round(cost(adapting.network, each, prompt), 4))
        found[f"{rate:g}"] = nats
    found["seconds_to_learn"] = round(seconds / (len(rates) * len(stretches)), 2)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", metavar="CHECKPOINT[=CORPUS]")
    parser.add_argument("--rates", nargs="+", type=float, default=[RATE])
    parser.add_argument("--prompts", nargs="+", type=int, default=[2000, 6000])
    parser.add_argument("--places", type=int, default=3)
    parser.add_argument("--next", type=int, default=2000)
    parser.add_argument("--name", default="adapt", help="of the result file; none: leave none")
    given = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    for named in given.checkpoints:
        name, _, corpus = named.partition("=")
        model = load(name)
        documents = held_out(model, corpus or name)
        stretches = places(documents, max(given.prompts) + given.next, given.places)
        rows = []
        for prompt in given.prompts:  # the same text follows, however much of what is before is the prompt
            cut = [each[max(given.prompts) - prompt :] for each in stretches]
            rows.append(measured(model, cut, prompt, given.rates))
        results[name] = rows
        print(name)
        kinds = ["static", *(f"{rate:g}" for rate in given.rates)]
        table = [[row["prompt"], *(f"{np.mean(row[kind]):.4f}" for kind in kinds)] for row in rows]
        print_table(("prompt", "static", *(f"rate {kind}" for kind in kinds[1:])), table)
        if given.name:
            settings = {"places": given.places, "next": given.next, "rates": given.rates}
            print(f"written: {write_json(given.name, results, settings)}\n", flush=True)


if __name__ == "__main__":
    main()
