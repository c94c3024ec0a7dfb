"""FluidSynth: the real instruments of a SoundFont, where pyfluidsynth and a SoundFont are there.

pyfluidsynth is asked directly, because pretty_midi's wrapper keeps the left channel only, and one float64 buffer as
long as the piece for every instrument. The SoundFont that pretty_midi carries (GPL) is never used.
"""

import contextlib
import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.errors import UsageError
from seqgen.files import guarding
from seqgen.music.score import DRUMS
from seqgen.render.synth import Notes, Sound

USUAL_FOLDERS = ("/usr/share/sounds/sf2", "/usr/share/sounds/sf3", "/usr/share/soundfonts")
DRUM_BANK = 128
GAIN = 0.4
INSTALL = "pip install 'seqgen-art[fluidsynth]', and the FluidSynth library of your system (Debian: libfluidsynth3)"


def find(asked: Path | None = None) -> Path | None:
    """The SoundFont to play: the one asked for, else `SEQGEN_SOUNDFONT`, else one in the usual folders, else None.

    The usual folders count only where FluidSynth is installed.

    Raises:
        UsageError: One was asked for that is none, or FluidSynth is not installed.
    """
    named = asked or os.environ.get("SEQGEN_SOUNDFONT")
    if named:
        path = Path(named).expanduser()
        guarding.reads(path)
        _check(path)
        _library()
        return path
    if not installed():
        return None
    found = (path for folder in USUAL_FOLDERS for path in sorted(Path(folder).glob("*.sf[23]")))
    return max(found, key=lambda path: path.stat().st_size, default=None)  # the larger, the better it sounds


def installed() -> bool:
    """Whether pyfluidsynth and the library that it binds can be loaded."""
    try:
        _library()
    except UsageError:
        return False
    return True


def _library() -> Any:
    try:
        with _no_folder_of_libraries():
            return importlib.import_module("fluidsynth")
    except (ImportError, OSError) as error:
        raise UsageError("a SoundFont needs FluidSynth, which is not installed", INSTALL) from error


@contextlib.contextmanager
def _no_folder_of_libraries() -> Iterator[None]:
    """On Windows pyfluidsynth would let libraries of the current folder be loaded; in the body nobody can ask so."""
    if not hasattr(os, "add_dll_directory"):
        yield
        return
    add = os.add_dll_directory
    os.add_dll_directory = lambda path: None if Path(path) == Path.cwd() else add(path)
    try:
        yield
    finally:
        os.add_dll_directory = add


def _check(path: Path) -> None:
    """A SoundFont is a RIFF file of form `sfbk` (SoundFont 2.04 specification, section 4)."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})", "name a SoundFont file (.sf2)") from error
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise UsageError(f"{path}: is not a SoundFont, expected a RIFF file of form sfbk", "name an .sf2 or .sf3 file")


def play(notes: Notes, seconds: float, rate: int, soundfont: Path, kit: int = 0) -> Sound:
    """(2, samples) left and right, not normalised."""
    _check(soundfont)
    player = _library().Synth(gain=GAIN, samplerate=float(rate), channels=256)
    try:
        font = player.sfload(str(soundfont))
        if font < 0:
            raise UsageError(f"{soundfont}: FluidSynth cannot load this SoundFont", "name another one")
        programs = [int(program) for program in np.unique(notes.program)]
        for program in programs:
            _choose(player, font, program, kit)
        return _record(player, notes, int(seconds * rate), rate)
    finally:
        player.delete()


def _choose(player: Any, font: int, program: int, kit: int) -> None:
    """Each program has the channel of its own number, drums have channel 128."""
    bank, preset = (DRUM_BANK, kit) if program == DRUMS else (0, program)
    if player.program_select(program, font, bank, preset) != 0:
        player.program_select(program, font, bank, 0)


def _record(player: Any, notes: Notes, samples: int, rate: int) -> Sound:
    """Let FluidSynth run from event to event."""
    at, order = _events(notes, rate)
    sound = np.zeros((2, samples), np.float32)
    now, count = 0, len(notes.start)
    for event in order:
        now = _advance(player, sound, now, int(at[event]))
        row = event % count
        channel, pitch = int(notes.program[row]), int(notes.pitch[row])
        if event < count:
            player.noteon(channel, pitch, int(notes.velocity[row]))
        else:
            player.noteoff(channel, pitch)
    _advance(player, sound, now, samples)
    return sound


def _events(notes: Notes, rate: int) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """(2N,) sample numbers of the ons, then of the offs, and the order to play them in: offs first at one time."""
    on = (notes.start * rate).astype(np.int64)
    off = np.maximum((notes.end * rate).astype(np.int64), on + 1)
    kind = np.repeat([1, 0], len(on))
    at = np.concatenate((on, off))
    return at, np.lexsort((kind, at))


def _advance(player: Any, sound: Sound, now: int, until: int) -> int:
    """Record up to sample `until`, a second at a time at most."""
    until = min(until, sound.shape[1])
    while now < until:
        step = min(until - now, 44100)
        sound[:, now : now + step] = player.get_samples(step).reshape(-1, 2).T / np.float32(32768)
        now += step
    return now
