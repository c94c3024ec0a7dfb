"""Claim: names return in sampled plays: speakers speak again as often as in the corpus, within a fifth.

    python benchmarks/names.py tiny-shakespeare=FILE shakespeare=shakespeare [--samples 20] [--length 20000]

Each NAME=SOURCE is a checkpoint of plays and the corpus that it was trained on, in which a line `NAME:` behind a blank
one begins a speech. So many samples of `--length` characters are drawn at once at temperature 0.8, and beside them
stand as many stretches of the corpus, spread evenly over all of its documents that are long enough. Of each are told
the share of speakers that speak more than once in it, which is the claim, and how many speakers and speeches there are;
means over stretches. A checkpoint with counts is measured with them and without.
"""

import argparse
import re
import statistics
import time
from collections import Counter
from typing import Any

import numpy as np

from seqgen.api.model import Model, load
from seqgen.api.sampling import Sampling
from seqgen.generation.loop import collect
from seqgen.tokenization.cache import cached_stream
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve

from _report import print_table, write_json  # isort: skip

SPEECH = re.compile(r"(?:^|\n)\n([^\n:]{1,40}):\n")
TEMPERATURE = 0.8
LEAST = 0.9  # of the length asked for that a sample has, to be measured


def measured(texts: list[str]) -> dict[str, float]:
    """The means over stretches."""
    found = [Counter(SPEECH.findall(f"\n\n{text}")) for text in texts]
    found = [each for each in found if each]
    return {
        "speak_again": round(statistics.mean(sum(n > 1 for n in each.values()) / len(each) for each in found), 4),
        "speakers": round(statistics.mean(len(each) for each in found), 1),
        "speeches": round(statistics.mean(sum(each.values()) for each in found), 1),
        "stretches": len(found),
    }


def sampled(model: Model, count: int, length: int, seed: int, memory: bool) -> list[str]:
    """Texts of new documents; one that ended soon is left out."""
    prompts = [model.prompt(b"", model.label(None, seed, index)) for index in range(count)]
    how = Sampling(seed=seed, length=length, temperature=TEMPERATURE, memory=memory)
    samples = collect(model.sampler(how, prompts).steps(), count)
    texts = [model.tokenizer.decode(model.tokenizer.own(np.array(each.ids))).decode("utf-8") for each in samples]
    return [text for text in texts if len(text) >= LEAST * length]


def stretches(model: Model, source: str, count: int, length: int) -> list[str]:
    """Pieces of the corpus."""
    tokenizer = model.tokenizer
    stream = cached_stream(resolve([source], lambda text: None), TokenizeSettings(tokenizer=tokenizer))
    ends = zip(stream.starts[:-1].tolist(), stream.starts[1:].tolist())
    texts = [tokenizer.decode(tokenizer.own(np.asarray(stream.ids[a:b]))).decode("utf-8") for a, b in ends]
    rooms = np.cumsum([max(0, len(text) - length) for text in texts])
    found = []
    for at in np.linspace(0, rooms[-1] - 1, count).astype(int).tolist():
        which = int(np.searchsorted(rooms, at, side="right"))
        begin = at - int(rooms[which - 1] if which else 0)
        found.append(texts[which][begin : begin + length])
    return found


def main() -> None:
    """Print a table a model, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="NAME=SOURCE")
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--stretches", type=int, default=20, help="of the corpus")
    parser.add_argument("--length", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", default="names", help="of the file in results/")
    asked = parser.parse_args()
    results: dict[str, Any] = {}
    for each in asked.models:
        name, _, source = each.partition("=")
        model = load(name)
        found = results[model.name] = {"corpus": measured(stretches(model, source, asked.stretches, asked.length))}
        kinds = {"network": False} | ({"with counts": True} if model.checkpoint.experts is not None else {})
        settings = {key: getattr(asked, key) for key in ("samples", "stretches", "length", "seed")}
        settings["temperature"] = TEMPERATURE
        for kind, memory in kinds.items():
            began = time.process_time()
            found[kind] = measured(sampled(model, asked.samples, asked.length, asked.seed, memory))
            found[kind]["processor_seconds"] = round(time.process_time() - began, 1)
            found[kind]["of_corpus"] = round(found[kind]["speak_again"] / found["corpus"]["speak_again"], 3)
            where = write_json(asked.name, results, settings)
            print(f"{model.name}, {kind}: {found[kind]}", flush=True)
        rows = [
            (kind, f"{row['speak_again']:.3f}", f"{100 * row.get('of_corpus', 1):.0f} %", row["speakers"],
             row["speeches"], row["stretches"]) for kind, row in found.items()
        ]  # fmt: skip
        print_table((model.name, "speak again", "of corpus", "speakers", "speeches", "stretches"), rows)
        print(where, flush=True)


if __name__ == "__main__":
    main()
