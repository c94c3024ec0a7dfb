"""Music as it is written: bars, positions and note values instead of seconds."""

from seqgen.codecs.midi_bar.codec import MidiBar, MidiBarOptions

__all__ = ["MidiBar", "MidiBarOptions"]
