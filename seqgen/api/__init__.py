"""The Python API: a model that samples, and what it makes. `seqgen.load` is where to begin."""
