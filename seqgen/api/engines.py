"""The engine of a checkpoint: which one, on which device. torch is imported only where it is asked for."""

from typing import Any

from seqgen.checkpoint import Checkpoint
from seqgen.errors import UsageError
from seqgen.generation import Engine, EngineName
from seqgen.generation import load as load_engine


def make_engine(checkpoint: Checkpoint, name: EngineName, device: str) -> Engine[Any]:
    """The engine asked for; only torch and cuda know other devices than the CPU."""
    if name == "cuda" and device == "auto":
        device = "cuda"
    if name == "torch" and device == "auto":
        from seqgen.training.device import pick_device

        device = str(pick_device("auto"))
    device = "cpu" if device == "auto" else device
    if name == "numpy" and device != "cpu":
        raise UsageError(f"the numpy engine runs on the cpu, not on {device!r}", "use the torch engine: --engine torch")
    return load_engine(name, checkpoint.cell, checkpoint.settings, checkpoint.weights, device)
