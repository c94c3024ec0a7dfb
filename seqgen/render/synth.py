"""The synthesizer that always works: notes to stereo sound in numpy, no SoundFont and no system package.

A tone is the imaginary part of the polynomial a1 z + a2 z^2 + …, evaluated by Horner's rule, where z is a rotating,
shrinking complex number: its turning gives the harmonics, its shrinking takes high harmonics away first, as a string
does. Envelopes and harmonics differ by General MIDI family. Drums are swept sines and noise. A short room follows.

It knows nothing of files. pretty_midi's `synthesize` is not used: drums are silent there, every instrument takes a
float64 buffer as long as the piece, and all instruments share one waveform and one envelope.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from seqgen.music.score import DRUMS
from seqgen.render.timbres import FAMILIES, drum

Sound = NDArray[np.float32]
TONES = 48  # cached seconds of tone; notes are visited by program and pitch, so few are needed at a time
VOLUME = 0.2


@dataclass(frozen=True, eq=False)
class Notes:
    """(N,) arrays, in seconds: what is to sound. Velocities in [1, 127]; program DRUMS is percussion."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    pitch: NDArray[np.uint8]
    velocity: NDArray[np.uint8]
    program: NDArray[np.uint8]


def play(notes: Notes, seconds: float, rate: int) -> Sound:
    """(2, samples) left and right, not normalised; sound past `seconds` is cut."""
    sound = np.zeros((2, int(seconds * rate)), np.float32)
    for row in np.lexsort((notes.start, notes.pitch, notes.program)):
        pitch, program = int(notes.pitch[row]), int(notes.program[row])
        strength = int(notes.velocity[row]) / 127
        left, right = _pan(pitch, program)
        gain = VOLUME * strength**1.7
        at = int(notes.start[row] * rate)
        held = max(int((notes.end[row] - notes.start[row]) * rate), rate // 30)
        pieces = _drum(pitch, rate) if program == DRUMS else _note(program, pitch, round(3 * strength), held, rate)
        for piece in pieces:
            piece = piece[: max(sound.shape[1] - at, 0)]
            sound[0, at : at + len(piece)] += piece * np.float32(left * gain)
            sound[1, at : at + len(piece)] += piece * np.float32(right * gain)
            at += len(piece)
    return _room(sound, rate)


def _pan(pitch: int, program: int) -> tuple[float, float]:
    """Equal-power gains: low pitches to the left as at a keyboard, programs spread a little around that."""
    place = 0.5 + (0.1 * np.sin(2.4 * pitch) if program == DRUMS else (pitch - 60) / 160 + 0.12 * np.sin(2.4 * program))
    angle = np.clip(place, 0.15, 0.85) * np.pi / 2
    return float(np.cos(angle)), float(np.sin(angle))


def _note(program: int, pitch: int, layer: int, held: int, rate: int) -> Iterator[Sound]:
    """The note in pieces of one second, the last of them fading out after `held` samples."""
    release = int(FAMILIES[program // 8].release * rate)
    for second, at in enumerate(range(0, held + release, rate)):
        piece = _tone(program // 8, pitch, layer, second, rate)[: held + release - at]
        if at + len(piece) > held:
            left = np.arange(held + release - at, held + release - at - len(piece), -1, dtype=np.float32) / release
            piece = np.multiply(piece, np.clip(left, 0, 1) ** 2, dtype=np.float32)
        yield piece


@lru_cache(TONES)
def _tone(family: int, pitch: int, layer: int, second: int, rate: int) -> Sound:
    """(rate,) one second of a held tone, `second` seconds after its onset. Layers 0 … 3 grow brighter."""
    timbre = FAMILIES[family]
    time = second + np.arange(rate) / rate
    frequency = 440.0 * 2.0 ** ((pitch - 69) / 12)
    while frequency > 0.45 * rate:
        frequency /= 2  # heard an octave lower rather than not at all
    amplitudes = timbre.harmonics[: max(int(0.45 * rate / frequency), 1)]
    bright = 0.7 + 0.1 * layer
    players = (-timbre.chorus, timbre.chorus) if timbre.chorus else (0.0,)
    tone = np.zeros(rate)
    for player in players:
        sway = timbre.vibrato * np.clip(time / 0.4 - 0.5, 0, 1) * np.sin(2 * np.pi * 5.3 * time) / (2 * np.pi * 5.3)
        turns = (frequency * ((1 + player) * time + sway) + 37 * player) % 1.0
        z = np.exp(2j * np.pi * turns - timbre.damping * time + np.log(bright)).astype(np.complex64)
        total = np.zeros(rate, np.complex64)
        for amplitude in reversed(amplitudes):
            total = (total + np.float32(amplitude)) * z
        tone += total.imag
    decay = np.exp(-time / (timbre.decay * 2.0 ** ((60 - pitch) / 24)))
    shape = timbre.sustain + (1 - timbre.sustain) * decay
    shape *= np.sin(np.pi / 2 * np.clip(time / timbre.attack, 0, 1)) ** 2
    loud = timbre.gain / (bright * len(players) ** 0.5 * np.linalg.norm(timbre.harmonics))
    return np.asarray(tone * (shape * loud), np.float32)


def _drum(pitch: int, rate: int) -> Iterator[Sound]:
    """A hit sounds as long as it rings; the length of its note does not matter."""
    yield _hit(pitch, rate)


@lru_cache(128)
def _hit(pitch: int, rate: int) -> Sound:
    hit = drum(pitch)
    time = np.arange(int(rate * 5 * max(hit.tone_decay, hit.noise_decay))) / rate
    phase = hit.frequency * (time + hit.sweep * 0.025 * (1 - np.exp(-time / 0.025)))
    noise = np.random.default_rng(pitch).standard_normal(len(time) + 1)
    noise = np.diff(noise) if hit.bright else np.convolve(noise, np.full(8, 0.3), "same")[1:]  # its high or low part
    sound = np.sin(2 * np.pi * phase) * np.exp(-time / hit.tone_decay)
    sound += 0.5 * hit.noise * noise * np.exp(-time / hit.noise_decay)
    sound *= np.clip((time[-1] - time) / 0.01, 0, 1)
    return np.asarray(2.2 * sound, np.float32)


def _room(sound: Sound, rate: int, wet: float = 0.22, seconds: float = 1.4) -> Sound:
    """The sound in a small hall, in place: convolution with fading noise, block by block (overlap-add)."""
    size = int(seconds * rate)
    time = np.arange(size) / rate
    echo = np.random.default_rng(7).standard_normal((2, size)) * np.exp(-time * 6.9 / seconds) * (time > 0.012)
    echo = np.apply_along_axis(np.convolve, 1, echo, np.full(6, 1 / 6), "same")
    echo *= wet / np.linalg.norm(echo, axis=1, keepdims=True)
    length = 1 << (3 * size).bit_length()
    step = length - size
    spectrum = np.fft.rfft(echo.astype(np.float32), length)
    rest = np.zeros((2, size), np.float32)
    for at in range(0, sound.shape[1], step):
        block = sound[:, at : at + step]
        wave = np.fft.irfft(np.fft.rfft(block.sum(0), length) * spectrum, length)
        wave[:, :size] += rest
        rest = wave[:, step : step + size].astype(np.float32)
        block += wave[:, : block.shape[1]].astype(np.float32)
    return sound
