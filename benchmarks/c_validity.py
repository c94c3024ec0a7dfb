"""How much of the C that a model writes is in order: brackets that match, and what a real parser accepts.

    pip install 'seqgen-art[code]'
    python benchmarks/c_validity.py CHECKPOINT [-n 200] [--seed 1] [--temperature 0.6] [--min-p 0.05]
        [--length 1500] [--show 20] [--save]

It samples N functions, each from the beginning of a declaration such as `static int `, and lets each end where its
first function body is closed: once with the grammar and a balanced end, once freely until a line is `}`. The model
reads `}` and an empty line before, so that it is between two definitions; these are no part of what is judged.

Balance is judged by `_c_check.py`, which shares nothing with the grammar. The parser is tree-sitter-c: a text
is accepted if its tree has no ERROR and no MISSING node. The shares among functions that people wrote are the ceiling:
`--real FILE...` measures them on the functions of some files.
"""

import argparse
import re
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqgen import rules
from seqgen.api.model import Model, load
from seqgen.codecs.c_source import CSource, balanced_grammar
from seqgen.evaluation import syntax
from seqgen.generation.limits import Limits
from seqgen.generation.loop import collect, generate
from seqgen.generation.stopping import StopStrings
from seqgen.tokenizer import FramedGrammar

from _c_check import balanced  # isort: skip
from _report import print_table, write_json  # isort: skip

TREE_SITTER = CSource.tree_sitter(".c")
BEFORE = "}\n\n"
PROMPTS = ("static int ", "static void ", "int ", "void ", "static const char *", "static unsigned ")
FUNCTION = re.compile(r"^(?:static|int|void|unsigned|const)\b[^\n;{}=#]*\([^;{}#]*\)\s*\{\n.*?^\}\n", re.M | re.S)


def sample(model: Model, options: argparse.Namespace, free: bool) -> tuple[list[str], Counter[str], float]:
    """Functions, how they ended, and seconds."""
    tokenizer = model.tokenizer
    texts = [PROMPTS[index % len(PROMPTS)] for index in range(options.n)]
    prompts = [model.prompt((BEFORE + text).encode()) for text in texts]
    usual = model.tokenizer.codec.rules if model.checkpoint.settings.memory == "lookback" else ()
    chain = [rules.parse(*each) for each in (*usual, ("temperature", options.temperature), ("min_p", options.min_p))]
    banned = np.arange(tokenizer.vocab_size) >= (tokenizer.document_id if free else tokenizer.document_id + 1)
    if free:
        stop = StopStrings(tokenizer.token_bytes() or [], [b"\n}\n"])
        limits = Limits(2 * options.length, tokenizer.document_id, stop, banned=banned)
    else:
        inner = balanced_grammar(tokenizer.codec.token_bytes() or [], options.length, options.length, functions=1)
        grammar = FramedGrammar(inner, tokenizer.document_id, tokenizer.vocab_size)
        limits = Limits(inner.longest, tokenizer.document_id, grammar=grammar, banned=banned if banned.any() else None)
    began = time.perf_counter()
    made = collect(generate(model.engine, prompts, chain, seed=options.seed, limits=limits), options.n)
    seconds = time.perf_counter() - began
    whole = [text + tokenizer.decode(np.array(each.ids)).decode("utf-8", "replace") for text, each in zip(texts, made)]
    forced = 2 * options.length - max(map(len, prompts))
    ends = ("length" if len(each.ids) >= forced else "by itself" for each in made)
    return whole, Counter(ends), seconds


def judged(texts: Sequence[str]) -> dict[str, Any]:
    """Shares of some texts."""
    parsed = [syntax.parse(text.encode(), TREE_SITTER) for text in texts]
    faults, functions = [each.faults for each in parsed], [each.functions > 0 for each in parsed]
    in_order = [balanced(text) for text in texts]
    return {
        "functions": len(texts),
        "balanced": sum(in_order) / len(texts),
        "parsed": sum(not each for each in faults) / len(texts),
        "parsed_under_1000_bytes": share([not each for text, each in zip(texts, faults) if len(text) < 1000]),
        "with_function": share(functions),
        "parsed_with_function": share([not each for each, holds in zip(faults, functions) if holds]),
        "different": len(set(texts)) / len(texts),
        "median_bytes": statistics.median(map(len, texts)),
        "first_faults": dict(Counter(each[0].kind for each in faults if each).most_common(8)),
    }


def share(each: Sequence[bool]) -> float | None:
    return sum(each) / len(each) if each else None


def show(texts: Sequence[str], count: int) -> None:
    """The places where parsing failed first."""
    for text in texts:
        faults = syntax.parse(text.encode(), TREE_SITTER).faults
        if count and faults:
            kind, at = faults[0].kind, faults[0].byte
            data, count = text.encode(), count - 1
            print(f"{kind}: {data[max(at - 90, 0) : at].decode('utf-8', 'replace')!r} >>> {data[at : at + 50]!r}")
        if not balanced(text):
            print(f"UNBALANCED: {text!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--temperature", type=float, default=0.6)
    parser.add_argument("--min-p", type=float, default=0.05)
    parser.add_argument("--length", type=int, default=1500, help="tokens before an end is looked for, and grace")
    parser.add_argument("--real", nargs="*", default=[], metavar="FILE", help="files whose functions are judged too")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N places that do not parse")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/c_validity.json")
    options = parser.parse_args()
    model, results = load(options.checkpoint), {}
    for name in ("grammar, balanced end", "no grammar"):
        texts, finished, seconds = sample(model, options, name == "no grammar")
        results[name] = {**judged(texts), "ended": dict(finished), "seconds": round(seconds, 1)}
        if name != "no grammar":
            show(texts, options.show)
    if options.real:
        real = [text for path in options.real for text in FUNCTION.findall(Path(path).read_text("utf-8", "replace"))]
        results["written by people"] = judged(real)
    keys = (
        "functions",
        "balanced",
        "parsed",
        "parsed_under_1000_bytes",
        "with_function",
        "parsed_with_function",
        "different",
        "median_bytes",
    )
    print_table(["", *keys], [[name, *(each[key] for key in keys)] for name, each in results.items()])
    settings = vars(options) | {"checkpoint": Path(options.checkpoint).name, "real": len(options.real)}
    if options.save:
        print(write_json("c_validity", results, settings))


if __name__ == "__main__":
    main()
