"""The settings classes of a run: of its cell, its model and its training. Imports no torch."""

from seqgen import registry
from seqgen.models import ModelSettings
from seqgen.training.settings import TrainSettings

DEFAULT_MODEL = "lstm"


def model_kinds(model: str) -> tuple[type, type, type]:
    """The settings classes among which -P KEY VALUE finds its place, those of the codec aside."""
    return registry.load("cells", model), ModelSettings, TrainSettings
