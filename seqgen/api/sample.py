"""A finished sample: its tokens, what they stand for, and how it looks in a notebook. Knows no engine and no loop."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqgen.arguments import checked
from seqgen.codecs import Ids
from seqgen.errors import UsageError
from seqgen.files import write_bytes, written
from seqgen.media import Timing
from seqgen.tokenizer import Tokenizer

if TYPE_CHECKING:
    from mido import MidiFile
    from pretty_midi import PrettyMIDI

Data = bytes  # the class below has an attribute of that name


@dataclass(frozen=True, eq=False)
class Sample:
    """What one call of `Model.sample` made.

    Attributes:
        tokenizer: What the tokens stand for.
        prompt_ids: (n,) the tokens before the sample, framing included.
        ids: (N,) the tokens sampled.
        log_probabilities: (N,) float32 nats of each, under the model before any rule.
        entropies: (N,) float32 nats, of the model's distribution before each.
        seed: What it was sampled with.
        finished: Why it ended: length, end, stop or interrupted.
        excess: How many bytes of the last token lie behind a stop string.
        timing: What a MIDI file says of tempo and meter besides its tokens; None: nothing.
        hole: Around what it was filled in, see `seqgen.api.filling.Filling.kept`; None: it goes on from its prompt.
    """

    tokenizer: Tokenizer
    prompt_ids: Ids
    ids: NDArray[np.int64]
    log_probabilities: NDArray[np.float32]
    entropies: NDArray[np.float32]
    seed: int
    finished: str
    excess: int = 0
    timing: Timing | None = None
    hole: Mapping[str, Any] | None = None

    @property
    def bytes(self) -> Data:
        """The finished file, prompt included, or all around the hole: text, or a MIDI file."""
        if self.hole is not None:
            return self.tokenizer.filled(self.hole, self.prompt_ids, self.ids)
        made = self.tokenizer.finish(self.prompt_ids.astype(np.int64), self.ids, timing=self.timing)
        return made[: len(made) - self.excess]

    @property
    def filling(self) -> str:
        """What was sampled of a text, alone: what stands in the hole.

        Raises:
            UsageError: It is music.
        """
        self._require_text()
        return self.tokenizer.decode(self.ids).decode("utf-8", "replace")

    @property
    def text(self) -> str:
        """The text, prompt included; bytes that are no UTF-8 become U+FFFD.

        Raises:
            UsageError: It is music.
        """
        self._require_text()
        return self.bytes.decode("utf-8", "replace")

    def _require_text(self) -> None:
        if self.tokenizer.medium.heard:
            raise UsageError(f"{self.tokenizer.medium.name} has no text", "use .bytes, or save it: .save('new.mid')")

    def pretty_midi(self) -> "PrettyMIDI":
        """The music as a `pretty_midi.PrettyMIDI`, prompt included.

        Raises:
            UsageError: It is text.
        """
        import pretty_midi  # not needed to sample

        return pretty_midi.PrettyMIDI(self._midi())

    def mido(self) -> "MidiFile":
        """The music as a `mido.MidiFile`, prompt included.

        Raises:
            UsageError: It is text.
        """
        import mido  # not needed to sample

        return mido.MidiFile(file=self._midi())

    def _midi(self) -> io.BytesIO:
        if not self.tokenizer.medium.heard:
            raise UsageError(f"{self.tokenizer.medium.name} is no music", "use .text or .bytes")
        return io.BytesIO(self.bytes)

    @checked
    def save(self, path: str | Path) -> None:
        """Write the file, atomically.

        Raises:
            OutputError: It cannot be written; what was there before is untouched.
        """
        write_bytes(path, self.bytes)
        written.remember(Path(path))  # so that `seqgen generate -o` may replace it

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        mean = f", {-self.log_probabilities.mean():.2f} nats a token" if len(self) else ""
        return f"<Sample of {len(self):,} tokens{mean}, seed {self.seed}, finished: {self.finished}>"

    def _repr_html_(self) -> str:
        from seqgen.render import notebook  # not needed to sample

        if self.tokenizer.medium.heard:
            return notebook.heard(self.bytes)
        pieces = self.tokenizer.token_bytes() or []
        prompt, sampled = ([pieces[token] for token in ids.tolist()] for ids in (self.prompt_ids, self.ids))
        if sampled:
            sampled[-1] = sampled[-1][: len(sampled[-1]) - self.excess]
        return notebook.coloured(b"".join(prompt), sampled, (-self.log_probabilities).tolist())
