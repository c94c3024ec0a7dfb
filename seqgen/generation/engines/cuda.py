"""The cuda engine: steps captured in CUDA graphs, draws on the device, a block of tokens a replay.

One stream is bound by reading the weights and by starting kernels, many by products of matrices; for both the host
must stay out of the way. So the state lies in tensors that never move, and two kinds of work on them are captured:
a step, for who draws on the host, and a block of K draws and steps in a row. Batches are filled up to powers of two,
so that few graphs serve all of them. On any other device the same work runs without a capture.

Weights are float16 on CUDA, float32 elsewhere and for cells that have no form for it. In float32 logits are within 1e-4
of the torch engine's; in float16 they carry its rounding, and a seed need not give the tokens that it gives on a CPU.
"""

import contextlib
import weakref
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from seqgen.cells import Cell
from seqgen.errors import UsageError
from seqgen.generation.blocks import Block, BlockEngine
from seqgen.generation.device.block import DeviceBlock, Drawing, DrawPlan, Spelled
from seqgen.generation.device.network import Network, PlainNetwork, StackedNetwork, State
from seqgen.generation.device.rules import on_device
from seqgen.generation.engine import Ids, Logits, Weights
from seqgen.generation.spelling import Places, Spelling
from seqgen.models import ModelSettings
from seqgen.models.graph import Repeated
from seqgen.rules import Rule

BLOCK = 128  # steps a replay at most: noise is made once a replay, in two hundred small operations
NUMBERS = 1 << 22  # of noise a replay: more streams or tokens, fewer steps
GRAPHS = 8  # ways of drawing kept for each size of a batch
CHUNK = 1 << 16  # tokens of a prompt that are uploaded at once


@dataclass(eq=False)
class CudaState:
    """Streams between two tokens.

    Attributes:
        batch: How many.
        tensors: Their rows, the network's and last (B,) places of a spelling; None while they lie in the static tensors
            of their size.
    """

    batch: int
    tensors: State | None


@dataclass(eq=False)
class _Streams:
    """The static tensors of one size of batch, and the work that is captured over them.

    Attributes:
        network: What runs.
        state: Rows of at most one `CudaState`, its owner, and beyond its batch anything.
        ids: (B,) what `step` takes in.
        drawings: Blocks by their plans, the latest one last.
    """

    network: Network
    state: State
    ids: Tensor
    capture: bool
    drawings: dict[DrawPlan, Drawing] = field(default_factory=dict)
    owner: "weakref.ref[CudaState] | None" = None

    def __post_init__(self) -> None:
        self.step = Repeated(self._step, self.network.device, self.capture)

    def hold(self, state: CudaState) -> None:
        """Make `state` the owner; who owned the tensors before gets its rows back."""
        before = None if self.owner is None else self.owner()
        if before is state:
            return
        if before is not None:
            before.tensors = [part[: before.batch].clone() for part in self.state]
        assert state.tensors is not None
        for target, source in zip(self.state, state.tensors):
            target[: state.batch].copy_(source)
        state.tensors, self.owner = None, weakref.ref(state)

    def drawing(self, plan: DrawPlan, count: int) -> Drawing:
        """The block of a plan."""
        made = self.drawings.pop(plan, None)
        if made is None:
            made = Drawing(self.network, self.state, plan, count, self.capture)
        if len(self.drawings) >= GRAPHS:
            del self.drawings[next(iter(self.drawings))]
        self.drawings[plan] = made
        return made

    @torch.no_grad()
    def _step(self) -> None:
        for target, source in zip(self.state, self.network.advance(self.ids, self.state[:-1])):
            target.copy_(source)


class CudaEngine(BlockEngine[CudaState]):
    """A network on one device.

    Args:
        cell: The recurrence; one with a `device_form` is quicker.
        settings: The shape.
        weights: As `seqgen.models.weight_shapes` names them.
        device: cuda, cuda:1; any other runs the same work without graphs.
        block: Steps a replay; None: as many as are of use.
        precision: Of weights and products; None: float16 on CUDA, but float32 for units without a bound. A cell
            without a form, or with a memory beside it, is run in float32.
        capture: Whether to capture where that can be done.
        fuse: Whether the elementwise part of a layer is compiled into one kernel; None: on CUDA.

    Raises:
        UsageError: There is no such device here.
    """

    def __init__(
        self,
        cell: Cell,
        settings: ModelSettings,
        weights: Weights,
        device: str = "cuda",
        block: int | None = None,
        precision: torch.dtype | None = None,
        capture: bool = True,
        fuse: bool | None = None,
    ) -> None:
        self._block, self._capture, on_cuda = block, capture, device.startswith("cuda")
        form = cell.device_form() if settings.memory is None else None
        if precision is None:
            precision = torch.float16 if on_cuda and form is not None and form.bounded else torch.float32
        fuse = on_cuda if fuse is None else fuse
        self.network: Network
        try:
            self.device = torch.device(device)
            with torch.no_grad():
                if form is None:
                    self.network = PlainNetwork(cell, settings, weights, self.device)
                else:
                    self.network = StackedNetwork(form, settings, weights, self.device, precision, fuse)
        except (RuntimeError, AssertionError) as error:
            if isinstance(error, torch.cuda.OutOfMemoryError):
                raise
            raise UsageError(f"device {device!r} cannot be used here", "try --device cpu") from error
        self._sizes: dict[int, _Streams] = {}

    @property
    def vocab_size(self) -> int:
        """Ids are below it."""
        return self.network.vocab_size

    @torch.no_grad()
    def start(self, batch: int) -> CudaState:
        """The state of `batch` streams before their first token: hidden states of zero."""
        return CudaState(batch, self._start(batch))

    @torch.no_grad()
    def step(self, ids: Ids, state: CudaState) -> tuple[Logits, CudaState]:
        """(B, V) float32 logits after `ids` (B,), and the state after them."""
        with self._here():
            streams = self._held(state)
            self._read(streams, self._uploaded(ids))
        return streams.state[0][: state.batch].to("cpu", copy=True).numpy(), state

    @torch.no_grad()
    def prefill(self, ids: Ids, state: CudaState) -> tuple[Logits, CudaState]:
        """(1, V) logits after the last of `ids` (n,), and the state, in constant memory."""
        with self._here():
            streams = self._held(state)
            for begin in range(0, len(ids), CHUNK):
                uploaded = self._uploaded(ids[begin : begin + CHUNK])
                for place in range(len(uploaded)):
                    self._read(streams, uploaded[place : place + 1])
        return streams.state[0][:1].to("cpu", copy=True).numpy(), state

    @torch.no_grad()
    def select(self, state: CudaState, rows: Sequence[int]) -> CudaState:
        """A new state of the streams `rows`."""
        index = torch.tensor(list(rows), device=self.device)
        return CudaState(len(rows), [part.index_select(0, index) for part in self._rows(state)])

    @torch.no_grad()
    def join(self, states: Sequence[CudaState]) -> CudaState:
        """A new state that holds the streams of all `states`."""
        parts = [torch.cat(each) for each in zip(*map(self._rows, states))]
        return CudaState(len(parts[0]), parts)

    def plan(
        self, rules: Sequence[Rule], penalties: Logits | None, scores: bool, spelling: Spelling | None = None
    ) -> DrawPlan | None:
        """How tokens are drawn with these rules, or None if the host must follow them; see `BlockEngine.plan`."""
        found = on_device(rules, self.vocab_size)
        if found is None:
            return None
        if spelling is not None and penalties is not None:
            return DrawPlan(found, (), scores, Spelled(spelling, penalties))
        return DrawPlan(found, () if penalties is None else tuple(np.flatnonzero(penalties).tolist()), scores)

    @torch.no_grad()
    def placed(self, state: CudaState, places: Places) -> CudaState:
        """The state of streams that stand at (B,) places of a spelling."""
        return CudaState(state.batch, [*self._rows(state)[:-1], self._uploaded(places)])

    def block(self, batch: int) -> int:
        """How many tokens of each of `batch` streams one launch draws."""
        if self._block is not None:
            return self._block
        return max(1, min(BLOCK, NUMBERS // (_size(batch) * self.vocab_size)))

    @torch.no_grad()
    def launch(
        self, plan: DrawPlan, state: CudaState, seed: int, streams: Sequence[int], position: int
    ) -> tuple[Block, CudaState]:
        """Begin to draw a block, and the state after it; see `BlockEngine.launch`."""
        with self._here():
            held = self._held(state)
            drawing = held.drawing(plan, self.block(state.batch))
            drawing.prepare(seed, streams, position, plan)
            drawing.work()
            return DeviceBlock(drawing, state.batch), state

    def _start(self, batch: int) -> State:
        """A state's tensors at the beginning."""
        return [*self.network.start(batch), torch.zeros(batch, dtype=torch.int64, device=self.device)]

    def _read(self, streams: _Streams, ids: Tensor) -> None:
        streams.ids[: len(ids)].copy_(ids)
        streams.step()

    def _uploaded(self, ids: Ids) -> Tensor:
        return torch.as_tensor(ids.astype(np.int64)).to(self.device)

    def _held(self, state: CudaState) -> _Streams:
        """The static tensors, with `state` in them."""
        size = _size(state.batch)
        if size not in self._sizes:
            ids = torch.zeros(size, dtype=torch.int64, device=self.device)
            self._sizes[size] = _Streams(self.network, self._start(size), ids, self._capture)
        self._sizes[size].hold(state)
        return self._sizes[size]

    def _rows(self, state: CudaState) -> State:
        """The state's tensors, (B, …) each."""
        if state.tensors is not None:
            return state.tensors
        return [part[: state.batch] for part in self._sizes[_size(state.batch)].state]

    def _here(self) -> AbstractContextManager[object]:
        """Graphs and streams are of the current device."""
        return torch.cuda.device(self.device) if self.device.type == "cuda" else contextlib.nullcontext()


def _size(batch: int) -> int:
    """The power of two that a batch is filled up to."""
    return 1 << (batch - 1).bit_length()
