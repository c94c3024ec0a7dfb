"""C source files: the codec, and its grammar over any vocabulary whose tokens stand for bytes."""

from seqgen.codecs.c_source.codec import CSource, CSourceOptions, balanced_grammar, c_grammar

__all__ = ["CSource", "CSourceOptions", "balanced_grammar", "c_grammar"]
