"""The same work again and again without Python: captured once in a CUDA graph, then replayed as one launch.

The work is a function without arguments or results that reads and writes tensors which stay where they are. On any
device but CUDA it is simply called, so that what a graph replays is what every other device runs.
"""

import warnings
from collections.abc import Callable

import torch

WARM_UP = 3  # plain calls before the capture: libraries make their handles and pick their kernels in these


class Repeated:
    """Work that is called many times.

    Random numbers go on from call to call, since torch hands the generator's offset to each replay: a replay draws
    what a plain call would have drawn.

    Args:
        work: Reads and writes static tensors alone, and reads nothing back to the host.
        device: Where they lie.
        capture: Whether to capture where that can be done.
        warm_up: Plain calls before it.

    Attributes:
        failure: Why there is no capture although one was tried, or None.
    """

    def __init__(
        self, work: Callable[[], None], device: torch.device, capture: bool = True, warm_up: int = WARM_UP
    ) -> None:
        self.work, self.warm_up = work, warm_up
        self.capturing = capture and device.type == "cuda"
        self.failure: str | None = None
        self._stream = torch.cuda.Stream(device) if self.capturing else None  # type: ignore[no-untyped-call]
        self._graph: torch.cuda.CUDAGraph | None = None
        self._calls = 0

    @property
    def captured(self) -> bool:
        """Whether the next call is a replay."""
        return self._graph is not None

    def __call__(self) -> None:
        """Do the work once."""
        if not self.capturing:
            self.work()
            return
        if self._graph is None and self._calls >= self.warm_up:
            self._capture()
        if self._graph is not None:
            self._graph.replay()
            return
        self._on_side_stream()
        self._calls += 1

    def forget(self) -> None:
        """Drop the capture: tensors that it knows have been replaced. The next calls warm up anew."""
        self._graph, self._calls = None, 0

    def _on_side_stream(self) -> None:
        """A capture forbids work on the default stream, so that what leads up to it is kept off it too."""
        current = torch.cuda.current_stream()
        assert self._stream is not None
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            self.work()
        current.wait_stream(self._stream)

    def _capture(self) -> None:
        """Record the work without doing it; where that fails, plain calls go on."""
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self._stream):
                self.work()
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:
            if isinstance(error.__context__, torch.cuda.OutOfMemoryError):  # which ended the capture
                raise error.__context__ from None
            self.capturing, self.failure = False, str(error).partition("\n")[0]
            warnings.warn(f"steps run without a CUDA graph: {self.failure}", RuntimeWarning, stacklevel=2)
            torch.cuda.synchronize()
            return
        self._graph = graph
