"""MIDI files byte by byte, for tests. Times are absolute ticks; nothing is checked, so that files can be wrong."""

from seqgen.music.score import Score

Event = tuple[int, bytes]  # absolute tick, message


def number(value: int) -> bytes:
    """A variable-length number."""
    digits = [value & 127]
    while value := value >> 7:
        digits.append(value & 127 | 128)
    return bytes(reversed(digits))


def on(pitch: int, velocity: int = 64, channel: int = 0) -> bytes:
    return bytes([0x90 | channel, pitch, velocity])


def off(pitch: int, channel: int = 0) -> bytes:
    return bytes([0x80 | channel, pitch, 0])


def control(controller: int, value: int, channel: int = 0) -> bytes:
    return bytes([0xB0 | channel, controller, value])


def program(value: int, channel: int = 0) -> bytes:
    return bytes([0xC0 | channel, value])


def meta(kind: int, payload: bytes = b"") -> bytes:
    return bytes([0xFF, kind]) + number(len(payload)) + payload


def tempo(microseconds: int) -> bytes:
    return meta(0x51, microseconds.to_bytes(3, "big"))


def events(*timed: Event, end: int | None = None) -> bytes:
    """The body of a track, with an end marker at tick `end`: after the last event unless told, never if below 0."""
    last = max((tick for tick, _ in timed), default=0)
    body, now = b"", 0
    for tick, message in timed:
        body += number(tick - now) + message
        now = tick
    if end is None or end >= 0:
        body += number(max(last if end is None else end, now) - now) + meta(0x2F)
    return body


def chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "big") + body


def header(tracks: int, form: int = 1, division: bytes | int = 480) -> bytes:
    field = division if isinstance(division, bytes) else division.to_bytes(2, "big")
    return chunk(b"MThd", form.to_bytes(2, "big") + tracks.to_bytes(2, "big") + field)


def midi(*bodies: bytes, form: int = 1, division: bytes | int = 480) -> bytes:
    """A file of tracks, given their bodies."""
    return header(len(bodies), form, division) + b"".join(chunk(b"MTrk", body) for body in bodies)


def simple(*timed: Event, division: bytes | int = 480, end: int | None = None) -> bytes:
    """A file of one track."""
    return midi(events(*timed, end=end), division=division)


def notes(score: Score) -> list[tuple[int, int, int, int, int]]:
    """(onset, duration, pitch, velocity, program) of each note."""
    columns = (score.onset, score.duration, score.pitch, score.velocity, score.program)
    return list(zip(*(column.tolist() for column in columns)))


def spans(score: Score) -> list[tuple[int, int, int]]:
    """(onset, duration, pitch) of each note."""
    return [row[:3] for row in notes(score)]
