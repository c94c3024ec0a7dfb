"""The checkpoints that come with seqgen: found by name, small, whole, each with a card, and they generate."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

import seqgen
from seqgen.checkpoint import Checkpoint, find, published

ROOT = Path(__file__).parent.parent
NAMES = sorted(published())


def test_every_card_has_its_checkpoint_and_every_checkpoint_its_card():
    cards = {path.stem for path in (ROOT / "checkpoints").glob("*.md")} - {"README"}
    assert cards == set(NAMES)


def test_the_wheel_takes_all_of_them():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    included = config["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    taken = {source: target for source, target in included.items() if source.startswith("checkpoints/")}
    assert taken == {
        f"checkpoints/{name}.safetensors": f"seqgen/_data/checkpoints/{name}.safetensors" for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_published_checkpoint_generates_by_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find(name).stat().st_size <= 8_000_000
    checkpoint = Checkpoint.load(name)
    assert checkpoint.metrics["nats_per_token"] < checkpoint.metrics["ngram_nats"]
    card = (ROOT / "checkpoints" / f"{name}.md").read_text("utf-8")
    assert f"{checkpoint.parameters:,} parameters" in card
    sample = seqgen.load(name).sample(seed=1, length=60)
    assert len(sample.ids) == 60
    again = seqgen.load(name).sample(seed=1, length=60)
    np.testing.assert_array_equal(sample.ids, again.ids)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_of_ones_own_comes_before_the_published_one(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    assert find(name) == published()[name]  # a corpus of that name is no checkpoint
    (tmp_path / name / "model.safetensors").write_bytes(published()[name].read_bytes())
    assert find(name) == Path(name) / "model.safetensors"
