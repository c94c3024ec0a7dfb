"""A file in the format that its name asks for."""

from pathlib import Path


def in_format_of(path: Path, data: bytes, artifact: str) -> bytes:
    """The file as its name says, where music can be printed so: .musicxml, .xml, .abc.

    Args:
        path: Its name.
        data: What it is to hold.
        artifact: The ending of what these are by themselves.

    Raises:
        MidiError: It lies on no grid that can be printed.
    """
    suffix = path.suffix.lower()
    if artifact != ".mid" or suffix in ("", artifact):
        return data
    from seqgen.music.convert import WRITERS, converted

    return converted(data, suffix) if suffix in WRITERS else data
