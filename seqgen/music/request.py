"""What a call asks of music, in words. What they mean for a codec and a prompt, `seqgen.codecs.midi.requests` knows."""

from dataclasses import dataclass

from seqgen.arguments import check_types
from seqgen.errors import UsageError
from seqgen.music.form import Form
from seqgen.settings import option, require

TOKENS_A_SECOND = 200  # more than music has, so that a piece is not cut before its end


@dataclass(frozen=True)
class Music:
    """What to keep to; None: as the model likes.

    Attributes:
        instruments: General MIDI names, families or numbers: "piano,bass,drums". None: those of the prompt, if there
            is one. "any": whatever.
        key: C, F#, Am, Bbm.
        scale: Such as minor-pentatonic, on the key's tonic.
        tempo: Quarter notes a minute.
        meter: Numerator and denominator.
        density: 1, below one note a second, to 8, 20 and more.
        seconds: How long the piece lasts, or what follows the prompt.
        bars: The same in bars.
        form: Which sections are alike, as in aaba, or aaba:8 for sections of eight bars; corpus: bars come back as in
            the corpus. Sections by letters make a piece of their length where no other is asked for.
        grid: Onsets and ends lie on this part of a whole note in the file: 16, on sixteenths.
        bar: Seconds of a bar at the music's own tempo: the prompt's, else 120 beats a minute.
        beats: Quarter notes in a bar.
    """

    instruments: str | None = option(None, "Music: these and no others, as in piano,bass,drums; any: whatever.")
    key: str | None = option(None, "Music: no other notes than those of C, F#, Am, Bbm …")
    scale: str | None = option(None, "Music: with --key, another scale, such as minor-pentatonic.")
    tempo: float | None = option(None, "Music: how fast, in quarter notes a minute.")
    meter: tuple[int, int] | None = option(None, "Music: this meter throughout.")
    density: int | None = option(None, "Music: how many notes; 8 is 20 a second and more.", least=1, most=8)
    seconds: float | None = option(None, "Music: the same in seconds.")
    bars: int | None = option(None, "Music: the same in bars; after a prompt, so much more.", least=1)
    form: str | None = option(
        None, "Music: sections that come back: aaba, aaba:8 (bars each); corpus: as in the corpus."
    )
    grid: int | None = option(None, "Music: onsets and ends on sixteenths.", least=1, most=96)
    bar: float = 2.0
    beats: float = 4.0

    def __post_init__(self) -> None:
        check_types(self)
        require(self.tempo is None or 20 <= self.tempo <= 400, "tempo", self.tempo, "20 to 400")
        require(self.density is None or 1 <= self.density <= 8, "density", self.density, "1 to 8")
        require(self.seconds is None or 1 <= self.seconds <= 36_000, "seconds", self.seconds, "1 s to 10 hours")
        require(
            self.grid is None or (1 <= self.grid <= 96 and 96 % self.grid == 0), "grid", self.grid, "a divisor of 96"
        )
        require(self.bars is None or 1 <= self.bars <= 10_000, "bars", self.bars, "1 to 10000")
        if self.seconds is not None and self.bars is not None:
            raise UsageError("a length was given in bars and in time", "give one of them")
        _ = self.shape

    @property
    def shape(self) -> Form | None:
        """The form, fitted to the length.

        Raises:
            UsageError: It is none, or the length cannot hold it.
        """
        return None if self.form is None else Form.of(self.form).fitted(self.bars, self.seconds)

    @property
    def all_bars(self) -> int | None:
        """How many bars the piece has, where that is known: those asked for, or those of its form."""
        shape = self.shape
        return self.bars if shape is None or not shape.own else shape.bars

    @property
    def length(self) -> float | None:
        """Seconds, whichever way they were asked for."""
        bars = self.all_bars
        if bars is None:
            return self.seconds
        return bars * (self.bar if self.tempo is None else self.beats * 60 / self.tempo)

    @property
    def speed(self) -> float:
        """The tempo asked for over the music's own."""
        return 1.0 if self.tempo is None else self.tempo * self.bar / (60 * self.beats)

    @property
    def sampled(self) -> float | None:
        """The same in seconds at the music's own tempo."""
        return None if self.length is None else self.length * self.speed

    @property
    def most_tokens(self) -> int | None:
        """Tokens that suffice for the length."""
        return None if self.sampled is None else int(TOKENS_A_SECOND * self.sampled) + 2000

    @property
    def asked(self) -> str | None:
        """The name of something that is asked for, None where nothing is."""
        names = ("instruments", "key", "scale", "tempo", "meter", "density", "bars", "form", "grid")
        given = [name for name in names if getattr(self, name) is not None]
        return next(iter(given), None if self.seconds is None else "minutes")
