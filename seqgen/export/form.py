"""A model as plain data for a page: everything that its sampler has to know but the weights themselves.

What the page lets through is what `seqgen generate` does, by the same limits: they are taken from the sampler of the
Python API. What a page cannot do is left out and told.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqgen.api.model import Model
from seqgen.api.sampler import Sampler
from seqgen.api.sampling import Sampling
from seqgen.api.usual import effective
from seqgen.codecs import PageForm
from seqgen.documents import Documents
from seqgen.errors import UsageError
from seqgen.framing import FramedGrammar
from seqgen.generation.limits import Limits
from seqgen.models import weight_shapes

STATIC = Path(__file__).parent.parent / "studio" / "static"
RULES = ("temperature", "top_k", "top_p", "min_p", "repetition", "dry")  # that a page has
CODECS = "byte, char, word, subword, those of programming languages, midi, midi_bar, midi_388, midi_grid"
REFUSED = 0x80
NO_MEMORY = "none"


@dataclass(frozen=True)
class Parts:
    """The files of `studio/static/sampler` that run a model.

    Attributes:
        cell, memory, codec: Without folder and ending.
        counted: Whether there are counts that are mixed in.
    """

    cell: str
    memory: str
    codec: str
    counted: bool = False

    def files(self) -> dict[str, str]:
        """What each is → its path below `studio/static`."""
        kinds = {"Cell": f"cells/{self.cell}", "Memory": f"memories/{self.memory}", "Codec": f"codecs/{self.codec}"}
        kinds |= {"Mixed": "experts/mixed"} if self.counted else {}
        return {kind: f"sampler/{name}.js" for kind, name in kinds.items()}


@dataclass(frozen=True)
class Form:
    """A model for a page.

    Attributes:
        data: Plain JSON data.
        parts: What runs it.
        missing: What `seqgen generate` has of it and a page has not, in sentences.
    """

    data: dict[str, Any]
    parts: Parts
    missing: tuple[str, ...]


def form_of(model: Model, sampling: Sampling) -> Form:
    """The form of a model whose samples are usually drawn so; without `sampling.memory` its counts are left out.

    Raises:
        UsageError: A page has no such cell, memory or codec.
    """
    checkpoint, tokenizer = model.checkpoint, model.tokenizer
    sampler = Sampler(model, replace(sampling, memory=False), [tokenizer.frame()])
    limits = sampler.limits()
    inner = limits.grammar.inner if isinstance(limits.grammar, FramedGrammar) else None
    page = tokenizer.codec.page_form(inner)
    memory = checkpoint.settings.memory or NO_MEMORY
    counts = _counts(model, sampling)
    parts = _parts(checkpoint.model, memory, tokenizer.codec_name, page, counts is not None)
    assert page is not None
    missing = list(_missing(model, page, limits, sampling.memory))
    limits = limits if page.grammar else replace(limits, grammar=None)
    settings = checkpoint.settings
    shape = {
        "hidden": settings.hidden,
        "layers": settings.layers,
        "embedding": settings.embedding_size,
        "tied": settings.tied,
        "projected": settings.projected,
        "length": settings.memory_length,
    }
    data = {
        "cell": asdict(checkpoint.cell),  # type: ignore[call-overload]
        "shape": shape,
        "vocab": tokenizer.vocab_size,
        "document": tokenizer.document_id,
        "labels": list(tokenizer.labels),
        "heard": tokenizer.medium.heard,
        "primer": page.primer,
        "suffix": tokenizer.codec.suffix,
        "pieces": [piece.decode("latin-1") for piece in model.pieces or []],
        "names": None if model.is_text else tokenizer.vocabulary(),
        "codec": dict(page.data),
        "items": _items(tokenizer.documents),
        "experts": counts,
        "limits": _limits(limits, tokenizer.vocab_size),
        "free": _free(model, sampling),
        "defaults": {
            "temperature": sampling.temperature,
            "rules": [[name, value] for name, value in effective(model, sampling.rules) if name in RULES],
            "length": sampler.length,
            "seed": str(sampling.seed),  # up to 2^64 - 1, which a number of a page cannot hold
        },
    }
    return Form(data, parts, tuple(missing))


def weights_of(model: Model) -> Mapping[str, NDArray[Any]]:
    """The weights in the order of their shapes."""
    checkpoint = model.checkpoint
    names = weight_shapes(checkpoint.cell, checkpoint.settings, checkpoint.tokenizer.vocab_size)
    return {name: checkpoint.weights[name] for name in names}


def counts_of(model: Model, sampling: Sampling) -> Mapping[str, NDArray[Any]]:
    """Counts of the corpus, where the model has them and they are mixed in."""
    experts = model.checkpoint.experts
    return {} if experts is None or not sampling.memory else experts.counts.arrays


def script_json(data: Any) -> str:
    """JSON that can stand in a script of a page or of a module, whatever is in it."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _parts(cell: str, memory: str, codec_name: str, page: PageForm | None, counted: bool) -> Parts:
    """What runs a model. Raises UsageError where there is no such file."""
    parts = Parts(cell, memory, "" if page is None else page.module, counted)
    for what, name, path in zip(("cell", "memory", "codec"), (cell, memory, codec_name), parts.files().values()):
        if not (STATIC / path).is_file():
            known = ", ".join(_known(what))
            raise UsageError(f"a page cannot run the {what} {name!r}", f"it knows {known}; train a model with one")
    return parts


def _known(what: str) -> Sequence[str]:
    if what == "codec":
        return CODECS.split(", ")
    folder = STATIC / "sampler" / {"cell": "cells", "memory": "memories"}[what]
    return sorted(path.stem for path in folder.glob("*.js") if path.stem not in ("gates", "places"))


def _missing(model: Model, page: PageForm, limits: Limits, counted: bool) -> Sequence[str]:
    found = []
    if model.checkpoint.experts is not None and not counted:
        found.append("counts of the corpus and of the document, which seqgen generate mixes in but for --no-memory")
    if limits.grammar is not None and not page.grammar:
        found.append("the grammar of its language, which keeps brackets, strings and comments whole")
    if model.tokenizer.medium.heard and not page.primer:
        found.append("files to go on from, which pages read for seqgen's own codecs of music")
    names = [name for name, _ in effective(model, []) if name not in RULES]
    if names:
        found.append(f"the rule {' and '.join(names)}, which is usual for this model")
    return found


def _counts(model: Model, sampling: Sampling) -> dict[str, Any] | None:
    """What mixes counts and network, for a page; the counts stand behind the weights. None: there are none."""
    experts = model.checkpoint.experts
    if experts is None or not sampling.memory:
        return None
    gate = [[float(weight) for weight in row] for row in experts.gate.sampling]
    size, lines = experts.vocab_size, experts.lines
    begun = [0] * size if lines is None else lines[:size].tolist()
    return {"size": size, "order": experts.counts.order, "gate": gate, "lines": begun}


def _items(documents: Documents) -> dict[str, Any] | None:
    """What keeps items of a list apart, for a page; None: a document is a file."""
    if documents.whole:
        return None
    mark = None if documents.joint == b"\n" else documents.mark.decode("latin-1")
    return {"mark": mark, "inline": documents.inline}


def _limits(limits: Limits, vocab_size: int) -> dict[str, str]:
    """Bans, spelling and strangers as bytes in base 64, see `studio/static/sampler/limits.js`."""
    held = limits if limits.grammar is None else replace(limits, unseen=None)
    spelling, penalties = limits.spelling, held.penalties
    places = 1 if spelling is None else len(spelling.after)
    after = np.zeros((places, vocab_size), np.uint8) if spelling is None else spelling.after.astype(np.uint8)
    refused = np.zeros((places, vocab_size), np.bool_)
    if penalties is not None:
        refused |= penalties < 0
    strange = limits.unseen if limits.grammar is not None else None
    return {
        "rows": _text(after | np.where(refused, REFUSED, 0).astype(np.uint8)),
        "strange": "" if strange is None or strange.all() else _text(strange.astype(np.uint8)),
    }


def _free(model: Model, sampling: Sampling) -> dict[str, str] | None:
    """The same where no grammar is kept; None for music, which a page reads by its grammar."""
    if not model.is_text:
        return None
    sampler = Sampler(model, replace(sampling, memory=False, grammar=False), [model.tokenizer.frame()])
    return _limits(sampler.limits(), model.tokenizer.vocab_size)


def _text(values: NDArray[np.uint8]) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")
