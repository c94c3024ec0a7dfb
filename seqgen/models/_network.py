"""The language model around a cell: embedding, a stack of one-layer recurrent modules, output layer.

    ids (B, T) ─► embedding (T, B, E) ─► layer 1 … layer L (T, B, H) ─► [projection (T, B, E)] ─► logits (B, T, V)

One call trains and samples: T tokens at once equal T single steps. Layers are modules of one layer each, because
the fastest cuDNN kernel takes no other shape. Inside, time comes first, as the kernels like it.
"""

from torch import Tensor, nn

from seqgen.models import Cell, ModelSettings

State = tuple[tuple[Tensor, ...], ...]  # per layer: (h,) or (h, c), each (B, H)

# Standard deviations of fresh weights, small enough that logits start near zero and the loss near ln V.
EMBEDDING_SCALE = 0.1
OUTPUT_SCALE = 0.02


class RecurrentLM(nn.Module):
    """A recurrent language model over token ids.

    Args:
        cell: The recurrence, the same in every layer.
        settings: The shape.
        vocab_size: How many token ids there are, V.
    """

    def __init__(self, cell: Cell, settings: ModelSettings, vocab_size: int) -> None:
        super().__init__()
        self.cell, self.settings, self.vocab_size = cell, settings, vocab_size
        size, hidden = settings.embedding_size, settings.hidden
        self.embedding = nn.Embedding(vocab_size, size)
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_SCALE)
        self.layers = nn.ModuleList(cell.module(hidden if i else size, hidden) for i in range(settings.layers))
        self.dropout = nn.Dropout(settings.dropout)
        self.projection = nn.Linear(hidden, size, bias=False) if settings.projected else None
        self.output = nn.Linear(size if settings.tied else hidden, vocab_size)
        nn.init.zeros_(self.output.bias)
        if settings.tied:
            self.output.weight = self.embedding.weight
        else:
            nn.init.normal_(self.output.weight, std=OUTPUT_SCALE)

    def initial_state(self, batch: int) -> State:
        """Zeros: per layer a tuple of (batch, H)."""
        weight = self.embedding.weight
        zeros = weight.new_zeros(batch, self.settings.hidden)
        return tuple(tuple(zeros for _ in range(self.cell.parts)) for _ in self.layers)

    def forward(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits (B, T, V) of the token after each of `ids` (B, T), and the state after the last."""
        x, state = self.features(ids, state)
        return self.output(x).transpose(0, 1), state

    def features(self, ids: Tensor, state: State) -> tuple[Tensor, State]:
        """What the output layer sees, time first: (T, B, E) or (T, B, H)."""
        x = self.dropout(self.embedding(ids.t()))  # (T, B, E)
        after = []
        for layer, parts in zip(self.layers, state):
            hx = tuple(part.unsqueeze(0) for part in parts)
            x, hx = layer(x, hx if len(hx) > 1 else hx[0])
            after.append(tuple(part.squeeze(0) for part in (hx if isinstance(hx, tuple) else (hx,))))
            x = self.dropout(x)
        return (self.projection(x) if self.projection is not None else x), tuple(after)


def detach(state: State) -> State:
    """The state without its history, in float32: where truncated back-propagation through time is truncated."""
    return tuple(tuple(part.detach().float() for part in parts) for parts in state)


def reset(state: State, keep: Tensor) -> State:
    """The state with the rows zeroed for which `keep` (B,) is 0."""
    return tuple(tuple(part * keep.to(part.dtype).unsqueeze(1) for part in parts) for parts in state)
