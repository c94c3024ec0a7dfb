"""What codecs say of their media, and how little one has to say."""

import pytest
from midi_files import off, on, simple

from seqgen import registry
from seqgen.codecs.byte import Byte, ByteOptions
from seqgen.codecs.c_source import CSource, CSourceOptions
from seqgen.codecs.midi import Midi, MidiOptions
from seqgen.codecs.midi_388 import Midi388, Midi388Options
from seqgen.codecs.midi_bar import MidiBar, MidiBarOptions
from seqgen.errors import UsageError
from seqgen.media import TEXT, Extent
from seqgen.music.annotation import annotation
from seqgen.music.medium import MUSIC
from seqgen.music.read import read_score
from seqgen.music.write import write_score

NAMES = {
    "byte": "text",
    "c_source": "C",
    "char": "text",
    "cpp": "C++",
    "csharp": "C#",
    "go": "Go",
    "java": "Java",
    "javascript": "JavaScript",
    "lua": "Lua",
    "midi": "music",
    "midi_388": "music",
    "midi_bar": "music",
    "midi_grid": "music",
    "python": "Python",
    "rust": "Rust",
    "subword": "text",
}
SONG = write_score(read_score(simple((0, on(60)), (470, off(60)), (480, on(64)), (960, off(64)))))


def test_every_codec_has_a_medium():
    media = {name: registry.load("codecs", name).medium.name for name in registry.names("codecs")}
    assert media | NAMES == media  # a new one need not be named here


def test_a_codec_that_says_nothing_has_plain_files():
    assert Byte.medium is TEXT
    assert TEXT.usual_length == 1_000
    assert TEXT.inscribed(b"abc", "a line") == TEXT.converted(b"abc", ".mid") == TEXT.on_grid(b"abc", 16) == b"abc"
    assert TEXT.extent(b"abc") is None


def test_music_carries_a_line_and_is_so_many_notes_and_seconds():
    assert MUSIC.usual_length == 20_000
    assert annotation(MUSIC.inscribed(SONG, "a line")) == "a line"
    assert MUSIC.extent(SONG) == Extent(2, 1.0)


def test_music_is_converted_by_its_ending_and_put_on_a_grid():
    assert MUSIC.converted(SONG, "") is MUSIC.converted(SONG, ".mid") is MUSIC.converted(SONG, ".bin") is SONG
    straight = MUSIC.on_grid(SONG, 16)
    score = read_score(straight)
    assert (score.duration / score.ticks_per_quarter).tolist() == [1, 1]
    assert b"\nC2 E2 z4|]" in MUSIC.converted(straight, ".abc")
    assert b"<score-partwise" in MUSIC.converted(straight, ".musicxml")


def test_only_some_music_can_be_steered():
    assert Byte().steerable() is None
    assert Midi388(Midi388Options()).steerable() is None
    midi, bars = Midi(MidiOptions()), MidiBar(MidiBarOptions())
    assert midi.steerable() is midi
    assert not midi.has_meters
    assert bars.has_meters


@pytest.mark.parametrize(
    ("asked", "fits"), [("text", (True, True, False)), ("C", (False, True, False)), ("music", (False, False, True))]
)
def test_what_is_asked_of_another_medium_is_refused(asked, fits):
    made = Byte.fit([], ByteOptions()), CSource.fit([b"int x;"], CSourceOptions()), Midi(MidiOptions())
    for codec, fitting in zip(made, fits):
        if fitting:
            codec.require(asked, "--this")
            continue
        with pytest.raises(UsageError) as caught:
            codec.require(asked, "--this", "leave it out")
        assert caught.value.message == f"--this is for {asked}, this model makes {codec.suffix} files"
        assert caught.value.hint == "leave it out"


def test_what_follows_a_prompt_is_a_file_with_or_without_it():
    codec = Byte()
    prompt, ids = codec.encode(b"ab"), codec.encode(b"cd")
    assert codec.finished(prompt, ids, None, True) == b"abcd"
    assert codec.finished(prompt, ids, None, False) == b"cd"
