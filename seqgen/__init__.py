"""seqgen: a corpus becomes a stream of token ids, a recurrent model learns it, a sampler continues it.

    model = seqgen.train("plays/", "checkpoints/plays", minutes=5)
    print(model.sample("ROMEO:", temperature=0.8, seed=7).text)

The names below are imported when they are first asked for, so that `import seqgen` costs nothing.
"""

# Nothing is imported here, not even `typing`: `python -m seqgen` runs this file while the current folder still comes
# first in `sys.path`, and takes it off after that.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from seqgen.api.model import Model, load
    from seqgen.api.sample import Sample
    from seqgen.errors import SeqgenError
    from seqgen.jobs.observer import Observer
    from seqgen.jobs.python import evaluate, tokenize, train
    from seqgen.takes.store import Takes

__version__ = "0.1.0"
__all__ = [
    "Model", "Observer", "Sample", "SeqgenError", "Takes", "__version__", "evaluate", "load", "tokenize", "train",
]  # fmt: skip
_HOMES = {
    "Model": "seqgen.api.model",
    "Observer": "seqgen.jobs.observer",
    "Sample": "seqgen.api.sample",
    "SeqgenError": "seqgen.errors",
    "Takes": "seqgen.takes.store",
    "evaluate": "seqgen.jobs.python",
    "load": "seqgen.api.model",
    "tokenize": "seqgen.jobs.python",
    "train": "seqgen.jobs.python",
}


def __getattr__(name: str) -> "Any":
    if name not in _HOMES:
        raise AttributeError(f"module 'seqgen' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
