"""A score as sound: samples in [-1, 1] and WAV files.

With FluidSynth and a SoundFont the real instruments play; without, our own synthesizer (`seqgen.render.synth`), which
needs nothing. It does not know where scores come from.
"""

import io
import wave
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from seqgen.errors import MidiError
from seqgen.files import STANDARD, atomic_write, write_bytes
from seqgen.music.score import Score
from seqgen.render import fluid, synth
from seqgen.render.window import rows, window

PEAK = 10 ** (-1 / 20)  # -1 dBFS leaves room for the resampling and lossy coding that players do
TAIL = 1.5  # seconds for the last release and the room
FADE = 0.1  # seconds
MAX_SOUNDING = 300_000.0  # seconds over all notes together; half a minute of work
BLOCK = 1 << 20  # samples converted at a time


def synthesize(score: Score, soundfont: Path | None = None, rate: int = 44100) -> NDArray[np.float32]:
    """(samples, 2) left and right, peak at -1 dBFS, of the stretch that `seqgen.render.window` names.

    Args:
        score: At least one note.
        soundfont: A SoundFont that FluidSynth plays; None for our own synthesizer. `fluid.find` looks for one.
        rate: Samples a second, 8000 to 96000.

    Raises:
        MidiError: The score has no notes, or absurdly many at once.
        UsageError: The SoundFont is none, or FluidSynth is not installed.
    """
    notes, seconds = _notes(score)
    if soundfont is None:
        sound = synth.play(notes, seconds + TAIL, rate)
    else:
        sound = fluid.play(notes, seconds + TAIL, rate, soundfont, score.kit)
    return _finish(sound, rate).T


def _notes(score: Score) -> tuple[synth.Notes, float]:
    """The notes of the window, times counted from its start, and its length in seconds."""
    start, end = window(score)
    chosen = rows(score)
    begins = score.seconds(score.onset[chosen]) - start
    ends = np.minimum(score.seconds(score.onset[chosen] + score.duration[chosen]) - start, end - start)
    sounding = float((ends - begins).sum()) + 0.5 * len(chosen)
    if sounding > MAX_SOUNDING:
        detail = (
            f"its notes sound for {sounding / 3600:,.0f} hours together, expected at most {MAX_SOUNDING / 3600:.0f}"
        )
        raise MidiError(f"the score is too dense to render: {detail}", "cut it into shorter pieces")
    return synth.Notes(begins, ends, score.pitch[chosen], score.velocity[chosen], score.program[chosen]), end - start


def _finish(sound: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Fade the end out and set the peak, in place."""
    fade = min(int(FADE * rate), sound.shape[1])
    sound[:, sound.shape[1] - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    peak = max(float(sound.max()), -float(sound.min()))
    if peak > 0:
        sound *= np.float32(PEAK / peak)
    return sound


def write_wav(path: str | Path, samples: NDArray[np.float32], rate: int = 44100) -> None:
    """Write (samples,) or (samples, channels) as a 16-bit WAV file, or to standard output for "-"."""
    if str(path) == STANDARD:
        write_bytes(path, wav_bytes(samples, rate))
        return
    with atomic_write(path) as file:
        _write(file, samples, rate)


def wav_bytes(samples: NDArray[np.float32], rate: int = 44100) -> bytes:
    """(samples,) or (samples, channels) as a 16-bit WAV file; what lies beyond [-1, 1] is clipped."""
    file = io.BytesIO()
    _write(file, samples, rate)
    return file.getvalue()


def _write(file: BinaryIO, samples: NDArray[np.float32], rate: int) -> None:
    with wave.open(file, "wb") as out:
        out.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.setnframes(len(samples))
        for at in range(0, len(samples), BLOCK):
            block = np.clip(samples[at : at + BLOCK], -1, 1) * 32767
            out.writeframesraw(np.ascontiguousarray(np.round(block), "<i2").tobytes())
