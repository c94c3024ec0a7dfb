"""A trained model ready to sample: checkpoint, tokenizer and engine joined. Knows no command line, no terminal.

model = seqgen.load("checkpoints/plays")
for piece in model.generate("ROMEO:", temperature=0.8):
    print(piece, end="", flush=True)
sample = model.sample("ROMEO:", seed=7)      # a finished `seqgen.api.sample.Sample`
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from seqgen import hub
from seqgen.api.engines import make_engine
from seqgen.api.finishing import finished
from seqgen.api.primer import Prompt, prompt_bytes, with_primer
from seqgen.api.sample import Sample
from seqgen.api.sampler import Sampler
from seqgen.api.sampling import UNLIMITED, How, Sampling, fresh_seed
from seqgen.api.words import Token
from seqgen.arguments import checked, made
from seqgen.checkpoint import Checkpoint, find
from seqgen.codecs import Ids
from seqgen.container import read_header
from seqgen.errors import CheckpointError, CorpusError, UsageError
from seqgen.generation import Engine, EngineName
from seqgen.media import Timing
from seqgen.seen import Seen, together

if TYPE_CHECKING:
    from seqgen.api.filling import Filling
    from seqgen.api.mixture import Mixture
    from seqgen.inside.look import Look
    from seqgen.originality.index import Index


class Model:
    """A checkpoint with an engine.

    Several threads may sample from one model at once, as if alone. A sampler, an iterator and an open `seqgen.Takes`
    belong to one thread each, the engine `cuda` to one at a time.

    Args:
        checkpoint: Weights, codec and settings.
        digest: The SHA-256 of the checkpoint's data, which names it in takes; "" where it has no file.
        name: What people call it, mostly its path.
        engine: `auto`: numpy on the CPU, torch elsewhere; `cuda` only by name.
        device: `auto`: the CPU for numpy, the best there is for torch.

    Attributes:
        kind: Which engine, and on which device.
        mixture: What it is mixed of, see `seqgen.api.mixture`; None: it is a single model.

    Raises:
        UsageError: There is no such engine or device.
    """

    @checked
    def __init__(
        self,
        checkpoint: Checkpoint,
        digest: str = "",
        name: str = "",
        engine: EngineName = "auto",
        device: str = "auto",
    ) -> None:
        self.checkpoint, self.digest, self.name = checkpoint, digest, name
        self.tokenizer = checkpoint.tokenizer
        self.kind: tuple[EngineName, str] = engine, device
        self.mixture: Mixture | None = None
        self._made: Engine[Any] | None = None
        self._indexes: list[Index] | None = None
        self._making = threading.RLock()  # what several threads need for the first time is made by one

    @property
    def engine(self) -> Engine[Any]:
        """The network, made when it is first needed."""
        with self._making:
            if self._made is None:
                self._made = make_engine(self.checkpoint, *self.kind)
            return self._made

    @engine.setter
    def engine(self, engine: Engine[Any]) -> None:
        self._made = engine

    @cached_property
    def pieces(self) -> list[bytes] | None:
        """(V,) the bytes of each token; None for music, of which only whole pieces can be decoded."""
        return self.tokenizer.token_bytes()

    @property
    def is_text(self) -> bool:
        """Whether it makes text, or bytes: what can be shown as it comes; music cannot."""
        return self.tokenizer.is_text

    @property
    def artifact(self) -> str:
        """The file name ending of what is made: ".txt", ".c", ".mid"."""
        return self.tokenizer.codec.suffix

    @checked
    def indexes(self, note: Callable[[str], object] = lambda message: None) -> "list[Index]":
        """The training corpus as originality searches it, made where it is not there yet; of a mixture all of them.

        Args:
            note: Takes a remark for people: what takes time, and which corpus of a mixture is not known.

        Raises:
            DataError: There is no index, and the corpus is not there either.
        """
        from seqgen.api.learned import indexes  # not needed to start

        with self._making:
            self._indexes = self._indexes or indexes(self.models, note)
            return self._indexes

    @checked
    def indexes_if_there(self, most: int, note: Callable[[str], object] = lambda message: None) -> "list[Index]":
        """The same, or none; one is made only of a corpus of `most` tokens at most."""
        from seqgen.api.learned import indexes_if_there

        with self._making:
            self._indexes = self._indexes or indexes_if_there(self.models, most, note) or None
            return self._indexes or []

    @property
    def models(self) -> "list[Model]":
        """The models that this one is mixed of, or itself."""
        return [self] if self.mixture is None else [voice.model for voice in self.mixture.voices]

    @cached_property
    def seen(self) -> Seen | None:
        """What training saw of the codec's tokens, of a mixture any voice's; None where one of them does not say."""
        heard = [self] if self.mixture is None else self.mixture.heard
        return together([model.checkpoint.seen for model in heard], self.tokenizer.document_id)

    @property
    def folder(self) -> Path:
        """Where the checkpoint lies."""
        return find(self.name).parent

    @checked
    def generate(
        self, prompt: Prompt = None, *, label: str | None = None, seed: int | None = None, **how: Unpack[How]
    ) -> Iterator[str]:
        """Sample, piece by piece: text in whole characters, or for music the names of events. The prompt is not given.

        Args:
            prompt: What to continue: text, or for music the path or the bytes of a file, a `pretty_midi.PrettyMIDI` or
                a `mido.MidiFile`. None: a new document.
            label: Begin a document of this label, where the corpus had labels.
            seed: The same seed gives the same sample; None draws one.
            how: See `How`.

        Raises:
            UsageError: A rule, a value or a label does not exist or fit.
            DataError: The prompt cannot be read.
        """
        return (token.text for token in self.tokens(prompt, label=label, seed=seed, **how) if token.text)

    @checked
    def tokens(
        self, prompt: Prompt = None, *, label: str | None = None, seed: int | None = None, **how: Unpack[How]
    ) -> Iterator[Token]:
        """As `generate`, but every token with its id, log-probability and entropy."""
        return self._sampler(prompt, label, made(Sampling, fresh(seed), **how))[0].tokens()

    @checked
    def sample(
        self, prompt: Prompt = None, *, label: str | None = None, seed: int | None = None, **how: Unpack[How]
    ) -> Sample:
        """A finished sample. Arguments and errors are those of `generate`; the length must be finite."""
        sampling = made(Sampling, fresh(seed), **how)
        if sampling.length == UNLIMITED:
            raise UsageError("a finished sample of length inf never comes", "use generate, or give a number of tokens")
        sampler, timing = self._sampler(prompt, label, sampling)
        return finished(sampler, timing)

    @checked
    def fill(
        self,
        before: Prompt,
        after: str | bytes = "",
        *,
        bars: tuple[int, int] | None = None,
        seconds: tuple[float, float] | None = None,
        free: bool = False,
        label: str | None = None,
        seed: int | None = None,
        **how: Unpack[How],
    ) -> Sample:
        """What stands between two texts; or some bars of a piece, made anew. The model was trained with holes.

        Args:
            before: What stands before the hole; of music the piece, as `generate` takes it.
            after: What stands behind it.
            bars: Of music: the first and the last bar that are made anew, counted from 1. Others as in `generate`.
            seconds: Or from when on, and before when; a model of scores takes the nearest bars.
            free: See `accompany`.

        Raises:
            SeqgenError: The model was trained without holes, or cannot fill this one, or the piece cannot be read.
        """
        from seqgen.api.filled import filled  # not needed to go on

        sampling = made(Sampling, fresh(seed), **how)
        return filled(self, before, after, bars, seconds, free, self.label(label, sampling.seed), sampling)

    @checked
    def accompany(
        self,
        score: Prompt,
        parts: Sequence[str] | str,
        *,
        bars: tuple[int, int] | None = None,
        free: bool = False,
        label: str | None = None,
        seed: int | None = None,
        **how: Unpack[How],
    ) -> Sample:
        """A piece with parts that play to what it has, which stays as it is.

        Args:
            score: The piece, as `generate` takes it.
            parts: The names of those to be made: ["alto", "tenor", "bass"], or "drums".
            bars: Where they are made anew; None: everywhere. The others, and errors, are those of `fill`.
            free: Whether voices may cross, and move in fifths and octaves, though those of the corpus do not cross.
        """
        from seqgen.api.filled import accompanied  # not needed to go on

        sampling = made(Sampling, fresh(seed), **how)
        return accompanied(self, score, parts, bars, free, self.label(label, sampling.seed), sampling)

    @checked
    def look(self, text: Prompt, cells: Sequence[str] = (), corpus: Prompt = None, label: str | None = None) -> "Look":
        """See inside while it reads a text, in a notebook as a picture; see `seqgen.api.looking.look_at`."""
        from seqgen.api.looking import look_at  # not needed to start

        return look_at(self, text, cells, corpus, label)

    @checked
    def sampler(self, sampling: Sampling, prompts: Sequence[Ids], hole: "Filling | None" = None) -> Sampler:
        """Settings joined with this model, which all samples go through. UsageError: a rule or a value does not fit."""
        return Sampler(self, sampling, prompts, hole)

    @checked
    def prompt(
        self, data: bytes, label: str | None = None, name: str = "the prompt", seconds: float | None = None
    ) -> Ids:
        """(n,) ids with which a sample begins: the frame of a document, and `data` if there are any.

        Args:
            data: What to go on from; empty: a new document.
            label: Of the document.
            name: What the data are called where they cannot be read.
            seconds: How much music is to follow them, at their own tempo, where that is known.

        Raises:
            UsageError: There is no such label.
            DataError: The data cannot be read, or hold nothing to go on from.
        """
        opening = self.tokenizer.encode_prompt(data, seconds) if data else self.tokenizer.frame()[:0]
        if data and not len(opening):
            raise CorpusError(f"{name}: holds no note to go on from", "leave the prompt out to begin a new piece")
        return np.concatenate([self.tokenizer.frame(label), opening])

    @checked
    def label(self, wanted: str | None, seed: int, index: int = 0) -> str | None:
        """The label wanted, or any, drawn from the seed, since every document that was learned from has one."""
        labels = self.tokenizer.labels
        if wanted is not None or not labels:
            return wanted
        return labels[int(np.random.default_rng([seed, index]).integers(len(labels)))]

    @checked
    def read(self, prompt: Prompt) -> bytes:
        """The bytes of a prompt; for music a str is the name of a file."""
        return prompt_bytes(prompt, not self.is_text)

    def _sampler(self, prompt: Prompt, label: str | None, sampling: Sampling) -> tuple[Sampler, Timing | None]:
        """What samples, and what a file says of time besides its tokens."""
        data = self.read(prompt)
        music, timing = with_primer(self, sampling.music, data, free=sampling.grammar is False)
        seconds = None if music is None else music.sampled
        opening = self.prompt(data, self.label(label, sampling.seed), seconds=seconds)
        return self.sampler(replace(sampling, music=music), [opening]), timing

    def _repr_html_(self) -> str:
        return f"<code>{self.name or 'a model'}: {self.checkpoint.model}, {self.checkpoint.parameters:,} numbers</code>"


@checked
def load(path: str | Path, engine: EngineName = "auto", device: str = "auto") -> Model:
    """The model in a file or a run folder, or published under a name, here or on the Hub; threads may share it.

    Args:
        path: As `seqgen generate` takes it: also `hf://user/repo[@revision]`, whose commit the model's name then has.
        engine: numpy (one CPU, starts at once), torch (any device), cuda (graphs on an NVIDIA GPU), or auto.
        device: cpu, cuda, cuda:1, mps, or auto.

    Raises:
        CheckpointError: There is none, or it is damaged.
        HubError: It cannot be fetched from the Hub.
        UsageError: There is no such engine, or device.
    """
    path = hub.pinned(str(path)) if hub.is_name(path) else path
    file = find(path)
    digest = read_header(file, CheckpointError).metadata.get("data_sha256", "")
    return Model(Checkpoint.load(file), digest, str(path), engine, device)


def fresh(seed: int | None) -> int:
    """The seed, or a new one."""
    return fresh_seed() if seed is None else seed
