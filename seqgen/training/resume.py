"""What only resuming needs: weights as they stand, optimizer, random state, hidden state, and where the run was.

It lies beside the checkpoint as `resume.safetensors`, a container like every other file of seqgen. The order of data
is a pure function of (seed, epoch, step), so three numbers say where to go on.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqgen.checkpoint import write_tensors
from seqgen.container import read_header
from seqgen.errors import CheckpointError
from seqgen.training.trainer import Progress, Trainer

FORMAT = "seqgen resume"
VERSION = "1"
RESUME_FILE = "resume.safetensors"


def save(path: Path, trainer: Trainer, about: dict[str, Any]) -> None:
    """Write a trainer's whole state atomically.

    Args:
        path: The file.
        trainer: Stands between two steps.
        about: What must be the same when the run goes on (corpus, seed, settings).
    """
    counts = {"steps": trainer.step.steps, "skipped": trainer.step.skipped}
    details = {"progress": dataclasses.asdict(trainer.progress), "step": counts, "about": about}
    write_tensors(path, _tensors(trainer), details, {"format": FORMAT, "version": VERSION})


def load(path: Path, trainer: Trainer, about: dict[str, Any]) -> None:
    """Put a trainer, made with the same settings, back where `save` found it.

    Raises:
        CheckpointError: The file is missing, damaged, or belongs to a run with other settings.
    """
    header = read_header(path, CheckpointError)
    if (header.metadata.get("format"), header.metadata.get("version")) != (FORMAT, VERSION):
        raise CheckpointError(f"{path}: is not a file to resume from, or of another version")
    header.verify()
    details = json.loads(header.read("details").tobytes())
    for key, wanted in about.items():
        found = details["about"].get(key)
        if found != wanted:
            raise CheckpointError(
                f"{path}: the run to resume has {key} {found!r}, this call has {wanted!r}",
                "resume with the same settings and corpus, or train anew under another -o",
            )
    tensors = {name: torch.from_numpy(header.read(name)) for name in header.tensors if name != "details"}
    try:
        _restore(trainer, tensors)
        trainer.progress = Progress(**details["progress"])
        trainer.step.steps, trainer.step.skipped = details["step"]["steps"], details["step"]["skipped"]
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: does not fit this run ({error})", "train anew under another -o") from error
    trainer.start_epoch()


def _tensors(trainer: Trainer) -> dict[str, NDArray[Any]]:
    step, named = trainer.step, dict[str, torch.Tensor](trainer.network.named_parameters())
    tensors: dict[str, torch.Tensor] = {f"weights.{name}": weight for name, weight in named.items()}
    for name, weight in named.items():
        for key, value in step.optimizer.state.get(weight, {}).items():
            tensors[f"adam.{name}.{key}"] = value
    for name, weight in (step.average.weights if step.average is not None else {}).items():
        tensors[f"average.{name}"] = weight
    for layer, parts in enumerate(step.state):
        for index, part in enumerate(parts):
            tensors[f"state.{layer}.{index}"] = part.float()  # exact: a bfloat16 is a float32 with a short tail
    tensors["random.cpu"] = torch.get_rng_state()
    if step.device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(step.device)
    return {name: np.atleast_1d(tensor.detach().cpu().numpy()) for name, tensor in tensors.items()}


def _restore(trainer: Trainer, tensors: dict[str, torch.Tensor]) -> None:
    step, device = trainer.step, trainer.step.device
    with torch.no_grad():
        for name, weight in trainer.network.named_parameters():
            weight.copy_(tensors[f"weights.{name}"])
            prefix = f"adam.{name}."
            moments = {key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)}
            if moments:
                moments["step"] = moments["step"].reshape(())
                step.optimizer.state[weight] = {key: value.to(device) for key, value in moments.items()}
        for name, average in (step.average.weights if step.average is not None else {}).items():
            average.copy_(tensors[f"average.{name}"])
        step.state = tuple(
            tuple(tensors[f"state.{layer}.{index}"].to(device) for index in range(len(parts)))
            for layer, parts in enumerate(step.state)
        )
    torch.set_rng_state(tensors["random.cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random.cuda"], device)
