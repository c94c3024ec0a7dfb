"""Generation: a model, a prompt and rules become a stream of token ids, one step at a time.

    prompts ─► engine.prefill ─► logits ─► grammar, bans ─► rules ─► draw ─► ids ─► engine.step ─► logits …

An engine, one of the files of `engines`, runs the network; `sampling` draws; `loop` joins them, and where an engine can
draw by itself, `blocks` does. This room knows ids only: what they stand for is the codec's business, and it never
imports codecs.
"""

from typing import Any, Literal

from seqgen.cells import Cell
from seqgen.generation.engine import Engine, Ids, Logits, Weights
from seqgen.models import ModelSettings

__all__ = ["Engine", "EngineName", "Ids", "Logits", "Weights", "load"]

EngineName = Literal["auto", "numpy", "torch", "cuda"]


def load(name: EngineName, cell: Cell, settings: ModelSettings, weights: Weights, device: str = "cpu") -> Engine[Any]:
    """An engine by name; `auto` is numpy on the CPU and torch elsewhere.

    Args:
        weights: As `seqgen.models.weight_shapes` names them.
        device: Where torch runs: cpu, cuda, cuda:1, mps. The cuda engine runs on any of them, without graphs.

    Raises:
        UsageError: There is no such device here.
    """
    if name == "numpy" or (name == "auto" and device == "cpu"):
        memory = settings.made_memory()
        between = memory is not None and memory.side == "output" and memory.linear_form() is None
        if cell.numpy_form() is None or between:
            from seqgen.generation.engines.step import StepEngine

            return StepEngine(cell, settings, weights)
        from seqgen.generation.engines.numpy import NumpyEngine

        return NumpyEngine(cell, settings, weights)
    if name == "cuda":
        from seqgen.generation.engines.cuda import CudaEngine

        return CudaEngine(cell, settings, weights, device)
    from seqgen.generation.engines.torch import TorchEngine

    return TorchEngine(cell, settings, weights, device)
