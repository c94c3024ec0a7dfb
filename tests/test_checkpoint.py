"""Checkpoints: one file that loads alone, whole or not at all, and refuses what is not one."""

import json
import pickle
import time

import numpy as np
import pytest
import safetensors.numpy
import torch

from seqgen import registry
from seqgen.checkpoint import Checkpoint, find, make_model, write_tensors
from seqgen.codecs.byte import Byte
from seqgen.errors import CheckpointError, SeqgenError, SettingError
from seqgen.models import ModelSettings, weight_shapes
from seqgen.tokenizer import Tokenizer


@pytest.fixture
def checkpoint():
    cell, settings = registry.load("cells", "lstm")(), ModelSettings(hidden=4, layers=2, embedding=3)
    tokenizer = Tokenizer(Byte(), "byte", ("comedies", "tragedies"))
    generator = np.random.default_rng(0)
    shapes = weight_shapes(cell, settings, tokenizer.vocab_size)
    weights = {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return Checkpoint("lstm", cell, settings, tokenizer, weights, {"seed": 3}, {"nats": 1.5}, {"corpus": "abc"})


@pytest.fixture
def path(checkpoint, tmp_path):
    checkpoint.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_what_is_saved_is_loaded(checkpoint, path):
    loaded = Checkpoint.load(path)
    assert (loaded.model, loaded.cell, loaded.settings) == ("lstm", checkpoint.cell, checkpoint.settings)
    assert loaded.tokenizer.spec() == checkpoint.tokenizer.spec()
    assert (loaded.training, loaded.metrics, loaded.provenance) == ({"seed": 3}, {"nats": 1.5}, {"corpus": "abc"})
    assert loaded.weights.keys() == checkpoint.weights.keys()
    for name, weight in checkpoint.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], weight)


def test_the_same_checkpoint_gives_the_same_bytes(checkpoint, path, tmp_path):
    Checkpoint.load(path).save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_half_precision_halves_the_weights(checkpoint, tmp_path):
    checkpoint.save(tmp_path / "half", np.float16)
    loaded = Checkpoint.load(tmp_path / "half")
    for name, weight in checkpoint.weights.items():
        assert loaded.weights[name].dtype == np.float32
        np.testing.assert_allclose(loaded.weights[name], weight, rtol=1e-3, atol=1e-7)


def test_any_safetensors_library_reads_it(checkpoint, path):
    tensors = safetensors.numpy.load_file(path)
    np.testing.assert_array_equal(tensors["embedding.weight"], checkpoint.weights["embedding.weight"])
    assert json.loads(tensors["details"].tobytes())["model"] == "lstm"


def test_the_network_has_the_weights(checkpoint, path):
    network = Checkpoint.load(path).network()
    assert not network.training
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter.detach(), torch.from_numpy(checkpoint.weights[name]))


def test_parameters_are_counted(checkpoint):
    assert checkpoint.parameters == sum(weight.size for weight in checkpoint.weights.values())


def test_every_truncation_is_refused(path, tmp_path):
    data = path.read_bytes()
    cut = tmp_path / "cut"
    for length in [*range(0, 4200, 97), *range(4200, len(data), 501), len(data) - 1]:
        cut.write_bytes(data[:length])
        with pytest.raises(CheckpointError):
            Checkpoint.load(cut)


def test_every_flipped_byte_is_refused(path, tmp_path):
    data = bytearray(path.read_bytes())
    length = 8 + int.from_bytes(data[:8], "little")
    text = data[:length].rstrip(b" ")
    flipped = tmp_path / "flipped"
    for at in [*range(0, len(text), 3), *range(len(text), len(data), 397)]:
        data[at] ^= 0x10
        flipped.write_bytes(data)
        with pytest.raises(SeqgenError):
            Checkpoint.load(flipped)
        data[at] ^= 0x10


def test_a_pickle_is_refused_at_once(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    began = time.perf_counter()
    with pytest.raises(CheckpointError, match="is a Python pickle, expected a safetensors file"):
        Checkpoint.load(path)
    assert time.perf_counter() - began < 0.1


def test_weights_that_are_not_finite_are_refused(checkpoint, tmp_path):
    checkpoint.weights["output.bias"][0] = np.nan
    checkpoint.save(tmp_path / "bad")
    with pytest.raises(CheckpointError, match=r"weight 'output.bias' holds numbers that are not finite"):
        Checkpoint.load(tmp_path / "bad")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"settings": {"hidden": 5, "layers": 2, "embedding": 3}}, r"is float32 \(16, 3\), expected \(20, 3\)"),
        ({"settings": {"hidden": 4, "layers": 1, "embedding": 3}}, "its weights do not fit its settings"),
        ({"settings": {"hidden": -1}}, "its settings make no sense"),
        ({"model": "transformer"}, "its settings make no sense"),
        ({"tokenizer": {"name": "byte"}}, "the stored codec is damaged"),
        ({"metrics": 7}, "its details make no sense"),
    ],
)
def test_details_that_do_not_fit_are_refused(path, tmp_path, change, message):
    tensors = dict(safetensors.numpy.load_file(path))
    details = json.loads(tensors.pop("details").tobytes()) | change
    write_tensors(tmp_path / "odd", tensors, details, {"format": "seqgen checkpoint", "version": "1"})
    with pytest.raises(CheckpointError, match=message):
        Checkpoint.load(tmp_path / "odd")


def test_a_checkpoint_that_still_has_dropout_among_its_settings_loads(checkpoint, path, tmp_path):
    tensors = dict(safetensors.numpy.load_file(path))
    details = json.loads(tensors.pop("details").tobytes())
    details["settings"]["dropout"] = 0.2
    write_tensors(tmp_path / "old", tensors, details, {"format": "seqgen checkpoint", "version": "1"})
    assert Checkpoint.load(tmp_path / "old").settings == checkpoint.settings


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"format": "seqgen token stream", "version": "1"}, "is not a checkpoint"),
        ({"format": "seqgen checkpoint", "version": "5"}, "is a checkpoint of version '5', expected '1'"),
    ],
)
def test_other_formats_and_versions_are_refused(tmp_path, metadata, message):
    write_tensors(tmp_path / "other", {}, {}, metadata)
    with pytest.raises(CheckpointError, match=message):
        Checkpoint.load(tmp_path / "other")


def test_a_run_folder_stands_for_its_model(path):
    assert find(path.parent) == path


def test_what_is_not_there_is_said_and_what_is_there_is_named(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match="there is no such checkpoint") as caught:
        find("nothing")
    assert "seqgen train" in caught.value.hint
    (tmp_path / "checkpoints/mine").mkdir(parents=True)
    path.rename(tmp_path / "checkpoints/mine/model.safetensors")
    with pytest.raises(CheckpointError) as caught:
        find("nothing")
    assert "checkpoints/mine" in caught.value.hint
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"holds no model.safetensors"):
        find("empty")


def test_an_unknown_cell_setting_is_refused():
    with pytest.raises(SettingError, match="no setting is called 'gates'"):
        make_model("lstm", {"gates": 5}, {})
