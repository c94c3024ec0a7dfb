"""PyTorch's own recurrent layers as modules of cells: LSTM, GRU and the simple network, by cuDNN or oneDNN.

One layer a module, because the fastest cuDNN kernel takes no other shape. Weights are looked up by name at each call,
so that others may be put in their place, and on CUDA they are cast as autocast asks, which for recurrent layers it
does not do itself save in float16.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from seqgen.cells import INPUT, RECURRENT

ORDER = (INPUT[0], RECURRENT[0], INPUT[1], RECURRENT[1])  # matrices, then biases, as cuDNN lays them out


class Layer(nn.RNNBase):
    """One layer of the library under the contract of `seqgen.cells.Cell.module`.

    Args:
        mode: LSTM, GRU, RNN_TANH or RNN_RELU.
        inputs: Size of what it reads.
        hidden: Units.
    """

    def __init__(self, mode: str, inputs: int, hidden: int) -> None:
        super().__init__(mode, inputs, hidden)

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x (T, B, inputs) and the state (B, H) each → hidden states (T, B, H) and the state after."""
        hx = tuple(part.unsqueeze(0) for part in state)
        weights: list[Tensor] = [getattr(self, name) for name in ORDER]
        context: AbstractContextManager[object] = nullcontext()
        precision = _precision(x, weights)
        if precision is not None:
            weights, x, hx = _packed(weights, precision), x.to(precision), tuple(part.to(precision) for part in hx)
            context = torch.autocast("cuda", enabled=False)
        run, training = getattr(torch, self.mode.lower()), torch.is_grad_enabled()  # else cuDNN has no backward pass
        with context:
            y, *last = run(x, hx if len(hx) > 1 else hx[0], weights, True, 1, 0.0, training, False, False)
        return y, tuple(part.squeeze(0) for part in last)


def _precision(x: Tensor, weights: list[Tensor]) -> torch.dtype | None:
    """What weights are to be cast to and packed in, or None where they may stay as they are.

    On CUDA autocast runs recurrent layers in float16 only, and weights that are not the layer's own do not lie in one
    buffer, as cuDNN wants them; for float16 autocast sees to both.
    """
    if not x.is_cuda:
        return None
    mixed = torch.is_autocast_enabled("cuda")
    precision = torch.get_autocast_dtype("cuda") if mixed else x.dtype
    own = all(isinstance(weight, nn.Parameter) for weight in weights)
    return None if (mixed and precision == torch.float16) or (own and not mixed) else precision


def _packed(weights: list[Tensor], precision: torch.dtype) -> list[Tensor]:
    """The same weights as views of one buffer, in the order in which cuDNN lays them out."""
    flat = torch.cat([weight.reshape(-1) for weight in weights]).to(precision)
    parts = flat.split_with_sizes([weight.numel() for weight in weights])
    return [part.view(weight.shape) for part, weight in zip(parts, weights)]
