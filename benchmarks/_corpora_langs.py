"""Programs in other languages than C: whether real files are read as whole, and how many generated definitions balance.

    python benchmarks/corpora.py langs go=FOLDER python=FOLDER ... [--steps 300] [--definitions 100]

Each argument is a codec of a language and a work tree of programs in it. On its files a small model is trained, not for
long: brackets are the grammar's business, not the model's. Definitions are sampled with `--balanced`. Whole is what
three judges call so: the codec's own lexer; `_code_check.py`, which shares nothing with it; and tree-sitter, which asks
for more than balance: that each statement is one. Languages that are not named keep their row of results.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _code_check import balanced
from _report import RESULTS, print_table, write_json

import seqgen
from seqgen import registry
from seqgen.api.sampling import Sampling
from seqgen.evaluation import syntax
from seqgen.generation.loop import collect

LENGTH, SEED, TEMPERATURE, BATCH = 300, 1, 0.8, 25
LARGEST = 200_000  # bytes of a real file that is judged
MARK = b"\xef\xbb\xbf"  # of the order of bytes, which is no part of a program


def main() -> None:
    """Measure each language, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="+", metavar="LANGUAGE=FOLDER")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--hidden", type=int, default=192)
    parser.add_argument("--definitions", type=int, default=100)
    parser.add_argument("--files", type=int, default=400, help="real files that are judged, evenly taken")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N of those that are not whole")
    given = parser.parse_args()
    os.environ["SEQGEN_TAKES"] = "off"
    stored = RESULTS / "corpora_langs.json"
    rows = json.loads(stored.read_text("utf-8"))["results"] if stored.exists() else {}
    for each in given.corpus:
        language, _, folder = each.partition("=")
        rows[language] = measured(language, Path(folder), given)
        print_table(["language", *rows[language]], [[language, *rows[language].values()]])
        write_json("corpora_langs", rows, {"length": LENGTH, "temperature": TEMPERATURE, "seed": SEED})


def measured(language: str, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """One language."""
    kind = registry.load("codecs", language)
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in kind.suffixes and path.is_file() and not path.is_symlink() and path.stat().st_size
    )
    real = [path for path in paths if path.stat().st_size <= LARGEST]
    real = real[:: max(1, -(-len(real) // given.files))]
    found = {"corpus": folder.name, "bytes": sum(path.stat().st_size for path in paths), "files": len(real)}
    judged = judge(language, {str(path): path.read_bytes().removeprefix(MARK) for path in real}, given.show)
    found |= {f"real {name}": share for name, share in judged.items()}
    with tempfile.TemporaryDirectory() as scratch:
        for index, path in enumerate(paths):
            shutil.copy(path, Path(scratch) / f"{index}{path.suffix}")
        settings = {"hidden": given.hidden, "layers": 1}
        began = time.perf_counter()
        model = seqgen.train(
            scratch, Path(scratch) / "run", codec=language, steps=given.steps, seed=SEED, settings=settings
        )
        found["train seconds"] = round(time.perf_counter() - began, 1)
    found |= {"hidden": given.hidden, "steps": given.steps}
    found["nats"] = round(model.checkpoint.metrics["nats_per_token"], 3)
    began = time.perf_counter()
    made = {}
    for first in range(0, given.definitions, BATCH):
        how = Sampling(SEED + first, TEMPERATURE, length=LENGTH, balanced=True)
        prompts = [model.prompt(b"")] * min(BATCH, given.definitions - first)
        sampler = model.sampler(how, prompts)
        for index, each in enumerate(collect(sampler.steps(), len(prompts))):
            made[f"{len(made)}{kind.suffix}"] = sampler.data(index, np.array(each.ids, np.int64))
    found |= {"definitions": len(made), "generate seconds": round(time.perf_counter() - began, 1)}
    return found | judge(language, made, given.show)


def judge(language: str, texts: dict[str, bytes], show: int) -> dict[str, float]:
    """The shares of some programs that the lexer, a second reader and tree-sitter call whole."""
    kind = registry.load("codecs", language)
    grammar = kind.grammar_over([bytes([value]) for value in range(256)])
    parsers: dict[str, syntax.Parser] = {}
    counts = dict.fromkeys(("lexer", "second", "parsed"), 0)
    for name, data in texts.items():
        state, whole = grammar.start(), True
        for char in data.decode("latin-1"):
            state, fine = grammar.lexer.advance(state, char)
            whole = whole and fine
        parser = kind.tree_sitter(Path(name).suffix)
        if parser not in parsers:
            parsers[parser] = syntax.Parser(parser)
        verdicts = (
            whole and grammar.may_end(state),
            balanced(language, data.decode("utf-8", "replace").replace("\r\n", "\n")),
            not (said := parsers[parser].parse(data)).faults and not said.given_up,
        )
        for key, verdict in zip(counts, verdicts):
            counts[key] += verdict
        if show and not all(verdicts[:2]):
            show -= 1
            print(f"{name}: {dict(zip(counts, verdicts))} {data[-200:]!r}")
    for each in parsers.values():
        each.end()
    return {key: round(count / max(1, len(texts)), 4) for key, count in counts.items()}
