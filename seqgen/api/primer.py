"""What a sample goes on from: text, a file, or music that other libraries hold; and what music keeps to of it."""

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from seqgen.errors import CorpusError, UsageError
from seqgen.files import STANDARD, guarding
from seqgen.media import Timing

if TYPE_CHECKING:
    from mido import MidiFile
    from pretty_midi import PrettyMIDI

    from seqgen.api.model import Model
    from seqgen.music.request import Music

MAX_PROMPT = 16_000_000  # bytes; a recurrent model has forgotten the beginning long before
Prompt: TypeAlias = "str | bytes | Path | PrettyMIDI | MidiFile | None"


def read_prompt(path: str | Path) -> bytes:
    """A file to go on from; "-" is standard input.

    Raises:
        CorpusError: It cannot be read, or is larger than MAX_PROMPT.
    """
    guarding.reads(path)
    try:
        if str(path) == STANDARD:
            data = sys.stdin.buffer.read(MAX_PROMPT + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(MAX_PROMPT + 1)
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})", "name a file, or - for stdin") from error
    if len(data) > MAX_PROMPT:
        hint = "give its end: tail -c 100000 FILE | seqgen generate … --prompt-file -"
        raise CorpusError(f"{path}: is longer than a prompt may be ({MAX_PROMPT // 1_000_000} MB)", hint)
    return data


def prompt_bytes(prompt: Prompt, music: bool) -> bytes:
    """The bytes of a prompt.

    Args:
        prompt: Bytes, a Path, text, or where a model makes music the name of a file, a `pretty_midi.PrettyMIDI` or a
            `mido.MidiFile`. None: nothing.
        music: Whether the model makes music.

    Raises:
        UsageError: It is nothing that this model goes on from.
        CorpusError: It cannot be read.
    """
    if prompt is None or isinstance(prompt, bytes):
        return prompt or b""
    if isinstance(prompt, Path) or (isinstance(prompt, str) and prompt and music):
        return read_prompt(prompt)
    if isinstance(prompt, str):
        return prompt.encode("utf-8", "surrogateescape")
    name = f"{type(prompt).__module__.partition('.')[0]}.{type(prompt).__name__}".removeprefix("builtins.")
    if not music:
        raise UsageError(f"the prompt is a {name}, this model goes on from text", "give a str, bytes or a Path")
    return _written(prompt, name)


def _written(prompt: Any, name: str) -> bytes:
    """The MIDI file of what pretty_midi or mido hold. Neither is imported: who gives such a thing has done it."""
    file = io.BytesIO()
    pretty_midi, mido = sys.modules.get("pretty_midi"), sys.modules.get("mido")
    try:
        if pretty_midi is not None and isinstance(prompt, pretty_midi.PrettyMIDI):
            prompt.write(file)
        elif mido is not None and isinstance(prompt, mido.MidiFile):  # of a library
            prompt.save(file=file)
        else:
            raise UsageError(f"the prompt is a {name}", "give the path or bytes of a file, a PrettyMIDI or a MidiFile")
    except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:  # of the library, on what it holds
        raise CorpusError(f"the prompt: {name} cannot be written as a MIDI file ({error})") from error
    return file.getvalue()


def with_primer(model: "Model", music: "Music | None", data: bytes, free: bool) -> tuple["Music | None", Timing | None]:
    """(what music keeps to, what its file says of tempo and meter), a primer's included.

    Args:
        model: What makes the music.
        music: What was asked.
        data: The primer, or nothing.
        free: Whether the grammar is off, which keeps to nothing.
    """
    codec = model.tokenizer.codec.steerable()
    if codec is None or (music is None and not data):
        return music, None
    from seqgen.music.read import read_score
    from seqgen.music.request import Music
    from seqgen.report import Report

    tempo = None if music is None else music.tempo
    if not data:
        length = None if music is None or music.all_bars else music.length
        return music, _with_grid(codec.timing(None, tempo, length), music)
    primer = read_score(data, Report())
    if not len(primer):
        return music, None  # whoever makes the prompt says so
    over, under = primer.meter[-1].tolist()
    if music is not None and music.meter not in (None, (over, under)):
        asked = "/".join(map(str, music.meter or ()))
        raise UsageError(f"--meter is {asked}, but the prompt ends in {over}/{under}", "leave --meter out")
    kept = replace(music or Music(), bar=primer.last_bar_seconds, beats=4 * over / under)
    timing = _with_grid(codec.timing(primer, kept.tempo, kept.length), music)
    return (None if free and music is None else kept), timing


def _with_grid(timing: Timing | None, music: "Music | None") -> Timing | None:
    """The timing with the grid that is asked for, which `Tokenizer.finish` knows."""
    return timing if music is None or music.grid is None else {**(timing or Timing()), "grid": music.grid}
