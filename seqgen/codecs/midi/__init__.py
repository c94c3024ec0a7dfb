"""Music: MIDI files (and MusicXML and ABC, which are read into the same `Score`) as token ids."""

from seqgen.codecs.midi.performance import Midi, MidiOptions

__all__ = ["Midi", "MidiOptions"]
