"""Where training starts: a network that already knows how frequent each token is.

The output layer's bias is set to the logarithm of each token's frequency, so that the first steps are not spent on
learning the unigrams, and tokens that never occur stay improbable in samples at any stage of training.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from seqgen.models.network import RecurrentLM
from seqgen.training.data import Spans
from seqgen.training.growing import UNSEEN

COUNTED = 1 << 22  # tokens counted at most


def set_unigram_bias(network: RecurrentLM, ids: NDArray[np.unsignedinteger[Any]], spans: Spans) -> None:
    """Set the output bias to log frequencies, which a softmax turns back into the frequencies.

    Args:
        network: Fresh, with logits near zero.
        ids: (N,) the token stream.
        spans: The training documents in it.
    """
    counts = np.full(network.vocab_size, UNSEEN)
    share = max(1, COUNTED // max(len(spans), 1))
    for begin, end in zip(spans.begin.tolist(), spans.end.tolist()):
        counts += np.bincount(ids[begin : min(end, begin + share)], minlength=network.vocab_size)
    logs = np.log(counts / counts.sum())
    with torch.no_grad():
        network.output.bias.copy_(torch.from_numpy(logs - logs.mean()))
