"""Claim: pieces have the shape that is asked for: bars come back as in the corpus, and sections as their letters say.

    python benchmarks/form.py CHECKPOINT … [--pieces 60] [--bars 32] [--temperatures 0.8 1] [--max-copy 8bars]

CHECKPOINT is a model of codec `midi_bar`, named like the catalogued corpus that it learned from. It makes pieces of so
many bars three times: as it likes, with --form corpus, and with --form aaba. Of each kind are told

- the similarity of bars to those 1, 2, 4, 8 and 16 before (`seqgen.music.bar_similarity`), the mean over pieces, beside
  that of the whole corpus by the same code, and its share of that;
- the mean likeness of bars to those at the same place of a section with the same letter, and of another;
- the shares of 8-, 16- and 24-grams of tokens that are new to the training documents, in any key
  (`seqgen.originality`), beside those of documents that were held out; and the longest run that is not.

With --max-copy all three are made once more, at the last temperature, with copies of so many tokens or bars refused.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqgen.api.model import Model, load
from seqgen.api.sampling import Sampling
from seqgen.checkpoint import Checkpoint, find
from seqgen.music.bar_similarity import LAGS, Bars, by_lag
from seqgen.music.request import Music
from seqgen.music.score import Score
from seqgen.originality.copy_key import seen_through
from seqgen.originality.index import INDEX_FILE, Corpus, Index, build
from seqgen.originality.measuring import measure
from seqgen.tokenization.cache import cached_stream
from seqgen.tokenization.settings import TokenizeSettings
from seqgen.tokenization.sources import resolve
from seqgen.training.counting import as_trained

from _report import print_table, write_json  # isort: skip

NGRAMS = (8, 16, 24)  # tokens; a note takes some three
LETTERS = "aaba"
LEAST = 150  # tokens of a held-out document
Ids = list[int]


def pieces(model: Model, how: Sampling, count: int) -> list[Ids]:
    """The tokens of so many pieces, drawn at once."""
    prompts = [model.prompt(b"", model.label(None, how.seed, index)) for index in range(count)]
    ids: list[Ids] = [[] for _ in prompts]
    for step in model.sampler(how, prompts).steps():
        for index in np.flatnonzero(step.ids >= 0).tolist():
            ids[index].append(int(step.ids[index]))
    return ids


def sections(score: Score, size: int) -> tuple[float, float]:
    """The mean likeness of bars at the same place of two sections with the same letter, and with others."""
    bars, (over, under) = Bars.of(score), score.meter[0].tolist()
    held: list[set[tuple[int, int]]] = [set() for _ in range(int(bars.first.max()) + 1)]
    for bar, place, sound in zip(bars.first.tolist(), bars.place.tolist(), bars.sound.tolist()):
        held[bar].add((place, sound))
    held = held[1:] if 4 * over <= under else held  # an upbeat stands before the sections
    found: dict[bool, list[float]] = {True: [], False: []}
    for one, other in itertools.combinations(range(len(LETTERS)), 2):
        for a, b in zip(held[one * size : (one + 1) * size], held[other * size : (other + 1) * size]):
            found[LETTERS[one] == LETTERS[other]].append(len(a & b) / max(len(a | b), 1))
    return float(np.mean(found[True])), float(np.mean(found[False]))


def measured(model: Model, made: Sequence[Ids], index: Index, size: int) -> dict[str, Any]:
    """What is told of pieces."""
    scores = [model.tokenizer.codec.steerable().score(np.array(ids)) for ids in made]  # type: ignore[union-attr]
    pairs = np.array([sections(score, size) for score in scores]).mean(axis=0)
    return {
        "similarity": {str(lag): round(mean, 4) for lag, mean in by_lag(map(Bars.of, scores)).items()},
        "same_letter": round(float(pairs[0]), 4),
        "other_letter": round(float(pairs[1]), 4),
        "tokens": round(float(np.mean([len(each) for each in made])), 1),
    } | news(model, made, index)


def news(model: Model, made: Sequence[Ids], index: Index) -> dict[str, Any]:
    """What of pieces is new, and the longest runs that are not: the median, and the longest."""
    key = model.tokenizer.copy_key()
    ids = [np.array(each) if key is None else key.ids(np.array(each))[0] for each in made]
    found = [measure(index, each, NGRAMS) for each in ids]
    return {
        "new": {str(n): round(float(np.mean([each.novelty[n] for each in found])), 4) for n in NGRAMS},
        "longest_run": int(np.median([each.longest for each in found])),
        "longest_of_all": max(each.longest for each in found),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", metavar="CHECKPOINT")
    parser.add_argument("--pieces", type=int, default=60)
    parser.add_argument("--bars", type=int, default=32)
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.8, 0.9, 1.0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-copy", nargs="*", default=[], help="as `seqgen generate` takes it: 8bars, or tokens")
    parser.add_argument("--no-json", action="store_true", help="leave no result file")
    given = parser.parse_args()
    results: dict[str, Any] = {}
    for checkpoint in given.checkpoints:
        results[checkpoint] = examined(checkpoint, given)
        corpus = results[checkpoint]["corpus"]
        new = results[checkpoint]["held_out"]["new"].values()
        rows = [["corpus", *corpus.values(), *[""] * 6], ["held out", *[""] * (len(corpus) + 2), *new, ""]]
        for kind, found in results[checkpoint]["made"].items():
            similar = [f"{value:.3f} ({value / corpus[lag]:.0%})" for lag, value in found["similarity"].items()]
            new = found["new"].values()
            rows.append([kind, *similar, found["same_letter"], found["other_letter"], *new, found["longest_of_all"]])
        print(checkpoint)
        print_table(
            (
                "",
                *(f"lag {lag}" for lag in LAGS),
                "same letter",
                "other",
                *(f"new {n}-grams" for n in NGRAMS),
                "longest run",
            ),
            rows,
        )
        if not given.no_json:
            settings = {"pieces": given.pieces, "bars": given.bars, "seed": given.seed}
            print(f"written: {write_json('form', results, settings)}\n", flush=True)


def examined(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """What is told of one model."""
    model, began = load(name), time.perf_counter()
    stream = cached_stream(resolve([name], print), TokenizeSettings(tokenizer=model.tokenizer))
    train, held = as_trained(stream, Checkpoint.load(find(name)))
    starts, key = np.asarray(stream.starts), model.tokenizer.copy_key()
    framing, size = model.tokenizer.document_id, model.tokenizer.vocab_size
    learned = Corpus(stream.ids, starts, train.begin, train.end, framing, size, name, [(name, len(starts) - 1)])
    with tempfile.TemporaryDirectory() as folder:
        build(learned if key is None else seen_through(learned, key), Path(folder) / INDEX_FILE)
        index = Index(Path(folder) / INDEX_FILE)
        documents = [model.tokenizer.own(stream.ids[a:b]) for a, b in itertools.pairwise(starts.tolist())]
        kept = [model.tokenizer.own(stream.ids[a:b]) for a, b in zip(held.begin, held.end)]
        long = [each.tolist() for each in kept if len(each) >= LEAST][: given.pieces]
        corpus = model.tokenizer.codec.bar_similarity(documents)
        asked = {
            "as it likes": Music(bars=given.bars),
            "--form corpus": Music(bars=given.bars, form="corpus"),
            f"--form {LETTERS}": Music(form=f"{LETTERS}:{given.bars // len(LETTERS)}"),
        }
        ways = {
            f"{kind}, {heat:g}": (music, heat, None) for heat in given.temperatures for kind, music in asked.items()
        }
        for limit in given.max_copy:
            last, most = given.temperatures[-1], int(limit) if limit.isdecimal() else limit
            ways |= {f"{kind}, {last:g}, --max-copy {limit}": (music, last, most) for kind, music in asked.items()}
        model._indexes, made = [index], {}  # a published model knows none of its own
        for way, (music, heat, most) in ways.items():
            how = Sampling(seed=given.seed, music=music, temperature=heat, max_copy=most)
            drawn = pieces(model, how, given.pieces)
            made[way] = measured(model, drawn, index, given.bars // len(LETTERS))
        held_out = news(model, long, index)
    return {"corpus": {lag: round(mean, 4) for lag, mean in corpus.items()}, "made": made, "held_out": held_out,
            "seconds": round(time.perf_counter() - began)}  # fmt: skip


if __name__ == "__main__":
    main()
