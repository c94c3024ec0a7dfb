"""What the loops share: matrix products in bfloat16 with weights that are laid out once for all tokens of a window."""

import torch
from torch import Tensor
from torch.nn import functional

HALF = torch.bfloat16


def available() -> bool:
    """Whether this build of torch has the product with weights that are laid out beforehand, and the CPU bfloat16."""
    operations = torch.ops.mkldnn
    known = all(hasattr(operations, name) for name in ("_linear_pointwise", "_reorder_linear_weight"))
    return known and bool(operations._is_mkldnn_bf16_supported())


def lay_out(weight: Tensor, batch: int) -> Tensor:
    """A weight in the layout in which products with (batch, ·) are fastest."""
    laid_out: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.to(HALF), batch)
    return laid_out


def product(x: Tensor, plus: Tensor, laid_out: Tensor) -> Tensor:
    """x · weightᵀ + plus."""
    result: Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, plus, laid_out, None, "add")
    return result


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x · weightᵀ + bias in bfloat16, whatever the precision of the three."""
    return functional.linear(x.to(HALF), weight.to(HALF), bias.to(HALF))
