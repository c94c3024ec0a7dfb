"""A finished sample: its tokens, what they stand for, and how it looks in a notebook. Knows no engine and no loop."""

import base64
import codecs
import html
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqgen.codecs import Ids
from seqgen.errors import MidiError, UsageError
from seqgen.files import write_bytes, written
from seqgen.tokenizer import Tokenizer

if TYPE_CHECKING:
    from mido import MidiFile
    from pretty_midi import PrettyMIDI

Data = bytes  # the class below has an attribute of that name
SURPRISE = 8.0  # nats at which a colour is full: a token of one chance in three thousand
PAGE_RATE = 22_050  # samples a second of the sound inside a notebook
STYLE = "white-space: pre-wrap; overflow-wrap: anywhere; font-family: ui-monospace, monospace; line-height: 1.5"


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
    """

    tokenizer: Tokenizer
    prompt_ids: Ids
    ids: NDArray[np.int64]
    log_probabilities: NDArray[np.float32]
    entropies: NDArray[np.float32]
    seed: int
    finished: str
    excess: int = 0
    timing: dict[str, Any] | None = None

    @property
    def bytes(self) -> Data:
        """The finished file, prompt included: text, or a MIDI file."""
        prompt = self.prompt_ids.astype(np.int64)
        if not self.tokenizer.is_text:
            return self.tokenizer.finish(prompt, self.ids, timing=self.timing)
        made = self.tokenizer.decode(np.concatenate([prompt, self.ids]))
        return made[: len(made) - self.excess]

    @property
    def text(self) -> str:
        """The text, prompt included; bytes that are no UTF-8 become U+FFFD.

        Raises:
            UsageError: It is music.
        """
        if not self.tokenizer.is_text:
            raise UsageError("music has no text", "use .bytes, or save it: .save('new.mid')")
        return self.bytes.decode("utf-8", "replace")

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
        if self.tokenizer.is_text:
            raise UsageError("text is no music", "use .text or .bytes")
        return io.BytesIO(self.bytes)

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
        if not self.tokenizer.is_text:
            return _music_html(self.bytes)
        return f'<div style="{STYLE}">{self._coloured()}</div>'

    def _coloured(self) -> str:
        """The text, each stretch on a ground that is the deeper the more the model was surprised by it."""
        from seqgen.render.report import visible

        pieces = self.tokenizer.token_bytes() or []
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        prompt = b"".join(pieces[token] for token in self.prompt_ids.tolist())
        out = [f'<span style="opacity: .55">{visible(decoder.decode(prompt))}</span>']
        for place, (token, score) in enumerate(zip(self.ids.tolist(), self.log_probabilities.tolist())):
            last = place == len(self) - 1
            piece = pieces[token][: len(pieces[token]) - self.excess] if last else pieces[token]
            shown = visible(decoder.decode(piece, last))
            depth = min(max(-score / SURPRISE, 0.0), 1.0)
            title = html.escape(f"{-score:.2f} nats")
            out.append(f'<span title="{title}" style="background: rgba(224, 108, 40, {depth:.2f})">{shown}</span>')
        return "".join(out)


def _music_html(data: Data) -> str:
    """A piano roll and a player; a sentence where there is nothing to show."""
    from seqgen.music.read import read_score
    from seqgen.render import audio, piano_roll
    from seqgen.render.report import visible

    try:
        score = read_score(data)
        png = piano_roll.png_bytes(score)
        wav = audio.wav_bytes(audio.synthesize(score, rate=PAGE_RATE), PAGE_RATE)
    except MidiError as error:
        return f"<p>{visible(error.message)}</p>"
    picture = f'<img alt="Piano roll" style="max-width: 100%" src="{_data_url("image/png", png)}">'
    return f'<div>{picture}<br><audio controls src="{_data_url("audio/wav", wav)}"></audio></div>'


def _data_url(kind: str, content: Data) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
