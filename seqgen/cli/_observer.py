"""What a person sees of a training run: a bar with loss, rate and time left; validations; samples."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from seqgen import files
from seqgen.cli._options import note, progress_hidden
from seqgen.terminal.text import harmless
from seqgen.training.journal import sound
from seqgen.training.trainer import Progress

SAMPLE_LINES, SAMPLE_WIDTH = 3, 74
BAR = "{l_bar}{bar:8}| {elapsed}<{remaining}{postfix}"  # with hours and 100,000 tokens/s in 80 columns


class Watcher:
    """Shows a run on stderr: a bar on a terminal, a line for each validation everywhere.

    Args:
        sample: A short text from the network as it stands, or None where the medium is not readable.
        samples: Where those texts are kept, one JSON object a line: the step, the loss and the text.
    """

    def __init__(self, sample: Callable[[], str] | None, samples: Path | None = None) -> None:
        self.sample, self.samples = sample, samples
        self._bar: tqdm[Any] | None = None
        self._before = (0, 0.0)

    def stepped(self, progress: Progress, share: float, line: dict[str, Any]) -> None:
        """Move the bar."""
        if self._bar is None:
            self._bar = tqdm(total=1.0, initial=min(share, 1.0), disable=progress_hidden(), bar_format=BAR, leave=False)
        tokens, seconds = progress.tokens - self._before[0], progress.seconds - self._before[1]
        self._before = (progress.tokens, progress.seconds)
        if line["nats"] is not None:
            rate = f"{tokens / seconds:,.0f} tokens/s" if seconds > 0 else ""
            loss = f"{line['nats']:.3f} nats, {line['nats'] / math.log(2):.2f} bits/token"
            self._bar.set_postfix_str(f"{loss}, {rate}", refresh=False)
        self._bar.update(min(share, 1.0) - self._bar.n)

    def checked(self, progress: Progress, line: dict[str, Any], improved: bool) -> None:
        """Print the validation, and a sample."""
        mark = "best so far" if improved else "not better"
        train = "" if line["nats"] is None else f"train {line['nats']:.4f}, "
        self._print(
            f"step {line['step']:>7,}  epoch {line['epoch']:.2f}  {line['seconds']:.0f} s  "
            f"{train}validation {_nats(line['validation_nats'])} ({mark})"
        )
        if self.sample is not None and improved:
            text = self.sample()
            self._keep({"step": line["step"], "nats": line["validation_nats"], "text": text})
            for row in harmless(text).strip("\n").split("\n")[:SAMPLE_LINES]:
                self._print("  │ " + row[:SAMPLE_WIDTH])

    def rolled_back(self, progress: Progress, line: dict[str, Any]) -> None:
        """Say so."""
        data = "" if line["event"] == "rollback" else "; the data in between are left out"
        self._print(
            f"step {line['step']:>7,}  the loss exploded ({_nats(line['loss'])}): back to step {line['to']:,}, "
            f"learning rate × {line['damping']:g}{data}"
        )

    def shrunk(self, progress: Progress, line: dict[str, Any]) -> None:
        """Say so."""
        self._print(f"step {line['step']:>7,}  the device ran out of memory: on with batch {line['batch']}")

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def drop_after(self, step: int) -> None:
        """Forget the samples of steps that a resumed run takes again; a line that makes no sense stays as it is."""
        if self.samples is not None and self.samples.exists():
            lines = self.samples.read_bytes().splitlines()
            files.write_bytes(self.samples, b"".join(line + b"\n" for line in lines if not _later(line, step)))

    def _keep(self, sample: dict[str, Any]) -> None:
        if self.samples is not None:
            with self.samples.open("ab") as file:
                file.write(json.dumps(sample).encode() + b"\n")

    def _print(self, text: str) -> None:
        if self._bar is not None and not self._bar.disable:
            self._bar.write(text, file=sys.stderr)
        else:
            note(text)


def _later(line: bytes, step: int) -> bool:
    """Whether a line of samples is of a step after this one."""
    found = sound(line, {"step": float})
    return found is not None and found.get("step") is not None and found["step"] > step


def _nats(value: float | None) -> str:
    return "not a number" if value is None else f"{value:.4f} nats"
