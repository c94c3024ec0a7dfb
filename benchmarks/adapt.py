"""Claim: a model that learns from its prompt (`seqgen generate --adapt`) predicts what follows it better.

    python benchmarks/adapt.py CHECKPOINT[=CORPUS] … [--rates 0.0003 0.0007 0.0015] [--prompts 2000 6000] [--places 3]

CHECKPOINT is a published model and CORPUS what it learned from, by its name in the catalogue; without it the corpus of
the model's name. The corpus is split as the run split it, which is checked by its tokens, and what was held out is
measured: at so many places, spread evenly over the documents that are long enough, a prompt is read, and the nats per
token of the tokens that follow it are measured with the weights as they are and with those that learned from the
prompt, no more being learned on the way. In music several documents are a prompt where one is not long enough.

The rate is chosen at `--choosing` other places between those, by what follows the longest prompt: measured are the one
that was best there, and the default.
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


def learned(model: Model, stretches: list[Ids], prompt: int, rate: float) -> list[float]:
    """The nats of what follows each prompt, learned from at a rate."""
    found = []
    for each in stretches:
        adapting = Adapting(model, rate)
        adapting.learn(each[:prompt])
        assert adapting.network is not None
        found.append(round(cost(adapting.network, each, prompt), 4))
    return found


def measured(model: Model, stretches: list[Ids], prompt: int, rates: list[float]) -> dict[str, Any]:
    """The nats of what follows, by rate."""
    network, began = model.checkpoint.network(), time.process_time()
    found: dict[str, Any] = {"prompt": prompt, "places": len(stretches)}
    found["static"] = [round(cost(network, each, prompt), 4) for each in stretches]
    for rate in rates:
        found[f"{rate:g}"] = learned(model, stretches, prompt, rate)
    found["processor_seconds"] = round(time.process_time() - began, 1)
    return found


def row(kinds: list[str], each: dict[str, Any]) -> list[str]:
    """A line of the table: means, and by how much they are below the weights as they are."""
    means = [float(np.mean(each[kind])) for kind in kinds]
    return [str(each["prompt"]), f"{means[0]:.4f}", *(f"{mean:.4f} ({mean - means[0]:+.4f})" for mean in means[1:])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", metavar="CHECKPOINT[=CORPUS]")
    parser.add_argument("--rates", nargs="+", type=float, default=[3e-4, RATE, 1.5e-3])
    parser.add_argument("--prompts", nargs="+", type=int, default=[2000, 6000])
    parser.add_argument("--places", type=int, default=3)
    parser.add_argument("--choosing", type=int, default=2, help="places at which the rate is chosen")
    parser.add_argument("--next", type=int, default=2000)
    parser.add_argument("--name", default="adapt", help="of the result file; none: leave none")
    given = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    longest = max(given.prompts)
    for named in given.checkpoints:
        name, _, corpus = named.partition("=")
        model = load(name)
        every = places(held_out(model, corpus or name), longest + given.next, given.places + given.choosing)
        choosing = [every[2 * at + 1] for at in range(given.choosing)]
        others = [each for at, each in enumerate(every) if at % 2 == 0 or at > 2 * given.choosing]
        chosen = measured(model, choosing, longest, given.rates)
        best = min(given.rates, key=lambda rate: float(np.mean(chosen[f"{rate:g}"])))
        rates = sorted({RATE, best})
        # the same text follows, however much of what is before is the prompt
        found = [measured(model, [each[longest - size :] for each in others], size, rates) for size in given.prompts]
        results[name] = {"choosing": chosen, "rate": best, "measured": found}
        for title, lines, own in (("chosen at", [chosen], given.rates), ("measured at", found, rates)):
            kinds = ["static", *(f"{rate:g}" for rate in own)]
            print(f"{name}, {title} {lines[0]['places']} places")
            print_table(("prompt", "static", *(f"rate {each}" for each in kinds[1:])), [row(kinds, x) for x in lines])
        if given.name:
            settings = {"places": given.places, "choosing": given.choosing, "next": given.next, "rates": given.rates}
            print(f"written: {write_json(given.name, results, settings)}\n", flush=True)


if __name__ == "__main__":
    main()
