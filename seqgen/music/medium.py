"""Music as a medium: MIDI files that carry a line of text, can be printed, and are so many notes and seconds."""

from dataclasses import dataclass

from seqgen.media import Extent


@dataclass(frozen=True)
class MusicMedium:
    """The medium of all codecs that make MIDI files."""

    name: str = "music"
    usual_length: int = 20_000  # it ends by itself; this is the cap
    heard: bool = True
    formats: tuple[str, ...] = (".mid", ".wav", ".musicxml", ".abc")
    separable: bool = False

    def inscribed(self, made: bytes, line: str) -> bytes:
        """The file with a text event, see `seqgen.music.annotation`."""
        from seqgen.music.annotation import annotate

        return annotate(made, line)

    def converted(self, made: bytes, suffix: str) -> bytes:
        """MusicXML or ABC where the ending says so, else the file as it is.

        Raises:
            MidiError: It lies on no grid that can be printed.
        """
        if suffix in ("", ".mid"):
            return made
        from seqgen.music.convert import WRITERS, converted

        return converted(made, suffix) if suffix in WRITERS else made

    def on_grid(self, made: bytes, grid: int) -> bytes:
        """The file with all onsets and ends on the grid, no note shorter than a step of it."""
        from seqgen.music.convert import converted

        return converted(made, ".mid", grid)

    def extent(self, made: bytes) -> Extent:
        """Its notes and seconds."""
        from seqgen.music.read import read_score

        score = read_score(made)
        return Extent(len(score), score.duration_seconds)


MUSIC = MusicMedium()
