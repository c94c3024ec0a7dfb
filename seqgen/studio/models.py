"""Which models a page may choose, and what it is told of the chosen one."""

from pathlib import Path
from typing import Any

from seqgen.api.model import Model
from seqgen.checkpoint import MODEL_FILE, published
from seqgen.studio.shelf import formats

RUNS = "checkpoints"  # the folder in which runs land where nothing else is said
MOST_LABELS = 1000


def choices() -> list[dict[str, str]]:
    """The runs of this folder and the published models; a page may also name a file, a folder or a name of the Hub."""
    runs = sorted(file.parent.as_posix() for file in Path(RUNS).glob(f"*/{MODEL_FILE}"))
    return [{"name": name, "kind": "run"} for name in runs] + [
        {"name": name, "kind": "published"} for name in published()
    ]


def facts(model: Model) -> dict[str, Any]:
    """A model as a page shows it."""
    checkpoint, tokenizer = model.checkpoint, model.tokenizer
    return {
        "name": model.name,
        "text": model.is_text,
        "heard": tokenizer.medium.heard,
        "cell": checkpoint.model,
        "parameters": checkpoint.parameters,
        "codec": tokenizer.codec_name,
        "labels": list(tokenizer.labels[:MOST_LABELS]),
        "usual": tokenizer.medium.usual_length,
        "live": tokenizer.codec.steerable() is not None,
        "formats": formats(tokenizer),
    }
