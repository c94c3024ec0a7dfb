"""Everything that changes from step to step, as named tensors: to keep, to put back, to write down.

One list serves both rollback (in memory) and resume (in a file). Values are put back into the tensors that are there,
since others may hold on to them.
"""

import torch
from torch import Tensor

from seqgen.training.step import Step

Tensors = dict[str, Tensor]


def capture(step: Step) -> Tensors:
    """Weights, optimizer, average, hidden state and random state. Not copies, save for the random state."""
    found: Tensors = {}
    for name, weight in step.network.named_parameters():
        found[f"weights.{name}"] = weight.detach()
        for key, value in step.optimizer.state.get(weight, {}).items():
            found[f"adam.{name}.{key}"] = value
    for name, average in (step.average.weights if step.average is not None else {}).items():
        found[f"average.{name}"] = average
    for layer, parts in enumerate(step.state):
        for index, part in enumerate(parts):
            found[f"state.{layer}.{index}"] = part
    found["random.cpu"] = torch.get_rng_state()
    if step.device.type == "cuda":
        found["random.cuda"] = torch.cuda.get_rng_state(step.device)
    return found


def restore(step: Step, tensors: Tensors) -> None:
    """Put back what `capture` found. A random state that is not among `tensors` stays as it is.

    Raises:
        KeyError, RuntimeError: The tensors are of another model or other settings.
    """
    with torch.no_grad():
        for name, weight in step.network.named_parameters():
            weight.copy_(tensors[f"weights.{name}"])
            _restore_moments(step, weight, f"adam.{name}.", tensors)
        for name, average in (step.average.weights if step.average is not None else {}).items():
            average.copy_(tensors[f"average.{name}"])
    step.state = tuple(
        tuple(_like(tensors[f"state.{layer}.{index}"], part) for index, part in enumerate(parts))
        for layer, parts in enumerate(step.state)
    )
    if "random.cpu" in tensors:
        torch.set_rng_state(tensors["random.cpu"])
    if step.device.type == "cuda" and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"], step.device)


def copy_into(kept: Tensors, found: Tensors) -> None:
    """Make `kept` a copy of `found`, in the memory that it already has."""
    for name, tensor in found.items():
        if name in kept and kept[name].shape == tensor.shape:
            kept[name].copy_(tensor)
        else:
            kept[name] = tensor.detach().clone()


def finite(step: Step) -> bool:
    """Whether all weights and hidden states are numbers. One look from the host at the device."""
    tensors = [weight.detach() for weight in step.network.parameters()] + [
        part for parts in step.state for part in parts
    ]
    norms = torch._foreach_norm(tensors, ord=float("inf"))
    return bool(torch.isfinite(torch.stack(list(norms))).all())


def _restore_moments(step: Step, weight: Tensor, prefix: str, tensors: Tensors) -> None:
    """What the optimizer knows of one weight; before its first step it knows nothing, which is all zeros."""
    known = step.optimizer.state.get(weight, {})
    saved = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    for key, value in known.items():
        value.zero_() if not saved else value.copy_(saved[key].reshape(value.shape))
    if saved and not known:
        fresh = {key: value.to(weight.device, copy=True) for key, value in saved.items() if key != "step"}
        step.optimizer.state[weight] = fresh | {"step": _step_count(step, saved["step"].reshape(()))}


def _step_count(step: Step, count: Tensor) -> Tensor:
    """The optimizer's own counter lies on the device where its kernels are fused or captured, else on the CPU."""
    group = step.optimizer.param_groups[0]
    return count.to(step.device if group.get("fused") or group.get("capturable") else "cpu", copy=True)


def _like(tensor: Tensor, part: Tensor) -> Tensor:
    if tensor.shape != part.shape:
        raise RuntimeError(f"a hidden state of shape {tuple(tensor.shape)}, expected {tuple(part.shape)}")
    return tensor.to(part.device, part.dtype, copy=True)
