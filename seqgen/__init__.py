"""seqgen: a corpus becomes a stream of token ids, a recurrent model learns it, a sampler continues it."""

__version__ = "0.1.0"
__all__ = ["__version__"]
