"""Golden samples: what fixed seeds gave when `data/golden_samples.json` was written, they give for ever.

Published checkpoints are sampled on the numpy and on the torch engine, without their counts and with them, and every
cell is trained for a few steps. The sampled bytes must be the same. Losses and norms of weights may differ by a
ten-thousandth, which is what rounding on other CPUs comes to in so few steps. Dropout is named here, for what is chosen
follows the passes of a run.

`python tests/test_golden_samples.py` adds what is missing from the file; what is there it leaves alone.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

import seqgen
from seqgen.checkpoint import Checkpoint
from seqgen.cli import run

FILE = Path(__file__).parent / "data" / "golden_samples.json"
PUBLISHED = ("tiny-shakespeare", "shakespeare", "sqlite-c")
COUNTED = PUBLISHED
ENGINES = ("numpy", "torch")
CELLS = {
    "lstm": ["-m", "lstm"],
    "gru": ["-m", "gru"],
    "rnn": ["-m", "rnn"],
    "rnn relu": ["-m", "rnn", "-P", "nonlinearity", "relu"],
    "mingru": ["-m", "mingru"],
    "minlstm": ["-m", "minlstm"],
    "rg_lru": ["-m", "rg_lru"],
}
TEXT = "".join(f"ANNA:\nGood day, {name}, how is the {thing}?\n\n" for name in "ABCDEFGH" for thing in "abcdefghijkl")
SHAPE = {"hidden": 24, "layers": 2, "embedding": 12, "batch": 4, "window": 16, "validations": 2}
HOW = ["--steps", "40", "--seed", "3", "--device", "cpu", "-c", "char"]
HOW += ["-P", "precision", "float32", "-P", "dropout", "0.35", "-P", "counts", "0", "-P", "memory", "none"]
TOLERANCE = 1e-4  # relative, of losses and norms


def sampled(name, engine="numpy", memory=False):
    """What a checkpoint says of itself: two temperatures, one with a rule."""
    model = seqgen.load(name, engine, "cpu")
    warm = model.sample(seed=11, length=240, temperature=0.8, memory=memory)
    hot = model.sample(seed=12, length=120, temperature=1.2, rules=[("top_p", 0.9)], memory=memory)
    return [warm.text, hot.text]


def trained(cell, folder):
    """A short run of a cell: losses, norms of weights, and a sample of what has been learned."""
    torch.set_num_threads(1)
    (folder / "play.txt").write_text(TEXT, "utf-8")
    options = [part for key, value in SHAPE.items() for part in ("-P", key, str(value))]
    target = folder / "run"
    assert run(["train", str(folder / "play.txt"), "-o", str(target), *CELLS[cell], *HOW, *options]) == 0
    lines = [json.loads(line) for line in (target / "log.jsonl").read_text("utf-8").splitlines()]
    losses = [line[key] for line in lines for key in ("nats", "validation_nats") if line.get(key) is not None]
    weights = Checkpoint.load(target).weights
    norms = {name: float(np.linalg.norm(weight.astype(np.float64))) for name, weight in sorted(weights.items())}
    return {"losses": losses, "norms": norms, "sample": sampled(target)}


def golden(kind, name):
    return json.loads(FILE.read_text("utf-8"))[kind][name]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_checkpoint_says_what_it_always_said(name, engine):
    assert sampled(name, engine) == golden("published", name)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", COUNTED)
def test_a_published_checkpoint_with_counts_says_what_it_always_said(name, engine):
    assert sampled(name, engine, True) == golden("counted", name)


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_learns_what_it_always_learned(cell, tmp_path):
    found, expected = trained(cell, tmp_path), golden("trained", cell)
    assert found["losses"] == pytest.approx(expected["losses"], rel=TOLERANCE)
    assert found["norms"] == pytest.approx(expected["norms"], rel=TOLERANCE)
    assert found["sample"] == expected["sample"]


def main():
    known = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {"published": {}, "counted": {}, "trained": {}}
    for name in PUBLISHED:
        known["published"].setdefault(name, sampled(name))
    for name in COUNTED:
        known["counted"].setdefault(name, sampled(name, memory=True))
    for cell in CELLS:
        with tempfile.TemporaryDirectory() as folder:
            if cell not in known["trained"]:
                known["trained"][cell] = trained(cell, Path(folder))
    FILE.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
