"""A line of text inside a MIDI file: a text meta event (FF 01, Standard MIDI Files 1.0, p. 8) that no player minds.

It works on the bytes of files that `write_score` made, so that a codec's `decode` needs to know nothing of it.
"""

import struct

HEADER = 14  # bytes of the header chunk of every file that we write
TRACK = 8  # bytes before the first event of a track
EVENT = b"\0\xff\x01"  # at once: meta, text
MAX_TEXT = 100_000  # bytes


def annotate(data: bytes, text: str) -> bytes:
    """The file with `text` as the first event of its first track.

    Args:
        data: A MIDI file of ours.
        text: At most MAX_TEXT bytes in UTF-8; what is longer is left out, and the file stays as it is.
    """
    line = text.encode("utf-8", "replace")
    if len(line) > MAX_TEXT:
        return data
    event = EVENT + _quantity(len(line)) + line
    (length,) = struct.unpack_from(">I", data, HEADER + 4)
    begin = HEADER + TRACK
    return data[: HEADER + 4] + struct.pack(">I", length + len(event)) + event + data[begin:]


def annotation(data: bytes) -> str | None:
    """The text that `annotate` put into a file; None where there is none."""
    begin = HEADER + TRACK
    if data[:4] != b"MThd" or data[HEADER : HEADER + 4] != b"MTrk" or data[begin : begin + len(EVENT)] != EVENT:
        return None
    at, length = begin + len(EVENT), 0
    for byte in data[at : at + 4]:
        at, length = at + 1, length << 7 | byte & 0x7F
        if byte < 0x80:
            break
    line = data[at : at + length]
    return line.decode("utf-8", "replace") if len(line) == length else None


def _quantity(value: int) -> bytes:
    """A variable-length quantity: seven bits a byte, the high bit set on all but the last."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))
