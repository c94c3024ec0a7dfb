"""The Performance RNN vocabulary of 388 events: for comparison with published losses."""

from seqgen.codecs.midi_388.codec import Midi388, Midi388Options

__all__ = ["Midi388", "Midi388Options"]
