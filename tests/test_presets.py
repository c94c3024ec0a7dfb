"""Presets: each is understood, and its shape is one that the fastest GPU kernels take."""

import pytest

from seqgen import settings
from seqgen.errors import UsageError
from seqgen.jobs.train.kinds import model_kinds
from seqgen.models import ModelSettings, parameters, weight_shapes
from seqgen.training import presets
from seqgen.training.settings import TrainSettings


def resolved(name):
    preset = presets.load(name)
    kinds = model_kinds(preset.model)
    return [settings.parse(kind, share) for kind, share in zip(kinds, settings.distribute(preset.settings, *kinds))]


def test_the_smallest_comes_first():
    assert presets.names()[:4] == ("tiny", "small", "medium", "large")
    sizes = [parameters(weight_shapes(cell, shape, 300)) for cell, shape, _ in map(resolved, presets.names())]
    assert sizes == sorted(sizes)
    assert sizes[0] < 1e6 < 2e7 < sizes[-1]


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_is_legal_for_the_persistent_kernel(name):
    _, shape, train = resolved(name)
    assert isinstance(shape, ModelSettings)
    assert isinstance(train, TrainSettings)
    assert train.batch % 8 == 0
    assert train.batch <= 128
    if name != "small":  # for the CPU, where no such rule holds
        assert shape.hidden % 128 == 0


@pytest.mark.parametrize("name", presets.names())
def test_a_preset_says_what_it_is_for(name):
    assert 10 < len(presets.load(name).about) < 80


def test_an_unknown_preset_is_refused():
    with pytest.raises(UsageError, match="no preset is called 'smal'") as caught:
        presets.load("smal")
    assert "did you mean 'small'? there are: auto, tiny, small" in caught.value.hint
