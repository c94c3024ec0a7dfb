"""Four voices on a grid of sixteenths: chorales."""

from seqgen.codecs.midi_grid.codec import MidiGrid, MidiGridOptions

__all__ = ["MidiGrid", "MidiGridOptions"]
