"""How instruments sound in our own synthesizer, by General MIDI family, and how drums do: numbers, no code.

Struck and plucked strings die away, the high harmonics first; bowed and blown sounds swell, stay and tremble; an
organ is there at once.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timbre:
    """How one family of instruments sounds.

    Attributes:
        harmonics: Amplitudes from the fundamental on.
        attack: Seconds until full amplitude.
        decay: Seconds in which the part above `sustain` falls to 1/e, at middle C; shorter above it.
        sustain: The amplitude that stays while the note is held, in [0, 1].
        release: Seconds from the end of the note to silence.
        damping: How much faster each further harmonic dies, per second.
        vibrato: Depth in parts of the frequency.
        chorus: Detuning of a second player in parts of the frequency, or 0 for one player.
        gain: Loudness beside the others.
    """

    harmonics: tuple[float, ...]
    attack: float
    decay: float
    sustain: float
    release: float
    damping: float = 0.0
    vibrato: float = 0.0
    chorus: float = 0.0
    gain: float = 1.0


@dataclass(frozen=True)
class Drum:
    """A swept sine and a burst of noise: Hz, sweep in parts of it, decays to 1/e in seconds."""

    frequency: float = 0.0
    sweep: float = 0.0
    tone_decay: float = 0.01
    noise: float = 0.4
    noise_decay: float = 0.025
    bright: bool = True


PIANO = Timbre((1, 0.6, 0.35, 0.3, 0.18, 0.12, 0.05, 0.06, 0.04, 0.03), 0.003, 1.6, 0, 0.25, damping=0.35, gain=1.3)
BELLS = Timbre((1, 0.05, 0.02, 0.35, 0, 0, 0, 0, 0, 0.12), 0.002, 1.2, 0, 0.6, damping=0.9)
ORGAN = Timbre((1, 0.9, 0.5, 0.7, 0.2, 0.35, 0.08, 0.4, 0.05, 0.2, 0, 0.15), 0.025, 1, 1, 0.16, chorus=0.0008)
GUITAR = Timbre((1, 0.7, 0.5, 0.3, 0.2, 0.15, 0.1, 0.06, 0.04), 0.003, 1, 0, 0.15, damping=0.9, gain=1.2)
BASS = Timbre((1, 0.8, 0.45, 0.25, 0.12, 0.06), 0.005, 1.4, 0.15, 0.1, damping=0.9, gain=1.4)
STRINGS = Timbre((1, 0.9, 0.75, 0.6, 0.45, 0.35, 0.26, 0.2, 0.15, 0.1, 0.07), 0.07, 1, 0.8, 0.25, 0, 0.0022, 0.0012)
VOICES = 1, 0.9, 0.8, 0.5, 0.35, 0.25, 0.15, 0.13, 0.1, 0.06
ENSEMBLE = Timbre(VOICES, 0.09, 1, 0.85, 0.32, 0, 0.0018, 0.0022)  # string ensemble and choir
BRASS = Timbre((1, 1.1, 1.1, 0.9, 0.7, 0.5, 0.36, 0.25, 0.17, 0.1), 0.04, 0.3, 0.75, 0.14, vibrato=0.0008, gain=0.9)
REED = Timbre((0.8, 0.35, 1, 0.3, 0.7, 0.25, 0.4, 0.12, 0.18, 0.08), 0.035, 0.5, 0.85, 0.12, vibrato=0.001)
PIPE = Timbre((1, 0.6, 0.25, 0.1, 0.05, 0.02), 0.05, 0.5, 0.85, 0.15, vibrato=0.0024)
LEAD = Timbre((1, 0.5, 0.33, 0.25, 0.2, 0.16, 0.14, 0.12, 0.11, 0.1), 0.008, 0.4, 0.7, 0.12, chorus=0.0015, gain=0.7)
PAD = Timbre((1, 0.5, 0.3, 0.15, 0.1, 0.06), 0.3, 1, 0.9, 0.7, chorus=0.003, gain=0.8)
SWEEP = Timbre((1, 0.3, 0.4, 0.1, 0.2, 0.05, 0.1), 0.15, 1.5, 0.4, 0.8, 0.1, chorus=0.003, gain=0.8)
PLUCKED = Timbre((1, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1), 0.002, 0.7, 0, 0.2, damping=1.4)  # sitar, koto
STRUCK = Timbre((1, 0.2, 0.5, 0.1, 0.2), 0.002, 0.25, 0, 0.3, damping=3.0)  # steel drum, wood block
NOISES = Timbre((1, 0.4, 0.3, 0.2), 0.1, 1, 0.5, 0.4, vibrato=0.01, chorus=0.006, gain=0.5)

# General MIDI 1 Sound Set: sixteen families of eight programs.
FAMILIES = (
    *(PIANO, BELLS, ORGAN, GUITAR, BASS, STRINGS, ENSEMBLE, BRASS),
    *(REED, PIPE, LEAD, PAD, SWEEP, PLUCKED, STRUCK, NOISES),
)

KICK = Drum(48, 3.0, 0.13, 0.15, 0.01)
SNARE = Drum(185, 0.4, 0.07, 0.8, 0.09)
STICK = Drum(420, 0, 0.02, 0.4, 0.015)
CLAP = Drum(noise=0.8, noise_decay=0.08)
HAT, OPEN_HAT, SHAKER = Drum(), Drum(noise_decay=0.16), Drum(noise_decay=0.06)
CYMBAL, RIDE = Drum(noise=0.45, noise_decay=0.55), Drum(900, 0, 0.15, 0.3, 0.3)
TOMS = {pitch: Drum(60 + 14 * (pitch - 41), 0.6, 0.16, 0.1, 0.02, False) for pitch in (41, 43, 45, 47, 48, 50)}

# General MIDI 1 Percussion Key Map.
DRUM_SOUNDS = TOMS | {35: KICK, 36: KICK, 37: STICK, 38: SNARE, 39: CLAP, 40: SNARE, 42: HAT, 44: HAT, 46: OPEN_HAT}
DRUM_SOUNDS |= {49: CYMBAL, 51: RIDE, 52: CYMBAL, 53: RIDE, 55: CYMBAL, 57: CYMBAL, 59: RIDE}
DRUM_SOUNDS |= {54: SHAKER, 69: SHAKER, 70: SHAKER, 82: SHAKER}


def drum(pitch: int) -> Drum:
    """The sound of one key of the percussion channel; keys that have none of their own are short pitched knocks."""
    return DRUM_SOUNDS.get(pitch, Drum(330 * 2 ** ((pitch - 60) / 24), 0.1, 0.06, 0.25, 0.03))
