"""Everything that changes from step to step, as named tensors: to keep, to put back, to write down.

One list serves both rollback (in memory) and resume (in a file). Values are put back into the tensors that are there,
since others may hold on to them.
"""

import torch
from torch import Tensor

from seqgen.training.muon import by_muon
from seqgen.training.step import Step

Tensors = dict[str, Tensor]


def capture(step: Step) -> Tensors:
    """Weights, optimizer, average, loss scale, hidden state, random state. Not copies, save for the random state."""
    found: Tensors = {}
    for name, weight in step.network.named_parameters():
        found[f"weights.{name}"] = weight.detach()
        for key, value in step.optimizer.state.get(weight, {}).items():
            found[f"adam.{name}.{key}"] = value
    for name, average in (step.average.weights if step.average is not None else {}).items():
        found[f"average.{name}"] = average
    for name, tensor in (step.scaler.tensors() if step.scaler is not None else {}).items():
        found[f"scaler.{name}"] = tensor
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
        for name, tensor in (step.scaler.tensors() if step.scaler is not None else {}).items():
            if f"scaler.{name}" in tensors:  # not in a run that began on a device that needs no loss scale
                tensor.copy_(tensors[f"scaler.{name}"].reshape(()))
    step.state = tuple(
        tuple(_like(tensors[f"state.{layer}.{index}"], part) for index, part in enumerate(parts))
        for layer, parts in enumerate(step.state)
    )
    if "random.cpu" in tensors:
        # A copy: of a view into a larger tensor, as of what several processes saved, torch reads what lies behind it.
        torch.set_rng_state(tensors["random.cpu"].clone())
    if step.device.type == "cuda" and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"], step.device)


def copy_into(kept: Tensors, found: Tensors) -> None:
    """Make `kept` a copy of `found`, in the memory that it already has."""
    for name, tensor in found.items():
        if name in kept and kept[name].shape == tensor.shape:
            kept[name].copy_(tensor)
        else:
            kept[name] = tensor.detach().clone()


def sizes(step: Step) -> Tensor:
    """(K,) on the CPU: the largest number in each weight, then in each hidden state. One look at the device."""
    weights = [weight.detach() for weight in step.network.parameters()]
    states = [part for parts in step.state for part in parts]
    return torch.stack([size.float() for size in torch._foreach_norm(weights + states, ord=float("inf"))]).cpu()


def _restore_moments(step: Step, weight: Tensor, prefix: str, tensors: Tensors) -> None:
    """What the optimizer knows of one weight; before its first step it knows nothing, which is all zeros."""
    known = step.optimizer.state.get(weight, {})
    saved = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    for key, value in known.items():
        value.zero_() if not saved else value.copy_(saved[key].reshape(value.shape))
    if saved and not known:
        if by_muon(step.optimizer, weight):
            step.optimizer.state[weight] = {"momentum": _like(saved["momentum"], weight.detach())}
            return
        fresh = {key: saved[key].to(weight.device, copy=True) for key in ("exp_avg", "exp_avg_sq")}
        step.optimizer.state[weight] = fresh | {"step": _step_count(step, saved["step"].reshape(()))}


def _step_count(step: Step, count: Tensor) -> Tensor:
    """The optimizer's own counter lies on the device where its kernels are fused or captured, else on the CPU."""
    group = step.optimizer.param_groups[0]
    return count.to(step.device if group.get("fused") or group.get("capturable") else "cpu", copy=True)


def _like(tensor: Tensor, part: Tensor) -> Tensor:
    if tensor.shape != part.shape:
        raise RuntimeError(f"a hidden state of shape {tuple(tensor.shape)}, expected {tuple(part.shape)}")
    return tensor.to(part.device, part.dtype, copy=True)
