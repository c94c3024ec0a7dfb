"""Claim: bodies of functions that a model fills into C balance, and the files around them still parse.

    pip install 'seqgen-art[code]'
    python benchmarks/infill_c.py RUN [-n 200] [--seed 1] [--temperature 0.6] [--min-p 0.05] [--timed 20] [--show 3]
        [--quick] [--save]

RUN is the folder of a run that was trained with holes on C (`seqgen train sqlite -P infill 0.3`). Of what it held out,
N functions are drawn; the body of each, from behind its first line to the brace that closes it, is removed and filled
by the model, which is not told how long it was. A file is the function with the definitions next to it: AROUND on both
sides, or fewer where conditionals begin or end between them. Only files that balance and parse as people wrote them
are taken, so that what is wrong afterwards is the filling's; the share of functions with such a file is printed.
Balance is judged by `_c_check.py`, which shares nothing with the grammar; the parser is tree-sitter-c: a file parses if
its tree has no ERROR and no MISSING node.

Speed: a filling beside a sample of as many tokens that reads as many before it, the two in turn.
"""

import argparse
import random
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seqgen.api.filling import LEFT, span_of
from seqgen.api.model import Model, load
from seqgen.codecs.c_source import CSource
from seqgen.evaluation import syntax
from seqgen.infilling import Reach
from seqgen.training.recorded import recorded

from _c_check import balanced  # isort: skip
from _report import print_table, write_json  # isort: skip

TREE_SITTER = CSource.tree_sitter(".c")
HEAD = re.compile(r"^(?!else\b|do\b|typedef\b|struct\b|union\b|enum\b)[A-Za-z_][^\n;{}=#]*\([^;{}#]*\)\s*\{\n", re.M)
CLOSED = re.compile(r"^\}\n", re.M)
AROUND, LEAST, QUICK = 2, 2, 6  # definitions on both sides; lines of a body; functions of a quick run


class Removed(NamedTuple):
    """A file without the body of one function."""

    left: str
    body: str
    right: str


def functions(text: str) -> list[tuple[int, int, int]]:
    """(begin, where its body begins, where that ends) of each function of a text, by its lines alone."""
    found, at = [], 0
    while head := HEAD.search(text, at):
        end = CLOSED.search(text, head.end())
        if end is None:
            break
        found.append((head.start(), head.end(), end.start()))
        at = end.end()
    return found


def removed(text: str, most: int, rng: random.Random) -> Iterator[Removed | None]:
    """Files without a body, in random order; None for each that people did not write in order.

    Args:
        text: What was held out.
        most: Characters of a body at most.
        rng: Draws the order.
    """
    every = functions(text)
    places = list(range(len(every)))
    rng.shuffle(places)
    for place in places:
        _, opened, closed = every[place]
        body = text[opened:closed]
        if body.count("\n") < LEAST or len(body) > most:
            continue
        for around in range(AROUND, -1, -1):
            begin, end = every[max(place - around, 0)][0], every[min(place + around, len(every) - 1)][2] + 2
            if in_order(text[begin:end]):
                yield Removed(text[begin:opened], body, text[closed:end])
                break
        else:
            yield None


def in_order(text: str) -> bool:
    """Whether a file balances and parses."""
    return balanced(text) and parses(text)


def parses(text: str) -> bool:
    """Whether its tree has no ERROR and no MISSING node."""
    return not syntax.parse(text.encode("latin-1", "replace"), TREE_SITTER).faults


def held_out(run: Path, model: Model) -> str:
    """All of it, decoded."""
    about = recorded(run)
    spans = zip(about.held.begin.tolist(), about.held.end.tolist())
    own = (model.tokenizer.own(np.asarray(about.held_stream.ids[begin:end])) for begin, end in spans)
    return "\n".join(model.tokenizer.decode(ids).decode("latin-1") for ids in own)


def filled(model: Model, holes: list[Removed], asked: argparse.Namespace) -> list[str]:
    """What stands in each hole."""
    texts = []
    for number, hole in enumerate(holes):
        left, right = (side.encode("latin-1") for side in (hole.left, hole.right))
        made = model.fill(left, right, seed=asked.seed + number, **how(asked))
        texts.append(model.tokenizer.decode(made.ids).decode("latin-1"))
    return texts


def how(asked: argparse.Namespace) -> dict[str, Any]:
    """How a model is sampled."""
    return {"temperature": asked.temperature, "rules": [("min_p", asked.min_p)]}


def judged(holes: list[Removed], texts: list[str], show: int) -> dict[str, Any]:
    """Shares of files whose holes were filled."""
    files = [hole.left + text + hole.right for hole, text in zip(holes, texts)]
    in_balance, in_tree = [balanced(each) for each in files], [parses(each) for each in files]
    for hole, text, fine in zip(holes, texts, in_tree):
        if not fine and show:
            show -= 1
            print(f"{hole.left[-120:]!r} >>> {text!r} <<< {hole.right[:60]!r}")
    lengths, own = ([each.count("\n") for each in bodies] for bodies in (texts, [hole.body for hole in holes]))
    return {
        "files": len(files),
        "balanced": sum(in_balance) / len(files),
        "parsed": sum(in_tree) / len(files),
        "parsed_and_not_empty": sum(fine and bool(text.strip()) for fine, text in zip(in_tree, texts)) / len(files),
        "as_it_was": sum(text == hole.body for text, hole in zip(texts, holes)) / len(files),
        "median_lines": statistics.median(lengths),
        "median_lines_removed": statistics.median(own),
    }


def speed(model: Model, holes: list[Removed], asked: argparse.Namespace) -> dict[str, Any]:
    """Seconds of fillings, and of samples that read as many tokens and make as many."""
    after, taken, tokens = Reach.of(span_of(model)).after, [0.0, 0.0], 0
    for number, hole in enumerate(holes[: asked.timed]):
        left, right = (side.encode("latin-1") for side in (hole.left, hole.right))
        begin = time.perf_counter()
        made = model.fill(left, right, seed=asked.seed + number, **how(asked))
        between = time.perf_counter()
        near = model.tokenizer.encode_prompt(right)[:after]
        read = model.tokenizer.decode(np.concatenate([near, model.tokenizer.encode_prompt(left)[-LEFT:]]))
        started = time.perf_counter()
        model.sample(read, length=len(made.ids), seed=asked.seed + number, **how(asked))
        ended = time.perf_counter()
        taken = [taken[0] + between - begin, taken[1] + ended - started]
        tokens += len(made.ids)
    return {
        "fillings": min(asked.timed, len(holes)),
        "tokens": tokens,
        "filling_s": round(taken[0], 3),
        "sampling_s": round(taken[1], 3),
        "ratio": round(taken[0] / taken[1], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--temperature", type=float, default=0.6)
    parser.add_argument("--min-p", type=float, default=0.05)
    parser.add_argument("--timed", type=int, default=20, metavar="N", help="time N of the fillings")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N fillings that do not parse")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} functions")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/infill_c.json")
    asked = parser.parse_args()
    model, count = load(asked.run), QUICK if asked.quick else asked.n
    span = span_of(model)  # a body of as many characters has no more tokens than that
    tried, holes = 0, list[Removed]()
    for hole in removed(held_out(asked.run, model), span, random.Random(asked.seed)):
        tried += 1
        holes += [] if hole is None else [hole]
        if len(holes) == count:
            break
    if not holes:
        raise SystemExit(f"{asked.run}: nothing that it held out is a function whose file is in order")
    found = {
        "bodies": judged(holes, filled(model, holes, asked), asked.show) | {"in_order_as_written": len(holes) / tried}
    }
    found["speed"] = speed(model, holes, asked)
    rows = [[kind, name, f"{value:.4g}"] for kind, values in found.items() for name, value in values.items()]
    print_table(["of", "what", "value"], rows)
    if asked.save:
        settings = {name: value for name, value in vars(asked).items() if name not in ("run", "save", "show")}
        about = {"span": span, "metrics": model.checkpoint.metrics}
        print(write_json("infill_c", {**found, **about}, settings | {"run": asked.run.name}))


if __name__ == "__main__":
    main()
