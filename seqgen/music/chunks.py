"""The container of a MIDI file: RIFF wrapper, header, track chunks. Knows nothing of what is in a track.

Source: Standard MIDI Files 1.0 (MIDI Manufacturers Association, RP-001), p. 3–5; RMID: RP-029.
"""

from dataclasses import dataclass

from seqgen.music.faults import Faults, refuse

MAX_BYTES = 64 << 20
MAX_TRACKS = 256
SEARCHED = 1024  # bytes at the beginning of a file that are searched for a header
MACBINARY = 128  # bytes of its header, which says at 83 how many of the file follow it
_HEADER = b"MThd\0\0\0\x06"
FRAME_RATES = (24, 25, 29, 30)  # 29 stands for 30 drop frame: 30 frames in 1.001 seconds


@dataclass(frozen=True)
class Chunks:
    """Where the tracks lie.

    Attributes:
        format: 0 (one track), 1 (tracks together) or 2 (each track a piece).
        declared: How many tracks the header promises.
        ticks_per_quarter: Ticks in a quarter note; under SMPTE time, ticks in 30 or fewer frames, which `tempo` times.
        tempo: Microseconds a quarter note under SMPTE time, which knows no tempo events; else None.
        division: The two bytes of the header that say so.
        tracks: (start, end) of each track's events, in bytes of the whole file.
    """

    format: int
    declared: int
    ticks_per_quarter: int
    tempo: int | None
    division: bytes
    tracks: tuple[tuple[int, int], ...]


def is_midi(data: bytes) -> bool:
    """Whether the bytes open like a MIDI file, wrapped or not, or soon go on like one."""
    wrapped = data[:4] == b"RIFF" and data[8:12] == b"RMID"
    return data[:4] == b"MThd" or wrapped or _HEADER in data[:SEARCHED]


def read_chunks(data: bytes, faults: Faults) -> Chunks:
    """The container's layout.

    Raises:
        MidiError: It is past a limit, has no usable header or time division, or (when strict) is damaged.
    """
    if len(data) > MAX_BYTES:
        refuse(MAX_BYTES, f"file is too long (expected at most {MAX_BYTES:,} bytes, found {len(data):,})")
    start, end = _unwrap(data, faults)
    header = data[start : min(start + 14, end)]
    if len(header) < 14 or header[:4] != b"MThd":
        refuse(start, f"no MIDI header (expected 14 bytes from 'MThd' on, found {len(header)}: {header[:4]!r})")
    size = int.from_bytes(header[4:8], "big")
    if size < 6:
        refuse(start + 4, f"header chunk is too short (expected 6 bytes, found {size})")
    form, declared = (int.from_bytes(header[at : at + 2], "big") for at in (8, 10))
    if form > 2:
        faults.repaired("unknown format", start + 8, f"file format is {form}, expected 0, 1 or 2")
        form = 1
    ticks, tempo = _division(header[12:14], start + 12)
    tracks = _tracks(data, start + 8 + size, end, faults)
    if len(tracks) != declared:
        faults.mended("wrong track count")
    return Chunks(form, declared, ticks, tempo, header[12:14], tracks)


def single_tracks(data: bytes, chunks: Chunks) -> list[bytes]:
    """Each track as a file of its own, byte for byte: what the pieces of a type 2 file are."""
    head = b"MThd\0\0\0\x06\0\0\0\x01" + chunks.division
    return [head + b"MTrk" + (end - start).to_bytes(4, "big") + data[start:end] for start, end in chunks.tracks]


def _unwrap(data: bytes, faults: Faults) -> tuple[int, int]:
    """(start, end) of the MIDI file inside a RIFF wrapper, behind other bytes, or of all of it."""
    if data[:4] != b"RIFF":
        return _behind_junk(data, faults) if data[:4] != b"MThd" else (0, len(data))
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"data":
            break
        at += 8 + size + size % 2
    else:
        refuse(len(data), "RIFF file holds no MIDI data (expected a 'data' chunk)")
    found = len(data) - at - 8
    if size > found:
        faults.repaired("truncated RIFF chunk", at, f"RIFF data is cut short (expected {size} bytes, found {found})")
    return at + 8, at + 8 + min(size, found)


def _behind_junk(data: bytes, faults: Faults) -> tuple[int, int]:
    """(start, end) of a MIDI file that other bytes stand before, such as a MacBinary header."""
    start = data[:SEARCHED].find(_HEADER)
    if start <= 0:
        return 0, len(data)
    faults.repaired("bytes before the header", 0, f"file begins with {start} other bytes, expected 'MThd'")
    size = int.from_bytes(data[83:87], "big") if start == MACBINARY and data[0] == 0 else 0
    return start, min(start + size, len(data)) if size >= 14 else len(data)


def _division(field: bytes, offset: int) -> tuple[int, int | None]:
    """Ticks a quarter note and, under SMPTE time, the tempo that makes them last as they should."""
    value = int.from_bytes(field, "big")
    if value == 0:
        refuse(offset, "time division is 0 ticks a quarter note, expected at least 1")
    if value < 0x8000:
        return value, None
    rate, ticks = 256 - field[0], field[1]
    if rate not in FRAME_RATES or ticks == 0:
        refuse(
            offset, f"time division is {rate} frames of {ticks} ticks, expected 24, 25, 29 or 30 frames of 1 or more"
        )
    return (30 * ticks, 1_001_000) if rate == 29 else (rate * ticks, 1_000_000)


def _tracks(data: bytes, at: int, end: int, faults: Faults) -> tuple[tuple[int, int], ...]:
    """The track chunks in [at, end); other chunks are passed over, junk is searched for the next track."""
    tracks: list[tuple[int, int]] = []
    while at < end:
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        if at + 8 > end or not (name.isascii() and name.decode("latin-1").isprintable()):
            faults.dropped("bytes between chunks", at, f"expected a chunk, found {bytes(name)!r}")
            at = _next_track(data, at + 1, end)
            continue
        stop = at + 8 + size
        if name != b"MTrk":
            faults.left_out("unknown chunk")
            at = stop if stop <= end else _next_track(data, at + 1, end)
            continue
        if stop > end:
            problem = f"track chunk is cut short (expected {size} bytes, found {end - at - 8})"
            faults.repaired("truncated track", at, problem)
        if len(tracks) == MAX_TRACKS:
            refuse(at, f"too many tracks (expected at most {MAX_TRACKS})")
        tracks.append((at + 8, min(stop, end)))
        at = stop
    return tuple(tracks)


def _next_track(data: bytes, at: int, end: int) -> int:
    found = data.find(b"MTrk", at, end)
    return end if found < 0 else found
